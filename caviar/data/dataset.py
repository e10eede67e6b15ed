"""A data set as plain arrays in three parts, and how it is split and standardised.

A Dataset is read-only, so that many trainers can share one copy of it.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.data.preparation.columns import Number
from caviar.data.preparation.preparation import Preparation
from caviar.data.preparation.scaling import moments, scale_of, scaling
from caviar.data.source import Source, SourceKind, Task
from caviar.data.splits import split_three
from caviar.data.target import read_target
from caviar.data.validation import Floats, Label, Targets, check_features, check_pair
from caviar.data.weights import ClassWeight, row_weights

_IN_MEMORY = Source(SourceKind.ARRAYS)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows for training, validation and testing.

    Args:
        name: the data's name, for reports.
        task: "classification" or "regression".
        train_x, val_x, test_x: float32, (rows, features), standardised by the training rows.
        train_y, val_y, test_y: (rows,), int64 indices of `classes`, or float64 targets in their own unit.
        classes: the original labels; () for regression.
        target_mean, target_scale: of the training rows; the network sees (target - mean) / scale.
        source: where to load the same data again.
        target: the column to predict; "" if it has no name.
        preparation: how raw rows become x; None: they are x.
        train_weights: how much each training row counts in the loss, (rows,), 1 on average; None: all the same.
        val_weights, test_weights: how much each row counts in the metrics, (rows,); None: all the same.
        folds: the data sets of cross-validation, whose training and validation parts differ; (): there is none. The
            parts of this one are then for training on all rows but those of the test part.
        notes: what was done with the columns and why, a sentence each.

    >>> from_arrays([[0.0], [1.0]] * 20, ["no", "yes"] * 20)
    <Dataset arrays: classification, 28+6+6 rows, 1 features>
    """

    name: str
    task: Task
    train_x: NDArray[np.float32]
    train_y: Targets
    val_x: NDArray[np.float32]
    val_y: Targets
    test_x: NDArray[np.float32]
    test_y: Targets
    classes: tuple[Label, ...] = ()
    target_mean: float = 0.0
    target_scale: float = 1.0
    source: Source = _IN_MEMORY
    target: str = ""
    preparation: Preparation | None = None
    train_weights: Floats | None = None
    val_weights: Floats | None = None
    test_weights: Floats | None = None
    folds: tuple["Dataset", ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def features(self) -> int:
        """The number of columns of x."""
        return int(self.train_x.shape[1])

    @property
    def outputs(self) -> int:
        """The number of outputs of a network: one per class, or 1 for regression."""
        return len(self.classes) or 1

    @property
    def arrays(self) -> tuple[Targets, ...]:
        """The six arrays: training, validation, test, x before y."""
        return self.train_x, self.train_y, self.val_x, self.val_y, self.test_x, self.test_y

    def fingerprint(self) -> str:
        """Return a short hash of all the data, excluding the name: 16 hexadecimal digits of SHA-256."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self.task, self.classes)).encode())
        for array in self.arrays:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(array.tobytes())
        for weights in (self.train_weights, self.val_weights, self.test_weights):
            if weights is not None:
                digest.update(weights.tobytes())
        for fold in self.folds:
            digest.update(fold.fingerprint().encode())
        return digest.hexdigest()[:16]

    def __repr__(self) -> str:
        rows = "+".join(str(len(y)) for y in (self.train_y, self.val_y, self.test_y))
        return f"<Dataset {self.name}: {self.task}, {rows} rows, {self.features} features>"


def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    *,
    name: str = "arrays",
    task: Task | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
    seed: int = 0,
) -> Dataset:
    """Make a Dataset from arrays, split about 70/15/15 at random.

    Args:
        x: finite numbers, (rows, features).
        y: (rows,) labels of any kind, or numbers to predict.
        name: the data's name, for reports.
        task: "classification" or "regression"; None: classification if y holds strings, booleans or a few different
            integers that do not look like counts.
        sample_weight: how much each row counts in the loss and the metrics, (rows,), >= 0; None: all the same.
        class_weight: how much the rows of each class count in the loss, besides: "balanced" or a dict of labels and
            weights; None: all the same.
        seed: for the split, which is stratified by class for classification.

    >>> import numpy as np
    >>> x = np.arange(80.0).reshape(40, 2)
    >>> from_arrays(x, x.sum(axis=1), name="sums")
    <Dataset sums: regression, 28+6+6 rows, 2 features>
    """
    features = check_features(x)
    check_pair(y, len(features))
    target = read_target(y, task)
    targets, classes = target.values, target.classes
    train, val, test = split_three(targets, stratify=bool(classes), seed=seed)
    means, scales = scaling(features, train)
    scaled = enumerate(zip(means.tolist(), scales.tolist(), strict=True))
    preparation = Preparation(tuple(Number(str(i), mean, scale) for i, (mean, scale) in scaled))
    standardised = preparation.transform(features)
    arrays = standardised[train], targets[train], standardised[val], targets[val], standardised[test], targets[test]
    weights = row_weights(targets, classes, (train, val, test), sample_weight, class_weight)
    dataset = Dataset(name, target.task, *arrays, classes, preparation=preparation)
    dataset = replace(dataset, train_weights=weights[0], val_weights=weights[1], test_weights=weights[2])
    if classes:
        return dataset
    mean, scale = target_scaling(targets[train])
    return replace(dataset, target_mean=mean, target_scale=scale)


def target_scaling(targets: Floats) -> tuple[float, float]:
    """Return the mean and the standard deviation of the training targets, (rows,); for equal ones as `scale_of` says.

    >>> target_scaling(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    mean, deviation = moments(targets)
    return float(mean), float(scale_of(mean, deviation))
