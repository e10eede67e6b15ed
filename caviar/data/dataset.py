"""A data set as plain arrays in three parts, and how it is split and standardised.

A Dataset is only read, never written, so that many trainers can share one copy of it.
Where data comes from is in `data.py`, what can be wrong with it in `checks.py`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.data.validation import as_features, as_target

Task = Literal["classification", "regression"]

SHARES = (0.15, 0.15)  # of the rows for validation and for test; the rest trains


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to train on, to choose by, and to test with.

    x arrays are float32, (rows, features), standardised by `standardise`. y arrays are int64 class
    indices in 0..len(classes) - 1, or float64 targets in their own unit; `target_mean` and
    `target_scale` (of the training rows) say how the network sees them. `classes` are the labels
    as they came, () for regression. `source` says how to load the same data again, {} where no file holds it.
    """

    name: str
    task: Task
    train_x: NDArray[np.float32]
    train_y: NDArray[Any]
    val_x: NDArray[np.float32]
    val_y: NDArray[Any]
    test_x: NDArray[np.float32]
    test_y: NDArray[Any]
    classes: tuple[Any, ...] = ()
    target_mean: float = 0.0
    target_scale: float = 1.0
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> int:
        """Columns of x."""
        return int(self.train_x.shape[1])

    @property
    def outputs(self) -> int:
        """Outputs of a network for it: one a class, or 1."""
        return len(self.classes) or 1

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The six arrays, in order train, validation, test, x before y."""
        return self.train_x, self.train_y, self.val_x, self.val_y, self.test_x, self.test_y

    def fingerprint(self) -> str:
        """A short hash of all the data: 16 hexadecimal digits of SHA-256; the name does not count."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self.task, self.classes)).encode())
        for array in self.arrays:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()[:16]

    def __repr__(self) -> str:
        rows = "+".join(str(len(y)) for y in (self.train_y, self.val_y, self.test_y))
        return f"<Dataset {self.name}: {self.task}, {rows} rows, {self.features} features>"


def from_arrays(
    x: ArrayLike, y: ArrayLike, *, name: str = "arrays", task: Task | None = None, seed: int = 0
) -> Dataset:
    """Make a Dataset of one's own arrays, split about 70/15/15 at random.

    Args:
        x: numbers, (rows, features), finite.
        y: (rows,) labels of any kind, or numbers to predict.
        name: what to call the data in reports.
        task: "classification" or "regression"; None: classification where y holds strings, booleans
            or at most 20 different whole numbers.
        seed: of the split, which is stratified by class for classification.

    Raises:
        InputError: rows that do not match, no or too few rows, NaN or infinity, fewer than two classes.
    """
    values = as_features(x)
    targets, classes = as_target(y, len(values), task)
    train, val, test = split(targets, stratify=bool(classes), seed=seed)
    standardised = standardise(values, train)
    mean, scale = float(targets[train].mean()), float(targets[train].std()) or 1.0
    return Dataset(
        name,
        "classification" if classes else "regression",
        standardised[train],
        targets[train],
        standardised[val],
        targets[val],
        standardised[test],
        targets[test],
        classes=classes,
        target_mean=0.0 if classes else mean,
        target_scale=1.0 if classes else scale,
    )


def split(targets: NDArray[Any], *, stratify: bool, seed: int) -> tuple[NDArray[np.int64], ...]:
    """Give the row numbers of the training, validation and test part, each shuffled.

    Args:
        targets: (rows,) class indices or targets.
        stratify: give every part its share of every class, as nearly as whole rows allow.
        seed: of the shuffle.
    """
    order = np.random.default_rng(seed).permutation(len(targets))
    if stratify:
        # Sorted by class and dealt out along the way, every class meets every part in proportion.
        order = order[np.argsort(targets[order], kind="stable")]
    place = (np.arange(len(order)) + 0.5) * SHARES[0] % 1.0
    validation = place < SHARES[0]
    rest = order[~validation]
    test = (np.arange(len(rest)) + 0.5) * (share := SHARES[1] / (1 - SHARES[0])) % 1.0 < share
    shuffle = np.random.default_rng((seed, 1)).permutation
    return shuffle(rest[~test]), shuffle(order[validation]), shuffle(rest[test])


def scaling(values: NDArray[np.float64], train: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each column's mean and standard deviation over the training rows; 1 for that of a constant column.

    Where all values are whole numbers in 0..255, as pixels are, a deviation counts as at least a tenth
    of the largest column's, so that a pixel lit twice in a thousand images does not shout.

    Args:
        values: (rows, features).
        train: the row numbers of the training part.

    Returns:
        The means and the scales, both (features,).
    """
    mean, deviation = values[train].mean(axis=0), values[train].std(axis=0)
    shared = bool(len(deviation)) and values.min() >= 0 and values.max() <= 255 and _whole(values)
    floor = deviation.max() / 10 if shared else 0.0
    scale = np.maximum(deviation, floor)
    return mean, np.where(scale > 0, scale, 1.0)


def standardise(values: NDArray[np.float64], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Subtract each column's mean and divide by its scale, both by `scaling`; float32, a constant column is 0."""
    mean, scale = scaling(values, train)
    scaled: NDArray[np.float32] = ((values - mean) / scale).astype(np.float32)
    return scaled


def _whole(values: NDArray[np.float64]) -> bool:
    return bool((values == np.round(values)).all())
