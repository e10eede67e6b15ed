"""How much each row counts: weights of rows and of classes, as three parts of a data set take them."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar._checks import did_you_mean
from caviar.data.validation import Floats, Label, Targets
from caviar.errors import InputError

ClassWeight = Literal["balanced"] | Mapping[Label, float]
Weights = tuple[Floats | None, Floats | None, Floats | None]  # of the training, validation and test rows

LARGEST = 1e30  # of weights: their sum fits into a float32
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
    name = getattr(sample_weight, "name", None)
    what = "sample_weight" if name is None else f"column {name!r}"
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} must contain only numbers to be a sample_weight; encode it") from None
    if weights.shape != (rows,):
        raise InputError(f"{what} must have one weight for each of the {rows} rows, got shape {weights.shape}")
    invalid = weights[~((weights == 0) | ((weights >= 1 / LARGEST) & (weights <= LARGEST)))]
    if len(invalid):
        remedy = "divide all by the same number" if 0 < invalid[0] < np.inf else "fill in or drop those rows"
        raise InputError(
            f"{what} must be 0, or {1 / LARGEST:g} to {LARGEST:g}, in every row, got {invalid[0]:g}; {remedy}"
        )
    for part_name, part in zip(_PARTS, parts, strict=True):
        if len(part) and not weights[part].any():
            raise InputError(f"{what} is 0 in every row of the {part_name} part; give some a weight > 0")
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
        if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= weight <= LARGEST:
            raise InputError(f"class_weight of {label!r} must be a number from 0 to {LARGEST:g}, got {weight!r}")
        weights[index] = float(weight)
    return weights


def scaled(weights: Floats) -> Floats:
    """Return weights times a power of two, which changes no bit of a weighted mean, so that their sum is finite.

    >>> scaled(np.array([2.0**1023, 2.0**1022]))
    array([0.5 , 0.25])
    """
    _, exponent = np.frexp(weights.max())
    result: Floats = np.ldexp(weights, -exponent)
    return result
