"""Checks a user's arrays, and the names of columns, with one sentence for each fault."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.errors import InputError

Floats = NDArray[np.float64]
Targets = NDArray[Any]  # class indices, targets, or labels of any kind
Label = Any  # of a class: any string, number or boolean

FEWEST_ROWS = 20  # to be split in three


def as_array(x: Any, dtype: type | None = None) -> NDArray[Any]:
    """Return x as an array, whose masked entries are missing; raise InputError for complex numbers.

    >>> as_array(np.ma.masked_array([1, 2], [True, False]))
    array([nan,  2.])
    """
    if isinstance(x, np.ma.MaskedArray):
        x = np.ma.filled(x.astype(np.float64 if x.dtype.kind in "biuf" else object), np.nan)
    array = np.asarray(x)
    if array.dtype.kind == "c":
        raise InputError("data must be real numbers, got complex ones; pass their real and imaginary parts as columns")
    return array if dtype is None else np.asarray(x, dtype)


def as_columns(x: NDArray[Any]) -> NDArray[Any]:
    """Return x as (rows, features); (rows,) is a single feature."""
    columns = x[:, None] if x.ndim == 1 else x
    if columns.ndim != 2 or not columns.shape[1]:
        raise InputError(f"x must have one row per example and one column per feature, got shape {x.shape}")
    return columns


def check_pair(y: ArrayLike, rows: int) -> None:
    """Raise InputError unless y has a target for each row of x."""
    if np.shape(y)[:1] != (rows,):
        raise InputError(f"y must have one target for each of the {rows} rows of x, got shape {np.shape(y)}")


def check_different(names: Iterable[object], table: str) -> None:
    """Raise InputError if two columns of a table have the same name.

    >>> check_different(["width", "height", "width"], "flowers.csv")
    Traceback (most recent call last):
    caviar.errors.InputError: flowers.csv has two columns named 'width'; rename one of them
    """
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{table} has two columns named {name!r}; rename one of them")
        seen.add(name)


def check_features(x: ArrayLike, columns: list[str] | None = None) -> Floats:
    """Return x as finite float64, (rows, features).

    Args:
        x: (rows, features), or (rows,) for a single feature.
        columns: the features' names for error messages; their numbers by default.

    >>> check_features(range(40)).shape
    (40, 1)
    """
    try:
        values = as_array(x, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"x must contain only numbers, got non-numeric values ({error}); encode them") from None
    values = as_columns(values)
    if len(values) < FEWEST_ROWS:
        raise InputError(f"data must have at least {FEWEST_ROWS} rows to be split in three, got {len(values)} rows")
    for number in np.flatnonzero(~np.isfinite(values).all(axis=0)):
        label, column = repr(columns[number]) if columns else str(number), values[:, number]
        raise InputError(
            f"column {label} has {np.isnan(column).sum()} missing and {np.isinf(column).sum()} infinite values; "
            "fill them in or drop those rows"
        )
    return values
