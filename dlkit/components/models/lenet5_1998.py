"""LeNet-5 as published (LeCun, Bottou, Bengio and Haffner, 1998, section II.B)."""

import keras
from keras import layers

from dlkit.components.layers.mapped_convolution import MappedConvolution
from dlkit.components.layers.radial_basis import RadialBasis
from dlkit.components.layers.scaled_tanh import ScaledTanh
from dlkit.components.layers.subsampling import Subsampling
from dlkit.components.models._digit_codes import CODES
from dlkit.components.models._image_classifier import image_input
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec

# The maps of S2 that each of the 16 maps of C3 sees (table I of the paper).
CONNECTIONS = [
    *([0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5]),
    *([0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5]),
    *([0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]),
]


def lenet5_1998(inputs: ArraySpec, targets: TargetSpec) -> keras.Model:
    """Build the 1998 LeNet-5 for ten digits of at least 32x32 pixels, with 60,000 parameters at 32x32x1.

    It has subsampling with a coefficient and a bias per map, a partial connection table, a scaled tanh, and a fixed
    code for every digit. The outputs are the softmax of the negative squared distances to the codes, so that their
    cross-entropy is the paper's criterion (9) with its constant j at infinity.
    """
    if len(targets.class_names) != len(CODES):
        raise InputError(
            f"lenet5_1998 has codes for {len(CODES)} digits, but the data has {len(targets.class_names)} classes",
            "use the recipe lenet5, the modern form for any classes",
        )
    network_input = image_input(inputs, "lenet5_1998", smallest=32)
    named = {
        "C1": layers.Conv2D(6, 5, name="C1"),
        "S2": Subsampling(name="S2"),
        "C3": MappedConvolution(connections=CONNECTIONS, kernel_size=5, name="C3"),
        "S4": Subsampling(name="S4"),
        "C5": layers.Conv2D(120, 5, name="C5"),
        "F6": layers.Dense(len(CODES[0]), name="F6"),
    }
    x = network_input
    for name, layer in named.items():
        x = layers.Flatten(name="flatten")(x) if name == "F6" else x
        x = ScaledTanh(name=f"{name}_tanh")(layer(x))
    distances = RadialBasis(codes=CODES, name="distances")(x)
    outputs = layers.Activation("softmax", name="output")(layers.Rescaling(-1.0, name="negative")(distances))
    return keras.Model(network_input, outputs, name="lenet5_1998")
