"""How much each row counts: a weight for each row, and for each class."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar._checks import did_you_mean
from caviar.data.target import Target
from caviar.data.validation import Floats
from caviar.errors import InputError

LARGEST = 1e30  # weights, whose sum fits into a float32


def check_sample_weight(weights: ArrayLike, rows: int, what: str = "sample_weight") -> Floats:
    """Return the weights of rows, (rows,); raise InputError unless they are >= 0, finite, and one of them > 0.

    >>> check_sample_weight([0, 2], rows=2)
    array([0., 2.])
    """
    try:
        values = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} must contain only numbers; use a column of numbers") from None
    if values.shape != (rows,):
        raise InputError(f"{what} must have one weight for each of the {rows} rows, got shape {values.shape}")
    invalid = values[~((values == 0) | ((values >= 1 / LARGEST) & (values <= LARGEST)))]
    if len(invalid):
        remedy = "divide all by the same number" if 0 < invalid[0] < np.inf else "fill in or drop those rows"
        raise InputError(
            f"{what} must be 0, or {1 / LARGEST:g} to {LARGEST:g}, in every row, got {invalid[0]:g}; {remedy}"
        )
    if not values.any():
        raise InputError(f"{what} must be > 0 in some rows, got 0 in every row")
    return values


def class_weights(target: Target, train: NDArray[np.int64], weights: str | Mapping[Any, float]) -> Floats:
    """Return how much each class counts in the training loss, (classes,).

    Args:
        target: of all rows.
        train: the numbers of the training rows.
        weights: "balanced" (rows / (classes * rows of the class), as in scikit-learn), or by label; a label may be
            written as text, and one that is left out counts 1.

    >>> from caviar.data.target import read_target
    >>> class_weights(read_target(["a", "b", "b", "b"]), np.arange(4), "balanced").round(2)
    array([2.  , 0.67])
    """
    if not target.classes:
        raise InputError("class_weight is for classes, but the target is a number; try sample_weight")
    if weights == "balanced":
        counts = np.bincount(target.values[train], minlength=len(target.classes))
        balanced: Floats = len(train) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        return balanced
    if not isinstance(weights, Mapping):
        raise InputError(f"class_weight must be 'balanced' or a dict of labels and weights, got {weights!r}")
    labels = {str(label): index for index, label in enumerate(target.classes)}
    values = np.ones(len(labels))
    for label, weight in weights.items():
        if str(label) not in labels:
            raise InputError(f"class_weight names no class of the target, {label!r}{did_you_mean(str(label), labels)}")
        if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= weight <= LARGEST:
            raise InputError(f"class_weight must be a number from 0 to {LARGEST:g} for {label!r}, got {weight!r}")
        values[labels[str(label)]] = float(weight)
    return values


def weights_of(sample_weight: Floats | None, rows: NDArray[np.int64], part: str) -> Floats | None:
    """Return how much the rows of a part count in the metrics; raise InputError if none of them does."""
    if sample_weight is None:
        return None
    weights: Floats = sample_weight[rows]
    if len(rows) and not weights.any():
        raise InputError(f"the weights of all {part} rows are 0; give some of them a weight, or validate on others")
    return weights


def training_weights(
    target: Target,
    train: NDArray[np.int64],
    sample_weight: Floats | None,
    class_weight: str | Mapping[Any, float] | None,
) -> Floats | None:
    """Return how much each training row counts in the loss, (training rows,), 1 on average; None: all the same."""
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(train)) if sample_weight is None else sample_weight[train]
    if class_weight is not None:
        weights = weights * class_weights(target, train, class_weight)[target.values[train]]
    if not weights.any():
        raise InputError("the weights of all training rows are 0; give some of them a weight")
    scaled: Floats = weights / weights.mean()
    return scaled
