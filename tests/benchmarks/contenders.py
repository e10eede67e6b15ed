"""The contenders of the trainer: each returns a function that trains a number of steps.

All get the same rows, batch size and network (scikit-learn's has no batch normalization), and each draws its
own mini-batches from shuffled data.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from caviar.data.dataset import Dataset
from caviar.model.training import Training

CLASSES = 10


class Shape(NamedTuple):
    """A network and its batch: features, hidden units of every layer, rows of a batch."""

    features: int
    hidden: tuple[int, ...]
    batch: int

    def __str__(self) -> str:
        return "-".join(map(str, [self.features, *self.hidden, CLASSES]))

    @property
    def operations(self) -> int:
        """Floating point operations of the matrix products of one training step of one model."""
        sizes = [self.features, *self.hidden, CLASSES]
        products = [2 * self.batch * inputs * units for inputs, units in pairwise(sizes)]
        return 3 * sum(products) - products[0]  # z, dL/dW, dL/dx; the last is not needed for the data


Steps = Callable[[int], None]


def random_data(shape: Shape, batches: int) -> Dataset:
    """Return random rows for a number of batches."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(shape.batch * batches, shape.features)).astype(np.float32)
    y = generator.integers(CLASSES, size=len(x))
    return Dataset("random", "classification", x, y, x[:10], y[:10], x[:10], y[:10], tuple(range(CLASSES)))


def caviar(shape: Shape, data: Dataset, stack: int) -> Steps:
    """Caviar's trainer, a stack of models at once."""
    config = {"hidden_layers": len(shape.hidden), "hidden_units": shape.hidden[0], "batch_size": shape.batch}
    training = Training([{**config, "learning_rate": 1e-3}] * stack, range(stack), data, epochs=10**6)

    def steps(count: int) -> None:
        while count:
            if not training.steps_remaining:
                training.epoch()  # the next shuffle, and an evaluation on ten rows
            count -= training.run(count)

    return steps


def torch_eager(shape: Shape, data: Dataset, compiled: bool = False) -> Steps:
    """PyTorch as users write it: Linear, BatchNorm1d, ReLU, CrossEntropyLoss, Adam."""
    import torch

    torch.set_num_threads(1)
    sizes, layers = [shape.features, *shape.hidden], []
    for inputs, units in pairwise(sizes):
        layers += [torch.nn.Linear(inputs, units, bias=False), torch.nn.BatchNorm1d(units), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], CLASSES))
    loss_of, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.from_numpy(data.train_x), torch.from_numpy(data.train_y)
    network = torch.compile(model) if compiled else model
    start, order = len(x), torch.randperm(len(x))

    def steps(count: int) -> None:
        nonlocal start, order
        for _ in range(count):
            if start + shape.batch > len(x):
                start, order = 0, torch.randperm(len(x))
            rows = order[start : start + shape.batch]
            start += shape.batch
            optimizer.zero_grad()
            loss_of(network(x[rows]), y[rows]).backward()
            optimizer.step()

    return steps


def torch_compile(shape: Shape, data: Dataset) -> Steps:
    """PyTorch with the network compiled."""
    return torch_eager(shape, data, compiled=True)


def scikit_learn(shape: Shape, data: Dataset) -> Steps:
    """scikit-learn's MLPClassifier, whole epochs at a time."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(shape.hidden, batch_size=shape.batch)
    batches = len(data.train_x) // shape.batch

    def steps(count: int) -> None:
        for _ in range(-(-count // batches)):
            model.partial_fit(data.train_x, data.train_y, classes=range(CLASSES))

    return steps
