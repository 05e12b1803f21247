"""Measure what the ingredients of cifar_cnn_best contribute: PyTorch trainings, several at once on one GPU.

    python benchmarks/torch/cifar_ingredients.py IMAGES.npz [VARIANT ...] [--seeds 1] [--at-once 6] [--epochs 40]

IMAGES.npz has `x` and `y` for training and `judged_x` and `judged_y` for evaluation: uint8 (n, 32, 32, 3) and labels
(n,). Without a variant all of them are trained. Each prints its accuracy on the evaluation images, and on the augmented
training images.
On a GPU convolutions are bfloat16 and a step is one CUDA graph; a CPU (float32) takes hours for one variant.
"""

import argparse
import contextlib
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DTYPE = torch.bfloat16 if DEVICE == "cuda" else torch.float32
CHUNK = 12500


@dataclass(frozen=True)
class Settings:
    """The settings of a variant, by default those of the recipe."""

    epochs: int = 40
    batch_size: int = 256
    max_learning_rate: float = 0.05
    decay: str = "linear"
    momentum: float = 0.8
    adam_lr_ratio: float = 0.05
    adam_weight_decay: float = 0.0
    muon_for_dense: bool = True
    activation: str = "silu"
    activation_first: bool = False  # before the batch normalisation, as the lecture has it
    pool_first: bool = False  # before normalisation and activation
    dropout: tuple[float, ...] = (0, 0, 0, 0)  # after the three blocks and the hidden Dense layer
    label_smoothing: float = 0.1
    alternating_flip: bool = True
    padding: int = 4
    cutmix: float = 0.5
    epochs_without_cutmix: int = 0  # the last ones
    cutout: int = 0
    colour: float = 0.0  # brightness, contrast and saturation times 1 - colour to 1 + colour
    seed: int = 0


RECIPE = Settings()
BEFORE = Settings(
    activation="relu", activation_first=True, adam_weight_decay=0.05, dropout=(0, 0, 0.1, 0.2), alternating_flip=False
)
NO_DROPOUT = replace(BEFORE, dropout=(0, 0, 0, 0), alternating_flip=True)
VARIANTS = {
    "before": BEFORE,
    "before, dropout 0": replace(BEFORE, dropout=(0, 0, 0, 0)),
    "before, dropout 0 and 0.2": replace(BEFORE, dropout=(0, 0, 0, 0.2)),
    "before, dropout 0 and 0.5": replace(BEFORE, dropout=(0, 0, 0, 0.5)),
    "before, dropout 0.3 and 0.5": replace(BEFORE, dropout=(0, 0, 0.3, 0.5)),
    "before, alternating flips": replace(BEFORE, alternating_flip=True),
    "before, batches of 128": replace(BEFORE, batch_size=128, max_learning_rate=0.035),
    "before, peak 0.025": replace(BEFORE, max_learning_rate=0.025),
    "before, peak 0.1": replace(BEFORE, max_learning_rate=0.1),
    "before, cutmix 0.25": replace(BEFORE, cutmix=0.25),
    "before, cutmix 0.75": replace(BEFORE, cutmix=0.75),
    "before, cutmix 1": replace(BEFORE, cutmix=1),
    "before, cutout": replace(BEFORE, cutmix=0, cutout=8),
    "before, relu behind": replace(BEFORE, activation_first=False),
    "before, silu behind": replace(BEFORE, activation="silu", activation_first=False),
    "before, gelu behind": replace(BEFORE, activation="gelu", activation_first=False),
    "no dropout": NO_DROPOUT,
    "no dropout, no decay": replace(NO_DROPOUT, adam_weight_decay=0),
    "relu": replace(RECIPE, activation="relu"),
    "gelu": replace(RECIPE, activation="gelu"),
    "recipe": RECIPE,
    "dropout 0.2": replace(RECIPE, dropout=(0, 0, 0, 0.2)),
    "dropout 0.1 and 0.2": replace(RECIPE, dropout=(0, 0, 0.1, 0.2)),
    "random flips": replace(RECIPE, alternating_flip=False),
    "peak 0.035": replace(RECIPE, max_learning_rate=0.035),
    "peak 0.08": replace(RECIPE, max_learning_rate=0.08),
    "cosine": replace(RECIPE, decay="cosine"),
    "momentum 0.9": replace(RECIPE, momentum=0.9),
    "adam_lr_ratio 0.02": replace(RECIPE, adam_lr_ratio=0.02),
    "adam_lr_ratio 0.1": replace(RECIPE, adam_lr_ratio=0.1),
    "AdamW for Dense": replace(RECIPE, muon_for_dense=False),
    "label smoothing 0.05": replace(RECIPE, label_smoothing=0.05),
    "crops of 3": replace(RECIPE, padding=3),
    "cutmix 0.75": replace(RECIPE, cutmix=0.75),
    "last 3 without cutmix": replace(RECIPE, epochs_without_cutmix=3),
    "colours": replace(RECIPE, colour=0.2),
    "pool first": replace(RECIPE, pool_first=True),
}


