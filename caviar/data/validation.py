"""Checks a user's data, with one sentence for each fault, and converts labels to class indices."""

from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.data.source import Task
from caviar.errors import InputError

Floats = NDArray[np.float64]
Targets = NDArray[Any]  # class indices, targets, or labels of any kind
Label = Any  # of a class: any string, number or boolean

_MIN_ROWS = 20
_MAX_INFERRED_CLASSES = 20


def check_features(x: ArrayLike, columns: list[str] | None = None) -> Floats:
    """Return x as finite float64, (rows, features).

    Args:
        x: (rows, features), or (rows,) for a single feature.
        columns: the features' names for error messages; their numbers by default.

    >>> check_features(range(40)).shape
    (40, 1)
    """
    try:
        values = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"x must contain only numbers, got non-numeric values ({error}); encode them") from None
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.shape[1]:
        raise InputError(f"x must have one row per example and one column per feature, got shape {values.shape}")
    if len(values) < _MIN_ROWS:
        raise InputError(f"data must have at least {_MIN_ROWS} rows to be split in three, got {len(values)} rows")
    for number in np.flatnonzero(~np.isfinite(values).all(axis=0)):
        label, column = repr(columns[number]) if columns else str(number), values[:, number]
        raise InputError(
            f"column {label} has {np.isnan(column).sum()} missing and {np.isinf(column).sum()} infinite values; "
            "fill them in or drop those rows"
        )
    return values


def check_target(y: ArrayLike, rows: int, task: Task | None) -> tuple[Targets, tuple[Label, ...]]:
    """Return the targets as class indices and their classes, or as numbers and ().

    Args:
        y: (rows,) labels or numbers.
        rows: the number of rows of x.
        task: "classification", "regression", or None to infer it from the values.

    >>> check_target(["no", "yes", "yes", "no"], rows=4, task=None)
    (array([0, 1, 1, 0]), ('no', 'yes'))
    """
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (rows,):
        raise InputError(f"y must have one target for each of the {rows} rows of x, got shape {values.shape}")
    if task not in (None, *get_args(Task)):
        raise InputError(f"task must be 'classification', 'regression' or None, got {task!r}")
    _check_complete(values)
    if task == "classification" or (task is None and _looks_like_classes(values)):
        return _class_indices(values)
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError("the target contains strings; pass numbers, or task='classification'") from None
    _check_complete(numbers)  # strings such as "nan" become numbers too
    if (numbers == numbers[0]).all():
        raise InputError(f"the target is {numbers[0]:g} in every row; choose one that varies")
    return numbers, ()


def _looks_like_classes(values: Targets) -> bool:
    """Return whether targets are labels: strings, booleans, or a few different integers."""
    if values.dtype.kind not in "iuf":
        return True
    return len(np.unique(values)) <= _MAX_INFERRED_CLASSES and bool((values == np.round(values)).all())


def _check_complete(values: Targets) -> None:
    missing = 0
    if values.dtype.kind == "f":
        missing = int((~np.isfinite(values)).sum())
    elif values.dtype.kind == "O":
        missing = sum(value is None or value != value for value in values)
    if missing:
        raise InputError(f"the target has {missing} missing or infinite values; drop those rows")


def _class_indices(values: Targets) -> tuple[NDArray[np.int64], tuple[Label, ...]]:
    try:
        classes, indices = np.unique(values, return_inverse=True)
    except TypeError:
        raise InputError("the target mixes types of labels; make them all strings or all numbers") from None
    if len(classes) < 2:
        raise InputError(f"the target is {classes.tolist()[0]!r} in every row; classification needs two classes")
    if len(classes) > len(values) // 2:
        raise InputError(
            f"the target has {len(classes)} different labels in {len(values)} rows; pass task='regression', "
            "or a column with fewer labels"
        )
    return indices.astype(np.int64), tuple(classes.tolist())
