"""The decks' own numbers: the defaults of `dlkit worked`, and what tests and pages compare with."""

# Deck 000: one neuron, x1, x2 and the label of each sample; its start, its losses by epoch, and its last weights.
SAMPLES = (
    *((2, 4, 1), (5, 2, 0), (1, 2, 1), (4, 3, 0), (7, 4, 0), (5, 6, 1)),
    *((3, 6, 1), (4, 5, 1), (7, 8, 1), (8, 6, 0), (6, 5, 0), (2, 1, 0)),
)
START = (-8.0, 1.0, 1.4)
NEURON_LOSSES = {
    0: 2.4019401941538843,
    1: 2.329520702681356,
    2: 2.284788997951755,
    3: 2.2504521846307064,
    4: 2.218260766279002,
    5: 2.1825972045368642,
    6: 2.135130764910242,
    7: 2.0569776607674903,
    685: 0.010042452159097071,
    686: 0.010016644423407106,
    687: 0.009990960773269853,
}
NEURON_FIRST = (-8.010284377556651, 0.9102333729710631, 1.391632618150986)
NEURON_LAST = (-4.7664440430506545, -4.193920379177114, 5.452505839107012)
NEURON_SAMPLE_0 = (-0.40000000000000036, 0.40131233988754794, 0.17921345718546142)

# Deck 000: the worked convolution, with a stride of 1 on a patch that ends where it is printed.
PATCH = (
    *((105, 102, 100, 97, 96), (103, 99, 103, 101, 102), (101, 98, 104, 102, 100)),
    *((99, 101, 106, 104, 99), (104, 104, 104, 100, 98)),
)
SHARPEN = ((0, -1, 0), (-1, 5, -1), (0, -1, 0))
SHARPENED = (
    *((320, 206, 198, 188, 281), (210, 89, 111, 101, 213), (205, 85, 111, 101, 197)),
    *((189, 98, 117, 113, 193), (317, 211, 210, 194, 291)),
)
VERTICAL = ((1, 0, -1), (2, 0, -2), (1, 0, -1))
HORIZONTAL = ((1, 2, 1), (0, 0, 0), (-1, -2, -1))
SQUARE = tuple(tuple(1 if 2 <= row <= 5 and 2 <= column <= 5 else 0 for column in range(8)) for row in range(8))

# Decks 000 and 004: pooling of a 4x4 image.
POOLED_IMAGE = ((1, 1, 2, 4), (5, 6, 7, 8), (3, 2, 1, 0), (1, 2, 3, 4))
POOLED = {"max": ((6, 8), (3, 4)), "min": ((1, 2), (1, 0)), "average": ((3.25, 5.25), (2, 2))}

# Deck 003: transposed convolution with a kernel of ones and a stride of 2, and enlarging twice.
SMALL_IMAGE = ((1, 2), (3, 4))
ONES = ((1, 1, 1), (1, 1, 1), (1, 1, 1))
TRANSPOSED = ((1, 1, 3, 2, 2), (1, 1, 3, 2, 2), (4, 4, 10, 6, 6), (3, 3, 7, 4, 4), (3, 3, 7, 4, 4))
BILINEAR = ((1, 1.25, 1.75, 2), (1.5, 1.75, 2.25, 2.5), (2.5, 2.75, 3.25, 3.5), (3, 3.25, 3.75, 4))

# Decks 002, 003 and 004: activations, losses and overlaps.
Z = (-2, -0.5, 0, 0.5, 2)
ACTIVATIONS = {
    "linear": (-2, -0.5, 0, 0.5, 2),
    "relu": (0, 0, 0, 0.5, 2),
    "sigmoid": (0.119203, 0.377541, 0.5, 0.622459, 0.880797),
    "tanh": (-0.964028, -0.462117, 0, 0.462117, 0.964028),
    "softplus": (0.126928, 0.474077, 0.693147, 0.974077, 2.126928),
    "softmax": (0.012555, 0.056266, 0.092767, 0.152948, 0.685464),
}
LEAKY = (-0.2, -0.05, 0, 0.5, 2)
LOG_LIKELIHOOD = 0.3776594771
T, P = (1, 0, 1, 1), (0.9, 0.2, 0.6, 0.4)
LOSSES = {
    "cross-entropy of the deck": 1.7556204226,
    "cross-entropy of Keras": 0.4389051057,
    "squared error of the deck": 0.57,
    "squared error of Keras": 0.1425,
    "absolute error": 0.325,
}
OVERLAPS = {
    "soft Dice loss": 0.1304347826,
    "Dice loss of Keras": 0.2549020,
    "hard Dice": 0.8,
    "IoU": 0.6666667,
    "pixel accuracy": 0.75,
}
KL_P, KL_Q = (0.5, 0.3, 0.2), (0.4, 0.4, 0.2)
DIVERGENCES = {"KL(p || q)": 0.02526715392, "KL(q || p)": 0.02581540846}

# Deck 004: batch normalization and penalties.
BATCH = ((1, 2), (3, 4), (5, 9))
NORMALIZED = ((-1.224515, -1.018991), (0, -0.339664), (1.224515, 1.358654))
WEIGHTS, EXAMPLES, LAMBDA, ETA = (0.5, -1, 2), 10, 0.1, 0.01
PENALTIES = {"R of L2": 0.2625, "R of L1": 0.35}
DECAYED = (0.49995, -0.9999, 1.9998)

# Deck 002: one recurrent neuron and the bound of its gradient after ten steps.
W_IN, W_REC, BOUND_10 = 0.5, 0.9, 0.17433922

# Decks 001 and 002: top-5 errors of ImageNet's winners in percent: in the decks, where they are those of entries of
# several networks, and of a single network in the papers.
IMAGENET = (
    (2012, "AlexNet", 15.3, 18.2),
    (2013, "ZFNet", 11.2, 16.5),
    (2014, "VGG", 7.3, 8.8),
    (2014, "GoogLeNet", 6.67, 10.07),
    (2015, "ResNet-152", 3.6, 6.7),
)
