"""Hyperparameters on the axes of a figure: trials and squares in the unit cube, and values as ticks.

Every hyperparameter is explored evenly on the unit interval, so one kind of axis serves all scales.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.insight.figures.style import Attributes, escape_label, shorten
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Real
from caviar.space.references import named
from caviar.space.scales import Array
from caviar.space.space import Space
from caviar.space.values import is_missing

TICKS = 6  # at most, on a linear scale
UNIT_RANGE = [-0.04, 1.04]  # the unit interval with a margin
MAX_SPREAD_LEVELS = 12  # hyperparameters with more values are not spread
SEQUENCES = (0.6180339887, 0.7548776662)  # multiples give evenly distributed, reproducible offsets for x and y


class Ticks(NamedTuple):
    """Where an axis is labelled, and the labels."""

    positions: list[float]
    labels: list[str]


def coordinates(table: pd.DataFrame, space: Space) -> Array:
    """Return the trials of a results table as points of the unit cube, shape (n, d); NaN where inactive.

    >>> from caviar.space import loguniform
    >>> coordinates(pd.DataFrame({"rate": [1e-4, 1e-2]}), Space(rate=loguniform(1e-4, 1.0))).tolist()
    [[0.0], [0.5]]
    """
    points = np.full((len(table), space.dimension), np.nan)
    for j, dimension in enumerate(space.dimensions):
        values: list[Any] = [None if is_missing(value) else value for value in table[dimension.name]]
        options = getattr(dimension.hyperparameter, "options", ())
        active = np.array([value is not None or any(option is None for option in options) for value in values], bool)
        if dimension.parent is not None:  # a parent always comes before its children
            parent = space.dimensions[dimension.parent].hyperparameter
            assert isinstance(parent, Choice)
            parent_points = np.nan_to_num(points[:, dimension.parent], nan=-1.0)
            active = active & (parent_points >= 0) & (parent.indices(parent_points) == dimension.option)
        points[active, j] = dimension.hyperparameter.units([values[i] for i in np.flatnonzero(active)])
    return points


def index_of(name: str, space: Space) -> int:
    """Return which coordinate of the unit cube a hyperparameter is; raise InputError for one that does not vary."""
    names = [dimension.name for dimension in space.dimensions]
    if name not in names:
        raise InputError(f"x and y must be hyperparameters that vary, got {name!r}{did_you_mean(name, names)}")
    return names.index(name)


def unit_axis(name: str, space: Space, *, short: bool = False) -> Attributes:
    """Return the axis of a hyperparameter: the unit interval, with its values as ticks, shortened if it is small."""
    marks = ticks(space.dimensions[index_of(name, space)].hyperparameter)
    labels = [escape_label(shorten(label) if short else label) for label in marks.labels]
    return {"title": escape_label(name), "tickvals": marks.positions, "ticktext": labels, "range": UNIT_RANGE}


def spread_points(table: pd.DataFrame, space: Space, axes: Sequence[int]) -> Array:
    """Return the trials along one or two coordinates, shape (n, 1 or 2); 0.5 where inactive.

    Those of hyperparameters with few values are spread out, so that equal ones do not hide each other.
    """
    points, trials = coordinates(table, space)[:, list(axes)], table["trial"].to_numpy()
    for k, (j, sequence) in enumerate(zip(axes, SEQUENCES, strict=False)):
        levels = space.levels[j]
        if levels <= MAX_SPREAD_LEVELS:
            points[:, k] += ((trials * sequence) % 1.0 - 0.5) * 0.6 / levels
    return np.nan_to_num(points, nan=0.5)


def square_corners(square: pd.DataFrame, space: Space) -> Array:
    """Return the lower and upper corner of `Outcome.square` in the unit cube, shape (2, d)."""
    bounds = zip(space.dimensions, square["low"], square["high"], strict=True)
    return np.array([_side(dimension.hyperparameter, low, high) for dimension, low, high in bounds]).T


def wave_squares(waves: pd.DataFrame, space: Space) -> dict[int, Array]:
    """Return the square of each fine wave of `Outcome.waves`: its sides in the unit cube, shape (d, 2)."""
    squares = {}
    for row in fine_waves(waves).to_dict("records"):
        bounds = [(d.hyperparameter, row.get(f"{d.name}_low"), row.get(f"{d.name}_high")) for d in space.dimensions]
        squares[row["wave"]] = np.array([_side(*bound) for bound in bounds])
    return squares


def fine_waves(waves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `Outcome.waves` whose trials were sampled from a square."""
    return waves[waves["kind"] == "fine"]


def ticks(hyperparameter: Hyperparameter) -> Ticks:
    """Return the ticks of a hyperparameter's axis, which is the unit interval.

    >>> from caviar.space import loguniform
    >>> ticks(loguniform(1e-4, 1.0)).labels
    ['0.0001', '0.001', '0.01', '0.1', '1']
    """
    if isinstance(hyperparameter, Choice):
        options = list(hyperparameter.options)
        return Ticks(hyperparameter.units(options).tolist(), [str(named(option)) for option in options])
    values = list(dict.fromkeys(hyperparameter.nearest(np.array(_round_values(hyperparameter))).tolist()))
    return Ticks(hyperparameter.units(values).tolist(), [f"{value:.6g}" for value in values])


def _side(hyperparameter: Hyperparameter, low: float | None, high: float | None) -> Array:
    """Return the interval [low, high] of values in the unit interval, shape (2,); options without an order span it."""
    if hyperparameter.categorical or low is None or high is None or is_missing(low):
        return np.array([0.0, 1.0])
    if isinstance(hyperparameter, Choice):
        return hyperparameter.units([low, high]) + np.array([-0.5, 0.5]) / hyperparameter.levels
    half = (hyperparameter.step or 0.0) / 2  # a value covers half a step on either side
    return hyperparameter.scale.units(np.array([low - half, high + half]), *hyperparameter.ends)


def _round_values(hyperparameter: Real | Integer) -> list[float]:
    """Return round numbers on the hyperparameter's scale that lie within its bounds."""
    low, high, scale = hyperparameter.low, hyperparameter.high, hyperparameter.scale.name
    whole = isinstance(hyperparameter, Integer)
    if scale not in ("log", "reverse log"):
        return _linear_values(low, high, whole)
    inside: list[float] = []
    for digits in ((1,), (1, 2, 5)):  # powers of ten, and numbers between them if there are too few
        if len(inside) < 3:
            powers = [digit * 10.0**k for k in range(-12, 13) for digit in digits]
            rounded = [1 - power for power in reversed(powers)] if scale == "reverse log" else powers
            inside = [value for value in rounded if low <= value <= high and not (whole and value % 1)]
    return inside or [low, high]


def _linear_values(low: float, high: float, whole: bool) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten within the bounds."""
    rough = (high - low) / (TICKS - 1)
    power = 10.0 ** np.floor(np.log10(rough)) if rough > 0 else 1.0
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    step = max(step, 1.0) if whole else step
    values = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [float(np.clip(value, low, high)) for value in values] or [low, high]
