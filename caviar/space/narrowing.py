"""A narrower space around what is known to work."""

from dataclasses import replace
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer


def around(hyperparameter: Hyperparameter, value: Any, share: float) -> Hyperparameter:
    """The hyperparameter in a share of its range, on its own scale, around a value.

    A choice keeps its options, and gets the value as its default.

    >>> from caviar.space.hyperparameters import loguniform, randint
    >>> around(loguniform(1e-4, 1), 0.1, 0.5)
    loguniform(0.01, 1, default=0.1)
    >>> around(randint(0, 9), 5, 0.4)
    randint(3, 7, default=5)
    """
    if isinstance(hyperparameter, Choice):
        return replace(hyperparameter, default=value)
    unit = float(hyperparameter.units([value])[0])
    corners = np.clip([unit - share / 2, unit + share / 2], 0.0, 1.0)
    low, high = hyperparameter.values(corners).tolist()
    return within(hyperparameter, min(low, value), max(high, value), value)


def within(hyperparameter: Hyperparameter, low: Any, high: Any, default: Any = None) -> Hyperparameter:
    """The hyperparameter with narrower bounds; those that it has where they are closer."""
    if isinstance(hyperparameter, Choice):
        return hyperparameter
    kind = int if isinstance(hyperparameter, Integer) else float
    inside = {"low": max(hyperparameter.low, kind(low)), "high": min(hyperparameter.high, kind(high))}
    if inside["low"] > inside["high"]:
        raise InputError(f"{low:g}..{high:g} lies outside of {hyperparameter!r}")
    default = hyperparameter.default if default is None else default
    kept = default if default is not None and inside["low"] <= default <= inside["high"] else None
    return replace(hyperparameter, **inside, default=kept)  # type: ignore[arg-type]
