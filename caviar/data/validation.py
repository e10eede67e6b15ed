"""Checks a user's arrays, with one sentence for each fault."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.errors import InputError

Floats = NDArray[np.float64]
Targets = NDArray[Any]  # class indices, targets, or labels of any kind
Label = Any  # of a class: any string, number or boolean

_MIN_ROWS = 20


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
