"""Hyperparameters on the axes of a picture: trials and squares as points of the unit cube, and values as ticks.

On the unit interval every hyperparameter is explored evenly, so one kind of axis serves all scales.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from caviar.space.hyperparameters import Choice, Hyperparameter, Integer
from caviar.space.scales import Array
from caviar.space.space import Space

TICKS = 6  # at most so many of a linear scale


def coordinates(table: pd.DataFrame, space: Space) -> Array:
    """The trials of a results table as points of the unit cube, shape (n, d); NaN where one is not in force."""
    points = np.full((len(table), space.dimension), np.nan)
    for j, dimension in enumerate(space.dimensions):
        there = table[dimension.name].notna().to_numpy(bool)
        if dimension.parent is not None:
            parent = space.dimensions[dimension.parent].hyperparameter
            assert isinstance(parent, Choice)
            above = np.nan_to_num(points[:, dimension.parent], nan=-1.0)
            there = there & (above >= 0) & (parent.indices(above) == dimension.option)
        points[there, j] = dimension.hyperparameter.units(table[dimension.name][there].tolist())
    return points


def bounds(rows: pd.DataFrame, space: Space) -> Array:
    """A square as the lower and upper corner in the unit cube, shape (2, d).

    Args:
        rows: `Study.square`: name, low, high; a choice is kept whole.
        space: the space that it lies in.
    """
    corners = np.tile([[0.0], [1.0]], space.dimension)
    for j, (dimension, low, high) in enumerate(zip(space.dimensions, rows["low"], rows["high"], strict=True)):
        corners[:, j] = side(dimension.hyperparameter, low, high)
    return corners


def side(hyperparameter: Hyperparameter, low: Any, high: Any) -> Array:
    """The interval [low, high] of values as one of the unit interval, shape (2,); whole of a choice."""
    if isinstance(hyperparameter, Choice) or pd.isna(low):
        return np.array([0.0, 1.0])
    if isinstance(hyperparameter, Integer):  # a whole number owns an interval half a unit to either side
        ends = np.array([low - 0.5, high + 0.5])
        return hyperparameter.scale.units(ends, hyperparameter.low - 0.5, hyperparameter.high + 0.5)
    return hyperparameter.scale.units(np.array([low, high], float), hyperparameter.low, hyperparameter.high)


def wave_sides(row: Mapping[Any, Any], space: Space) -> Array:
    """The square of a wave, a row of `Study.waves`, as intervals of the unit interval, shape (d, 2)."""
    sides = [(d.hyperparameter, row.get(f"{d.name}_low"), row.get(f"{d.name}_high")) for d in space.dimensions]
    return np.array([side(*one) for one in sides])


def ticks(hyperparameter: Hyperparameter) -> tuple[list[float], list[str]]:
    """Where an axis of the unit interval is labelled, and how.

    >>> from caviar.space import loguniform
    >>> ticks(loguniform(1e-4, 1.0))
    ([0.0, 0.25, 0.5, 0.75, 1.0], ['0.0001', '0.001', '0.01', '0.1', '1'])
    """
    if isinstance(hyperparameter, Choice):
        options = list(hyperparameter.options)
        return hyperparameter.units(options).tolist(), [str(option) for option in options]
    values = _round_values(hyperparameter)
    return hyperparameter.units(values).tolist(), [f"{value:.6g}" for value in values]


def _round_values(hyperparameter: Any) -> list[float]:
    """Round numbers inside the bounds, as the scale counts."""
    low, high, scale = hyperparameter.low, hyperparameter.high, hyperparameter.scale.name
    if scale == "reverse log":
        rounded = [1 - digit * 10.0**-k for k in range(13) for digit in (5, 2, 1)]
        steps = [1 - 10.0**-k for k in range(13)]
    elif scale == "log":
        rounded = [digit * 10.0**k for k in range(-12, 13) for digit in (1, 2, 5)]
        steps = [10.0**k for k in range(-12, 13)]
    else:
        return _linear(low, high, whole=isinstance(hyperparameter, Integer))
    inside = [value for value in steps if low <= value <= high]
    if len(inside) < 3:
        inside = [value for value in rounded if low <= value <= high]
    if isinstance(hyperparameter, Integer):
        inside = [value for value in inside if value == int(value)]
    return inside or [low, high]


def _linear(low: float, high: float, whole: bool) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / (TICKS - 1)
    power = 10.0 ** np.floor(np.log10(rough)) if rough > 0 else 1.0
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    step = max(step, 1.0) if whole else step
    values = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [float(np.clip(value, low, high)) for value in values] or [low, high]