class Network:
    """The lecture's six convolutions and two Dense layers, as functions, so that a step can be captured."""

    def __init__(self, settings):
        self.settings = settings
        draw = torch.Generator().manual_seed(settings.seed)
        uniform = lambda limit, *shape: (torch.rand(*shape, generator=draw) * 2 - 1) * limit  # noqa: E731
        self.kernels, self.biases, self.norms = [], [], []
        for inputs, filters in ((3, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)):
            kernel = uniform(math.sqrt(1 / (9 * inputs)), filters, inputs, 3, 3)
            for channel in range(min(inputs, filters)):
                kernel[channel] = 0
                kernel[channel, channel, 1, 1] = 1
            self.kernels.append(kernel.to(DEVICE).to(memory_format=torch.channels_last))
            self.biases.append(torch.zeros(filters, device=DEVICE))
            self.norms.append(fresh_norm(filters))
        self.hidden, self.last = (uniform(math.sqrt(6 / (i + o)), o, i).to(DEVICE) for i, o in ((2048, 512), (512, 10)))
        self.biases += [torch.zeros(512, device=DEVICE), torch.zeros(10, device=DEVICE)]
        self.norms.append(fresh_norm(512))
        self.matrices = self.kernels + ([self.hidden] if settings.muon_for_dense else [])
        self.others = [*self.biases, *(t for n in self.norms for t in n[:2]), self.last]
        self.others += [] if settings.muon_for_dense else [self.hidden]
        self.moments = [t for n in self.norms for t in n[2:]]
        for weight in self.matrices + self.others:
            weight.requires_grad_(True)

    def __call__(self, images, training):
        s = self.settings
        activation = {"relu": functional.relu, "silu": functional.silu, "gelu": functional.gelu}[s.activation]

        def normed(x, norm):
            scale, shift, mean, variance = norm
            x = activation(x) if s.activation_first else x
            x = functional.batch_norm(x, mean, variance, scale, shift, training, 0.1, 1e-3)
            return x if s.activation_first else activation(x)

        x = images
        for index in range(6):
            x = functional.conv2d(x, self.kernels[index].to(DTYPE), self.biases[index].to(DTYPE), padding=1)
            if index % 2 and s.pool_first:
                x = functional.max_pool2d(x, 2)
            x = normed(x, self.norms[index])
            if index % 2:
                x = x if s.pool_first else functional.max_pool2d(x, 2)
                x = functional.dropout(x, s.dropout[index // 2], training)
        x = functional.linear(x.flatten(1), self.hidden.to(DTYPE), self.biases[6].to(DTYPE))
        x = functional.dropout(normed(x, self.norms[6]), s.dropout[3], training)
        return functional.linear(x, self.last.to(DTYPE), self.biases[7].to(DTYPE)).float()


def fresh_norm(size):
    """Return the initial scale, shift, mean and variance of a batch normalisation."""
    ones, zeros = torch.ones(size, device=DEVICE), torch.zeros(size, device=DEVICE)
    return [ones, zeros, zeros.clone(), ones.clone()]


def newton_schulz(gradient, steps=3):
    """Return the gradient as a matrix with one row per filter and singular values near one."""
    x = gradient.flatten(1)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
    return (x.T if tall else x).reshape(gradient.shape)


class Training:
    """A run that takes one step at a time on its own CUDA stream."""

    def __init__(self, name, settings, data):
        self.name, self.settings, self.data = name, settings, data
        self.steps = len(data["x"]) // settings.batch_size
        self.step = 0
        torch.manual_seed(1000 + settings.seed)
        self.stream = torch.cuda.Stream() if DEVICE == "cuda" else None
        with self.on_stream():
            self.network = Network(settings)
            self.momenta = [torch.zeros_like(w) for w in self.network.matrices]
            self.first, self.second = ([torch.zeros_like(w) for w in self.network.others] for _ in range(2))
            self.images = torch.zeros(settings.batch_size, 3, 32, 32, device=DEVICE, dtype=DTYPE)
            self.images = self.images.to(memory_format=torch.channels_last)
            self.targets = torch.zeros(settings.batch_size, 10, device=DEVICE)
            self.rates = torch.zeros(2, device=DEVICE)
            self.right = torch.zeros((), device=DEVICE)
            self.table = self.schedule()
            if self.stream:
                self.capture()

    def on_stream(self):
        return torch.cuda.stream(self.stream) if self.stream else contextlib.nullcontext()

    def schedule(self):
        """Return the rates of Muon and of Adam, with its bias correction, for every step."""
        s = self.settings
        total = self.steps * s.epochs
        done = np.arange(total) / total
        up, down = np.minimum(done / 0.1, 1), np.clip((done - 0.1) / 0.9, 0, 1)
        down = (1 - np.cos(down * np.pi)) / 2 if s.decay == "cosine" else down
        rate = s.max_learning_rate * (0.5 + 0.5 * up - down)
        t = np.arange(1, total + 1)
        adam = rate * s.adam_lr_ratio * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return torch.tensor(np.stack([rate, adam], 1), dtype=torch.float32, device=DEVICE)

    def capture(self):
        """Capture a step as one CUDA graph, and restore what the warm-up steps changed."""
        net = self.network
        state = net.matrices + net.others + net.moments + self.momenta + self.first + self.second
        kept = [t.detach().clone() for t in state]
        for _ in range(2):
            self.update()
        self.stream.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.update()
        with torch.no_grad():
            for tensor, value in zip(state, kept, strict=True):
                tensor.copy_(value)

    def update(self):
        s, net = self.settings, self.network
        logits = net(self.images, True)
        loss = functional.cross_entropy(logits, self.targets)
        gradients = torch.autograd.grad(loss, net.matrices + net.others)
        count = len(net.matrices)
        with torch.no_grad():
            self.right += (logits.argmax(1) == self.targets.argmax(1)).float().mean()
            for weight, gradient, momentum in zip(net.matrices, gradients[:count], self.momenta, strict=True):
                momentum.mul_(s.momentum).add_(gradient)
                weight.sub_(self.rates[0] * newton_schulz(gradient + s.momentum * momentum))
                weight.mul_(math.sqrt(weight.shape[0]) / (weight.norm() + 1e-7))
            gradients = list(gradients[count:])
            if s.adam_weight_decay:
                torch._foreach_mul_(net.others, 1 - self.rates[0] * s.adam_weight_decay)
            torch._foreach_lerp_(self.first, gradients, 0.1)
            torch._foreach_mul_(self.second, 0.999)
            torch._foreach_addcmul_(self.second, gradients, gradients, 0.001)
            roots = torch._foreach_sqrt(self.second)
            torch._foreach_add_(roots, 1e-7)
            steps = torch._foreach_div(self.first, roots)
            torch._foreach_mul_(steps, self.rates[1])
            torch._foreach_sub_(net.others, steps)

    def advance(self):
        """Take one step; return True after the last one."""
        s = self.settings
        with self.on_stream():
            place = self.step % self.steps
            if place == 0:
                self.right.zero_()
                self.epoch_images, self.epoch_targets = self.augmented(self.step // self.steps)
            batch = slice(place * s.batch_size, (place + 1) * s.batch_size)
            self.images.copy_(self.epoch_images[batch])
            self.targets.copy_(self.epoch_targets[batch])
            self.rates.copy_(self.table[self.step])
            self.graph.replay() if self.stream else self.update()
        self.step += 1
        return self.step == self.steps * s.epochs

    @torch.no_grad()
    def augmented(self, epoch):
        """Return all images of an epoch in a new order, and their targets."""
        s, n = self.settings, len(self.data["x"])
        order = torch.randperm(n, device=DEVICE)
        flipped = torch.rand(n, device=DEVICE) < 0.5
        if s.alternating_flip:
            self.first_flip = flipped if epoch == 0 else self.first_flip
            flipped = (self.first_flip ^ (epoch % 2 == 1))[order]
        pixels = torch.arange(32, device=DEVICE)
        parts = []
        for first in range(0, n, CHUNK):
            chosen = order[first : first + CHUNK]
            shifts = torch.randint(-s.padding, s.padding + 1, (2, len(chosen), 1), device=DEVICE)
            rows, columns = (31 - (31 - (pixels + shift).abs()).abs() for shift in shifts)
            columns = torch.where(flipped[first : first + CHUNK, None], 31 - columns, columns)
            flat = (rows[:, :, None] * 32 + columns[:, None, :]).reshape(len(chosen), 1024, 1).expand(-1, -1, 3)
            part = self.data["x"][chosen].reshape(-1, 1024, 3).gather(1, flat).reshape(-1, 32, 32, 3)
            parts.append(coloured(part, s.colour) if s.colour else part)
        images = torch.cat(parts)
        if s.cutout:
            images.masked_fill_(boxes(torch.rand(2, n, device=DEVICE), s.cutout / 32)[..., None], 121)
        targets = functional.one_hot(self.data["y"][order], 10).float()
        if s.cutmix and epoch < s.epochs - s.epochs_without_cutmix:
            draws = torch.rand(4, n, device=DEVICE)
            box = boxes(draws[:2], draws[2].sqrt()) & (draws[3] < s.cutmix)[:, None, None]
            share = box.float().mean((1, 2))[:, None]
            images = torch.where(box[..., None], images.roll(1, 0), images)
            targets = targets * (1 - share) + targets.roll(1, 0) * share
        targets = targets * (1 - s.label_smoothing) + s.label_smoothing / 10
        return torch.cat([self.ready(part) for part in images.split(CHUNK)]), targets

    def ready(self, images):
        images = (images.float() - self.data["mean"]) / self.data["deviation"]
        return images.permute(0, 3, 1, 2).to(DTYPE)

    @torch.no_grad()
    def report(self):
        """Print the accuracies."""
        with self.on_stream():
            parts = zip(self.data["judged_x"].split(2500), self.data["judged_y"].split(2500), strict=True)
            right = sum((self.network(self.ready(x), False).argmax(1) == y).sum() for x, y in parts)
            judged, learnt = right / len(self.data["judged_y"]), self.right / self.steps
        print(f"{self.name:28s} seed {self.settings.seed}  judged {judged:.4f}  learnt {learnt:.4f}", flush=True)


def boxes(centres, side):
    """Return which pixels lie in a square around each centre, with side `side` of the image: bool (n, 32, 32)."""
    pixels = torch.arange(32, device=DEVICE)
    rows, columns = (
        (pixels >= torch.round(32 * (centre - side / 2))[:, None])
        & (pixels < torch.round(32 * (centre + side / 2))[:, None])
        for centre in centres
    )
    return rows[:, :, None] & columns[:, None, :]


def coloured(images, strength):
    """Return images with randomly changed brightness, contrast and saturation."""
    images = images.float()
    factors = 1 + strength * (torch.rand(3, len(images), 1, 1, 1, device=DEVICE) * 2 - 1)
    images = images * factors[0]
    for factor, axes in ((factors[1], (1, 2, 3)), (factors[2], 3)):
        mean = images.mean(axes, keepdim=True)
        images = mean + (images - mean) * factor
    return images.round().clamp(0, 255).to(torch.uint8)


def main():
    """Train the requested variants."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images")
    parser.add_argument("variants", nargs="*", default=list(VARIANTS), metavar="VARIANT", help=", ".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=40)
    given = parser.parse_args()
    for name in given.variants:
        if name not in VARIANTS:
            parser.error(f"no variant '{name}'; there are {', '.join(VARIANTS)}")
    torch.backends.cudnn.benchmark = torch.backends.cuda.matmul.allow_tf32 = True
    arrays = np.load(given.images)
    data = {key: torch.tensor(arrays[key], device=DEVICE) for key in ("x", "judged_x")}
    data |= {key: torch.tensor(arrays[key].astype(np.int64), device=DEVICE) for key in ("y", "judged_y")}
    numbers = arrays["x"].astype(np.float32)
    data |= {"mean": float(numbers.mean(dtype=np.float64)), "deviation": float(numbers.std(dtype=np.float64))}
    wanted = [(name, seed) for name in given.variants for seed in range(given.seeds)]
    going = []
    while wanted or going:
        while wanted and len(going) < given.at_once:
            name, seed = wanted.pop(0)
            going.append(Training(name, replace(VARIANTS[name], seed=seed, epochs=given.epochs), data))
        for training in list(going):
            if training.advance():
                training.report()
                going.remove(training)


if __name__ == "__main__":
    main()
