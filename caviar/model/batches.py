"""The mini-batches of an epoch for K models at once, gathered from the training rows that they share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from caviar.data.dataset import Dataset
from caviar.model.arrays import Array


class Batches:
    """The mini-batches of K models.

    Attributes:
        order: the epoch's row numbers, shuffled for each model, (K, rows).
        position: the number of rows of the epoch trained so far.
        size: the rows of a mini-batch.
        x, targets: the mini-batch, (K, size, features) and (K, size, outputs).
        weights: of the rows of the mini-batch, (K, size); None: all the same.
        ones: (size, 1), to sum over a mini-batch with a matmul.
    """

    def __init__(self, dataset: Dataset, members: int, batch_size: int, dtype: DTypeLike) -> None:
        """Start at the end of an epoch; a batch size above the number of rows means all rows."""
        self.dataset = dataset
        self.all_x = dataset.train_x.astype(dtype, copy=False)
        self.all_targets = targets_as_outputs(dataset, dataset.train_y, dtype)
        self.all_weights = None if dataset.train_weights is None else dataset.train_weights.astype(dtype, copy=False)
        self.order = np.zeros((members, len(self.all_x)), np.int64)
        self.position = len(self.all_x)
        self.smooth([0.0] * members)
        self.resize(batch_size)

    def resize(self, batch_size: int) -> None:
        """Continue with mini-batches of another size."""
        self.size = min(batch_size, len(self.all_x))
        shape = (len(self.order), self.size)
        self.x = np.empty((*shape, self.all_x.shape[1]), self.all_x.dtype)
        self.targets = np.empty((*shape, self.all_targets.shape[1]), self.all_x.dtype)
        self.ones = np.ones((self.size, 1), self.all_x.dtype)
        self.weights = None if self.all_weights is None else np.empty(shape, self.all_x.dtype)

    def smooth(self, shares: Sequence[float]) -> None:
        """From now on, take a share of each class's target, one per model, and spread it evenly over all classes."""
        column = np.array(shares, self.all_x.dtype)[:, None, None]
        smooths = self.dataset.task == "classification" and any(shares)
        self.smoothing = (1 - column, column / self.dataset.outputs) if smooths else None

    def select(self, indices: Sequence[int]) -> None:
        """Keep only some of the models."""
        self.order = self.order[indices]
        self.resize(self.size)

    @property
    def remaining(self) -> int:
        """The number of whole mini-batches left in the epoch."""
        return (len(self.all_x) - self.position) // self.size if len(self.order) else 0

    def shuffle(self, generators: Sequence[np.random.Generator]) -> None:
        """Begin an epoch, each model in the order that its generator draws."""
        for row, generator in zip(self.order, generators, strict=True):
            row[:] = generator.permutation(len(row))
        self.position = 0

    def gather(self) -> None:
        """Fill x and targets with the next mini-batch of every model, in one gather each."""
        rows = self.order[:, self.position : self.position + self.size]
        # mode="clip" writes straight into `out`; the default would fill a copy first
        self.all_x.take(rows, axis=0, out=self.x, mode="clip")
        self.all_targets.take(rows, axis=0, out=self.targets, mode="clip")
        if self.smoothing:
            kept, added = self.smoothing
            np.multiply(self.targets, kept, out=self.targets)
            np.add(self.targets, added, out=self.targets)
        if self.all_weights is not None:
            self.all_weights.take(rows, out=self.weights, mode="clip")
        self.position += self.size


def targets_as_outputs(dataset: Dataset, y: Array, dtype: DTypeLike) -> Array:
    """Return targets in the form of the network's outputs, (rows, outputs): one-hot, or standardised.

    >>> from caviar.data.loaders import load_digits
    >>> targets_as_outputs(load_digits(), np.array([0, 2]), "int64")[:, :4]
    array([[1, 0, 0, 0],
           [0, 0, 1, 0]])
    """
    if dataset.task == "classification":
        targets: Array = np.eye(len(dataset.classes))[y]
    else:
        targets = ((y - dataset.target_mean) / dataset.target_scale)[:, None]
    as_dtype: Array = targets.astype(dtype)
    return as_dtype
