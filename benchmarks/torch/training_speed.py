"""Train the networks of two recipes in PyTorch whenever a line arrives on stdin; started by ../training_speed.py."""

import sys

import torch
from torch import nn

BATCH = 128


def block(channels, filters):
    """Return two convolutions with batch normalisation, then max-pooling, as in the lecture's CIFAR-10 network."""
    layers = []
    for inputs in (channels, filters):
        layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(filters, eps=1e-3)]
    return [*layers, nn.MaxPool2d(2)]


def cifar_cnn():
    """Return the lecture's network of 1,345,066 parameters and the shape of one example."""
    body = [*block(3, 32), *block(32, 64), *block(64, 128), nn.Flatten()]
    head = [nn.Linear(2048, 512), nn.ReLU(), nn.BatchNorm1d(512, eps=1e-3), nn.Dropout(0.5), nn.Linear(512, 10)]
    return nn.Sequential(*body, *head), (3, 32, 32)


def mnist_mlp():
    """Return the lecture's network of 932,362 parameters and the shape of one example."""
    layers = []
    for inputs in (784, 512, 512):
        layers += [nn.Linear(inputs, 512), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(512, 10)), (784,)


def main(recipe, steps, precision):
    """Train `steps` steps whenever a line arrives."""
    network, shape = {"cifar_cnn": cifar_cnn, "mnist_mlp": mnist_mlp}[recipe]()
    inputs, targets = torch.randn(20 * BATCH, *shape), torch.randint(0, 10, (20 * BATCH,))
    if len(shape) == 3:
        network = network.to(memory_format=torch.channels_last)
        inputs = inputs.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()

    def train(count):
        for step in range(count):
            start = step % 20 * BATCH
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                loss = loss_of(network(inputs[start : start + BATCH]), targets[start : start + BATCH])
            loss.backward()
            optimizer.step()

    train(2)
    print("ready", flush=True)
    for _ in sys.stdin:
        train(steps)
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
