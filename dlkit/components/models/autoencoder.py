"""Autoencoders: an encoder and a decoder, each a nested network, with optional penalties on the code."""

from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from dlkit.components.layers._autoencoder import Autoencoder
from dlkit.components.layers._jacobian_penalty import JacobianPenalty
from dlkit.components.layers._sampling import Sampling
from dlkit.components.layers._stack import stack
from dlkit.components.layers.tied_dense import TiedDense
from dlkit.components.losses._divergences import absolute_sum, kl_to_rate, kl_to_standard_normal
from dlkit.errors import InputError
from dlkit.interfaces.data import ArraySpec
from dlkit.interfaces.task import TargetSpec


def autoencoder(
    inputs: ArraySpec,
    targets: TargetSpec,
    *,
    encoder: list,
    decoder: list,
    latent: Annotated[int, Field(gt=0)] | None = None,
    sparsity: Literal["l1", "kl"] | None = None,
    rho: Annotated[float, Field(gt=0, lt=1)] = 0.05,
    contraction: Literal["exact", "probe"] | None = None,
) -> keras.Model:
    """Build an autoencoder of an encoder h = f(x) and a decoder x' = g(h), each a list of layers (decks 002 and 003).

    A TiedDense in the decoder uses, or begins with, the transposed kernel of the mirrored Dense in the encoder.
    `latent` makes the network variational: two dense layers after the encoder give mean and log-variance of `latent`
    dimensions, the decoder gets a sample (in inference the mean), and the penalty is `kl`. `sparsity` adds the penalty
    `sparsity`: the L1 norm of the code, or the KL divergence of each unit's mean activation from `rho`. `contraction`
    adds the penalty `jacobian`, ||dh/dx||_F^2: `exact` for one dense layer, `probe` estimates it for more. The task's
    loss_weights set the weight of each penalty.
    """
    del targets
    network_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    encoding = _encoder(inputs, encoder, latent)
    codes = encoding(network_input)
    penalties: dict[str, Any] = {}
    if latent is not None:
        penalties["kl"] = kl_to_standard_normal(*codes)
        code = Sampling(name="sampling")(codes)
    else:
        code = codes
    if sparsity is not None:
        penalties["sparsity"] = absolute_sum(code) if sparsity == "l1" else kl_to_rate(_rates(encoder, code), rho)
    if contraction is not None:
        penalties["jacobian"] = _contraction(encoding, contraction, latent)(network_input)
    output = _decoder(code, decoder, encoder)(code)
    return Autoencoder(network_input, {"output": output, **penalties} if penalties else output)


def _encoder(inputs: ArraySpec, layers: list[Any], latent: int | None) -> keras.Model:
    """Return the encoder, whose output is the code, or with `latent` the mean and log-variance."""
    encoder_input = keras.Input(inputs.shape, dtype=inputs.dtype, name="inputs")
    code = stack(layers, encoder_input)
    if latent is not None:
        heads = [keras.layers.Dense(latent, name=name) for name in ("mean", "log_variance")]
        return keras.Model(encoder_input, [stack([head], code) for head in heads], name="encoder")
    return keras.Model(encoder_input, code, name="encoder")


def _decoder(code: Any, layers: list[Any], encoder: list[Any]) -> keras.Model:
    _tie(layers, encoder)
    decoder_input = keras.Input(code.shape[1:], dtype=code.dtype, name="code")
    return keras.Model(decoder_input, stack(layers, decoder_input), name="decoder")


def _tie(decoder: list[Any], encoder: list[Any]) -> None:
    """Tie the first TiedDense to the encoder's last Dense, the second to the one before it, and so on."""
    tied = [layer for layer in decoder if isinstance(layer, TiedDense)]
    partners = [layer for layer in reversed(encoder) if isinstance(layer, keras.layers.Dense)]
    if len(tied) > len(partners):
        raise InputError(
            f"the decoder has {len(tied)} TiedDense layers, but the encoder only {len(partners)} Dense to tie them to",
            "use Dense for the others",
        )
    for layer, partner in zip(tied, partners, strict=False):
        layer.tie(partner)


def _rates(encoder: list[Any], code: Any) -> Any:
    """Return the code; raise InputError unless its units lie between 0 and 1."""
    activation = getattr(encoder[-1], "activation", None) if encoder else None
    if activation is not keras.activations.sigmoid:
        raise InputError(
            "sparsity: kl needs a code between 0 and 1", "end the encoder with activation: sigmoid, or use sparsity: l1"
        )
    return code


def _contraction(encoder: keras.Model, kind: str, latent: int | None) -> JacobianPenalty:
    if latent is not None:
        raise InputError("contraction and latent exclude each other", "remove one of them")
    shaping = (keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape)
    steps = [layer for layer in encoder.layers if not isinstance(layer, shaping)]
    if kind == "exact" and not (len(steps) == 1 and isinstance(encoder.layers[-1], keras.layers.Dense)):
        raise InputError("contraction: exact needs an encoder of one Dense layer", "use contraction: probe")
    penalty = JacobianPenalty(exact=kind == "exact", name="jacobian")
    penalty.attach(encoder)
    return penalty
