"""The same hyperparameter with other bounds: narrower, wider, or fixed at one value."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from caviar.errors import InputError
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Option, Real
from caviar.space.scales import LOG


def narrow_around(hyperparameter: Hyperparameter, value: Option, share: float) -> Hyperparameter:
    """Return a hyperparameter narrowed to a share of its range, on its own scale, around a value.

    A choice without an order keeps its options. The value becomes the default.

    >>> narrow_around(Real("loguniform", 1e-4, 1), 0.1, 0.5)
    loguniform(0.01, 1, default=0.1)
    """
    if isinstance(hyperparameter, Choice):
        middles = hyperparameter.middles(np.arange(len(hyperparameter.options), dtype=float))
        near = np.flatnonzero(abs(middles - hyperparameter.units([value])[0]) <= share / 2)
        return _with_options(replace(hyperparameter, default=value), near)
    unit = float(hyperparameter.units([value])[0])
    low, high = hyperparameter.values(np.clip([unit - share / 2, unit + share / 2], 0.0, 1.0)).tolist()
    return narrow_to(hyperparameter, min(low, value), max(high, value), value)


def narrow_to(hyperparameter: Hyperparameter, low: float, high: float, default: float | None = None) -> Hyperparameter:
    """Return a numeric hyperparameter with the given bounds, or its own where they are narrower.

    Its default is kept if it lies within the new bounds. A choice without an order is returned unchanged.

    >>> narrow_to(Integer("randint", 0, 9), 3, 12)
    randint(3, 9)
    """
    if isinstance(hyperparameter, Choice):
        inside = [
            i for i, option in enumerate(hyperparameter.options) if hyperparameter.ordinal and low <= option <= high
        ]
        return _with_options(hyperparameter, np.array(inside, dtype=int))
    kind = int if isinstance(hyperparameter, Integer) else float
    lower, upper = max(hyperparameter.low, kind(low)), min(hyperparameter.high, kind(high))
    if hyperparameter.step and lower <= upper:
        lower, upper = map(kind, hyperparameter.nearest(np.array([lower, upper], dtype=float)))
    if lower > upper:
        raise InputError(f"bounds must overlap {hyperparameter!r}, got {low:g}..{high:g}")
    default = hyperparameter.default if default is None else default
    if default is not None and not lower <= default <= upper:
        default = None
    return replace(hyperparameter, low=lower, high=upper, default=default)  # type: ignore[arg-type]


def _with_options(choice: Choice, kept: NDArray[np.intp]) -> Choice:
    """Return an ordinal choice with only some of its options, by their positions; any other choice as it is."""
    if choice.categorical or not len(kept):
        return choice
    options = tuple(choice.options[i] for i in kept)
    default = choice.default if choice.default in options else None
    return replace(choice, options=options, default=default, spaces=(), ordinal=len(options) > 1)


def widen(number: Real | Integer, *, upper: bool) -> Real | Integer:
    """Return a numeric hyperparameter with half its range added, on its scale, beyond its upper or lower bound.

    >>> widen(Real("loguniform", 1e-2, 1.0), upper=True)
    loguniform(0.01, 10.0)
    """
    start, end = number.scale.forward(np.array([number.low, number.high], dtype=float))
    bound = float(number.scale.inverse(end + (end - start) / 2 if upper else start - (end - start) / 2))
    kind = int if isinstance(number, Integer) else float
    if number.step is None or number.distribution:
        low, high = (
            (number.low, max(number.high, kind(bound))) if upper else (min(number.low, kind(bound)), number.high)
        )
        return replace(number, low=low, high=high)  # type: ignore[arg-type]
    step = number.step
    bound = round(bound / step) * step
    if upper:
        return replace(number, high=kind(max(number.high + step, bound)))  # type: ignore[arg-type]
    # a count stays >= 1 or >= 0, and a logarithm has no values below one step
    if number.scale is LOG:
        least = step * (1 - 1e-9)
    else:
        least = -math.inf if kind is float or number.low < 0 else min(1, number.low)
    steps = math.floor((number.low - max(least, min(number.low - step, bound))) / step + 1e-6)
    return replace(number, low=kind(float(f"{number.low - steps * step:.12g}")))  # type: ignore[arg-type]


def fix(hyperparameter: Hyperparameter) -> Option:
    """Return the value at which `Space.tiers` fixes a hyperparameter.

    This is its `default`, else the middle of its scale or its first option. An option with a sub-space, or such as a
    list, is returned as a choice of that option alone.

    >>> fix(Integer("randint", 1, 9))
    5
    """
    value = hyperparameter.default
    if isinstance(hyperparameter, Choice):
        value = hyperparameter.options[0] if value is None else value
        space = hyperparameter.spaces[hyperparameter.index(value)]
        plain = isinstance(value, str | int | float | None) and not space
        return value if plain else Choice((value,), hyperparameter.tier, None, (space,))
    if value is None:
        middle = hyperparameter.values(np.array([0.5])).item()
        return int(middle) if isinstance(hyperparameter, Integer) else middle
    return value
