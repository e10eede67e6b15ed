"""What can be wrong with a user's data, each in one sentence, and how labels become numbers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.errors import InputError

FEWEST_ROWS = 20
MOST_CLASSES_GUESSED = 20


def as_features(x: ArrayLike, columns: list[str] | None = None) -> NDArray[np.float64]:
    """Give x as finite float64, (rows, features).

    Args:
        x: (rows, features), or (rows,) for a single feature.
        columns: the features' names for messages; by default their numbers.

    Raises:
        InputError: not numbers, not two-dimensional, no or too few rows, NaN or infinity.
    """
    try:
        values = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"x holds something that is no number ({error}); encode it as numbers") from None
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.shape[1]:
        raise InputError(f"x has shape {values.shape}; give one row an example and one column a feature")
    if len(values) < FEWEST_ROWS:
        raise InputError(f"the data has {len(values)} rows; at least {FEWEST_ROWS} are needed to split it in three")
    for number in np.flatnonzero(~np.isfinite(values).all(axis=0)):
        column = values[:, number]
        label = repr(columns[number]) if columns else str(number)
        raise InputError(
            f"column {label} has {np.isnan(column).sum()} missing and {np.isinf(column).sum()} infinite values; "
            "fill them or drop those rows"
        )
    return values


def as_target(y: ArrayLike, rows: int, task: str | None) -> tuple[NDArray[Any], tuple[Any, ...]]:
    """Give the targets as class indices and their classes, or as numbers and ().

    Args:
        y: (rows,) labels or numbers.
        rows: how many x has.
        task: "classification", "regression" or None to judge by the values.

    Raises:
        InputError: another length, missing values, one class only, too few rows of a class, an unknown task.
    """
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (rows,):
        raise InputError(f"y has shape {values.shape}; give one target for each of the {rows} rows of x")
    if task not in (None, "classification", "regression"):
        raise InputError(f"{task=!r} is unknown; give 'classification' or 'regression'")
    _refuse_missing(values)
    if task == "classification" or (task is None and looks_like_classes(values)):
        return _as_classes(values)
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError("the target holds text; give task='classification', or numbers to predict") from None
    if (numbers == numbers[0]).all():
        raise InputError(f"the target is {numbers[0]:g} in every row; choose one that varies")
    return numbers, ()


def looks_like_classes(values: NDArray[Any]) -> bool:
    """Whether targets are labels: strings, booleans, or at most 20 different whole numbers.

    >>> looks_like_classes(np.array(["cat", "dog"])), looks_like_classes(np.array([0.5, 1.0]))
    (True, False)
    """
    if values.dtype.kind not in "iuf":
        return True
    return len(np.unique(values)) <= MOST_CLASSES_GUESSED and bool((values == np.round(values)).all())


def _refuse_missing(values: NDArray[Any]) -> None:
    if values.dtype.kind == "f":
        missing = int((~np.isfinite(values)).sum())
    elif values.dtype.kind == "O":
        missing = sum(value is None or value != value for value in values)
    else:
        missing = 0
    if missing:
        raise InputError(f"the target has {missing} missing or infinite values; drop those rows")


def _as_classes(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[Any, ...]]:
    try:
        classes, indices = np.unique(values, return_inverse=True)
    except TypeError:
        raise InputError("the target mixes kinds of labels; make them all text or all numbers") from None
    if len(classes) < 2:
        raise InputError(
            f"the target is {classes.tolist()[0]!r} in every row; classification needs at least two classes"
        )
    if len(classes) > len(values) // 2:
        raise InputError(
            f"the target has {len(classes)} different labels in {len(values)} rows; give task='regression', "
            "or a column with fewer labels"
        )
    return indices.astype(np.int64), tuple(classes.tolist())
