"""How much each row counts: weights of rows and of classes, as three parts of a data set take them."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar._checks import did_you_mean
from caviar.data.validation import Floats, Label, Targets
from caviar.errors import InputError

ClassWeight = Literal["balanced"] | Mapping[Label, float]
Weights = tuple[Floats | None, Floats | None, Floats | None]  # of the training, validation and test rows

_PARTS = ("training", "validation", "test")


def row_weights(
    targets: Targets,
    classes: Sequence[Label],
    parts: Sequence[NDArray[np.int64]],
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
) -> Weights:
    """Return the weights of the training, validation and test rows; None: all the same.

    Args:
        targets: (rows,), class indices or numbers.
        classes: the labels; () for regression.
        parts: the numbers of the training, validation and test rows.
        sample_weight: how much each row counts in the loss and in the metrics, (rows,), >= 0.
        class_weight: how much the rows of each class count in the loss, besides: a dict of labels (or their text) and
            weights >= 0, 1 for labels left out; or "balanced": the same for each class in total, if all rows have the
            same sample weight.

    Returns:
        Weights of each part; those for training are 1 on average.

    >>> row_weights(np.array([0, 0, 0, 1]), ("no", "yes"), [np.arange(4), [], []], class_weight="balanced")[0]
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    if sample_weight is None and class_weight is None:
        return None, None, None
    of_rows = None if sample_weight is None else _sample_weights(sample_weight, len(targets), parts)
    train = parts[0]
    weights = np.ones(len(train)) if of_rows is None else of_rows[train]
    if class_weight is not None:
        weights = weights * _class_weights(class_weight, classes, targets[train])[targets[train]]
        if not weights.any():
            raise InputError("class_weight is 0 for each class in the training part; give one a weight > 0")
    if of_rows is None:
        return weights / weights.mean(), None, None
    _, val, test = (of_rows[part] if len(part) else None for part in parts)
    return weights / weights.mean(), val, test


def _sample_weights(sample_weight: ArrayLike, rows: int, parts: Sequence[NDArray[np.int64]]) -> Floats:
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("sample_weight must contain only numbers; encode it") from None
    if weights.shape != (rows,):
        raise InputError(f"sample_weight must have one weight for each of the {rows} rows, got shape {weights.shape}")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        row = wrong[0]
        raise InputError(f"sample_weight must be finite and >= 0, got {weights[row]} in row {row}; use 0 for no weight")
    for name, part in zip(_PARTS, parts, strict=True):
        if len(part) and not weights[part].any():
            raise InputError(f"sample_weight is 0 in each row of the {name} part; give some a weight > 0")
    return weights


def _class_weights(class_weight: ClassWeight, classes: Sequence[Label], targets: Targets) -> Floats:
    """Return the weight of each class, (classes,)."""
    if not classes:
        raise InputError("class_weight is for classes, but the target holds numbers; try sample_weight")
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(targets, minlength=len(classes))
        return len(targets) / (len(classes) * np.maximum(counts, 1))
    if not isinstance(class_weight, Mapping):
        raise InputError(f"class_weight must be 'balanced' or a dict of labels and weights, got {class_weight!r}")
    weights = np.ones(len(classes))
    as_text = {str(label): index for index, label in enumerate(classes)}
    for label, weight in class_weight.items():
        index = classes.index(label) if label in classes else as_text.get(str(label))
        if index is None:
            raise InputError(f"class_weight has an unknown label {label!r}{did_you_mean(str(label), as_text)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
            raise InputError(f"class_weight of {label!r} must be a finite number >= 0, got {weight!r}")
        weights[index] = weight
    return weights
