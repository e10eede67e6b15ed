"""Hyperparameters on the axes of a figure: trials and squares in the unit cube, and values as ticks.

Every hyperparameter is explored evenly on the unit interval, so one kind of axis serves all scales.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Real
from caviar.space.scales import Array
from caviar.space.space import Space

TICKS = 6  # the most that a linear scale gets


class Ticks(NamedTuple):
    """Where an axis is labelled, and the labels."""

    positions: list[float]
    labels: list[str]


class WaveSquare(NamedTuple):
    """The square that a fine wave was sampled from."""

    wave: int
    sides: Array  # its interval of the unit interval for each coordinate, shape (d, 2)


def coordinates(table: pd.DataFrame, space: Space) -> Array:
    """Return the trials of a results table as points of the unit cube.

    Args:
        table: a row a trial, with the space's columns.
        space: with d dimensions.

    Returns:
        Shape (n, d); NaN where a conditional hyperparameter is not active.

    >>> from caviar.space import loguniform
    >>> coordinates(pd.DataFrame({"rate": [1e-4, 1e-2]}), Space(rate=loguniform(1e-4, 1.0))).tolist()
    [[0.0], [0.5]]
    """
    points = np.full((len(table), space.dimension), np.nan)
    for j, dimension in enumerate(space.dimensions):
        active = table[dimension.name].notna().to_numpy(bool)
        if dimension.parent is not None:  # a parent always stands before its children
            parent = space.dimensions[dimension.parent].hyperparameter
            assert isinstance(parent, Choice)
            parent_points = np.nan_to_num(points[:, dimension.parent], nan=-1.0)
            active = active & (parent_points >= 0) & (parent.indices(parent_points) == dimension.option)
        points[active, j] = dimension.hyperparameter.units(table[dimension.name][active].tolist())
    return points


def square_corners(square: pd.DataFrame, space: Space) -> Array:
    """Return the lower and upper corner of a square in the unit cube, shape (2, d).

    Args:
        square: `Outcome.square`, of which `low` and `high` are read; a choice keeps its whole side.
        space: the space that contains it.
    """
    bounds = zip(space.dimensions, square["low"], square["high"], strict=True)
    return np.array([_side(dimension.hyperparameter, low, high) for dimension, low, high in bounds]).T


def wave_squares(waves: pd.DataFrame, space: Space) -> list[WaveSquare]:
    """Return the squares of the fine waves, in the order of `Outcome.waves`."""
    return [
        WaveSquare(
            row["wave"],
            np.array([
                _side(dimension.hyperparameter, row.get(f"{dimension.name}_low"), row.get(f"{dimension.name}_high"))
                for dimension in space.dimensions
            ]),
        )
        for row in fine_waves(waves).to_dict("records")
    ]  # fmt: skip


def fine_waves(waves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `Outcome.waves` whose trials were sampled from a square."""
    return waves[waves["kind"] == "fine"]


def confirming_waves(waves: pd.DataFrame) -> set[int]:
    """Return the numbers of the waves that trained the best trials again."""
    return set(waves["wave"][waves["kind"] == "confirm"])


def ticks(hyperparameter: Hyperparameter) -> Ticks:
    """Return the ticks of a hyperparameter's axis, which is the unit interval.

    >>> from caviar.space import loguniform
    >>> ticks(loguniform(1e-4, 1.0)).labels
    ['0.0001', '0.001', '0.01', '0.1', '1']
    """
    if isinstance(hyperparameter, Choice):
        options = list(hyperparameter.options)
        return Ticks(hyperparameter.units(options).tolist(), [str(option) for option in options])
    values = _round_values(hyperparameter)
    return Ticks(hyperparameter.units(values).tolist(), [f"{value:.6g}" for value in values])


def _side(hyperparameter: Hyperparameter, low: float | None, high: float | None) -> Array:
    """Return the interval [low, high] of values as an interval of the unit interval, shape (2,)."""
    if isinstance(hyperparameter, Choice) or low is None or high is None or np.isnan(low):
        return np.array([0.0, 1.0])
    if isinstance(hyperparameter, Integer):  # an integer owns half a unit on either side
        ends = np.array([low - 0.5, high + 0.5])
        return hyperparameter.scale.units(ends, hyperparameter.low - 0.5, hyperparameter.high + 0.5)
    return hyperparameter.scale.units(np.array([low, high], float), hyperparameter.low, hyperparameter.high)


def _round_values(hyperparameter: Real | Integer) -> list[float]:
    """Return values within the bounds that are round numbers on the hyperparameter's scale."""
    low, high, scale = hyperparameter.low, hyperparameter.high, hyperparameter.scale.name
    if scale == "reverse log":
        rounded = [1 - digit * 10.0**-k for k in range(13) for digit in (5, 2, 1)]
        steps = [1 - 10.0**-k for k in range(13)]
    elif scale == "log":
        rounded = [digit * 10.0**k for k in range(-12, 13) for digit in (1, 2, 5)]
        steps = [10.0**k for k in range(-12, 13)]
    else:
        return _linear_values(low, high, whole=isinstance(hyperparameter, Integer))
    inside = [value for value in steps if low <= value <= high]
    if len(inside) < 3:
        inside = [value for value in rounded if low <= value <= high]
    if isinstance(hyperparameter, Integer):
        inside = [value for value in inside if value == int(value)]
    return inside or [low, high]


def _linear_values(low: float, high: float, whole: bool) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten within the bounds."""
    rough = (high - low) / (TICKS - 1)
    power = 10.0 ** np.floor(np.log10(rough)) if rough > 0 else 1.0
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    step = max(step, 1.0) if whole else step
    values = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [float(np.clip(value, low, high)) for value in values] or [low, high]
