"""What a hyperparameter cannot be, and what cannot be one of its values, each in one sentence."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.errors import InputError
from caviar.space.scales import Array

if TYPE_CHECKING:
    from caviar.space.hyperparameters import Hyperparameter, Integer, Real


def check_tier(hyperparameter: "Hyperparameter") -> None:
    """Raise InputError for a tier that is none."""
    if hyperparameter.tier not in (1, 2, 3):
        raise InputError(f"tier={hyperparameter.tier!r}: a priority is 1 (first), 2 or 3")


def check_bounds(hyperparameter: "Real | Integer") -> None:
    """Raise InputError for bounds that are no finite numbers, or stand in the wrong order."""
    low, high = hyperparameter.low, hyperparameter.high
    try:
        finite = math.isfinite(low) and math.isfinite(high)
    except TypeError:
        raise InputError(f"{hyperparameter.kind}: bounds are numbers, got {low=}, {high=}") from None
    if not finite:
        raise InputError(f"{hyperparameter.kind}: bounds are finite, got {low=}, {high=}")
    if low > high:
        raise InputError(f"{hyperparameter.kind}: the bounds are in the wrong order, got {low=}, {high=}; swap them")


def check_default(hyperparameter: "Real | Integer") -> None:
    """Raise InputError for a default outside of the bounds."""
    default = hyperparameter.default
    if default is not None and not hyperparameter.low <= default <= hyperparameter.high:
        raise InputError(f"{hyperparameter!r}: {default=} lies outside of the bounds")


def inside(hyperparameter: "Real | Integer", values: Iterable[Any]) -> Array:
    """Values as floats, shape (n,), clipped where only rounding took them out; raises InputError for others."""
    try:
        array = np.asarray(list(values), dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{hyperparameter!r} takes numbers, got {values!r}") from None
    slack = 1e-12 * max(abs(hyperparameter.low), abs(hyperparameter.high))
    outside = ~((array >= hyperparameter.low - slack) & (array <= hyperparameter.high + slack))
    if outside.any():
        raise InputError(f"{array[outside][0]:g} lies outside of {hyperparameter!r}")
    if hyperparameter.kind.endswith("randint") and (array != np.floor(array)).any():
        raise InputError(f"{array[array != np.floor(array)][0]:g} is no whole number, as {hyperparameter!r} asks")
    clipped: Array = np.clip(array, hyperparameter.low, hyperparameter.high)
    return clipped
