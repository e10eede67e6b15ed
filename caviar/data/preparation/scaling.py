"""The means and scales of numbers, and numbers standardised by them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from caviar.data.validation import Floats

Features = NDArray[np.float32]

FARTHEST = 1e6  # deviations from the mean: of n training rows none is farther than sqrt(n - 1)
_ROUNDING = 1e-10  # a deviation below this share of the largest value comes from rounding
_SAFE = 1e150  # the squares of larger numbers may overflow, and those of numbers below its inverse vanish


def scaling(values: Floats, train: NDArray[np.int64], weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return each column's mean and standard deviation over the training rows; the latter is as `scale_of` says.

    If all values are integers in 0..255, they are taken for pixels, whose deviations are as `of_pixels` says.

    Args:
        values: (rows, features).
        train: the row numbers of the training part.
        weights: of these rows; None: all the same.

    >>> scaling(np.array([[-0.5], [1.5]]), train=np.array([0, 1]))
    (array([0.5]), array([1.]))
    """
    part = values[train]
    mean, deviation = moments(part, weights)
    return mean, scale_of(mean, of_pixels(deviation) if are_pixels(part) else deviation)


def scale_of(mean: Floats, deviation: Floats) -> Floats:
    """Return by what to divide: the deviation, or for a constant column 1, or what rounding may reach if that is more.

    >>> scale_of(np.array([5.0, 0.1, 1e20]), np.array([2.0, 0.0, 0.0]))
    array([2.e+00, 1.e+00, 1.e+10])
    """
    scale: Floats = np.where(deviation > 0, deviation, np.maximum(1.0, _ROUNDING * np.abs(mean)))
    return scale


def of_pixels(deviations: Floats) -> Floats:
    """Return each deviation, at least a tenth of the largest, so that rarely lit pixels are not scaled up.

    >>> of_pixels(np.array([80.0, 0.5]))
    array([80.,  8.])
    """
    raised: Floats = np.maximum(deviations, deviations.max(initial=0.0) / 10)
    return raised


def are_pixels(values: Floats) -> bool:
    """Return whether all values are integers in 0..255."""
    return bool(values.size and values.min() >= 0 and values.max() <= 255 and (values == np.round(values)).all())


def moments(values: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the mean and the standard deviation over rows.

    Where all values are the same but for rounding, these are the first value and 0.

    >>> moments(np.array([[1e300, 14.62], [3e300, 14.620000000000001]]))
    (array([2.000e+300, 1.462e+001]), array([1.e+300, 0.e+000]))
    """
    largest = np.maximum(values.max(axis=0), -values.min(axis=0))
    unsafe = (largest > _SAFE) | ((largest < 1 / _SAFE) & (largest > 0))
    if unsafe.any():
        unit = np.where(unsafe, 2.0 ** np.floor(np.log2(np.where(unsafe, largest, 1.0))), 1.0)  # exact in binary
        mean, deviation = moments(values / unit, weights)
        return mean * unit, deviation * unit
    if weights is None:
        mean, deviation = values.mean(axis=0), values.std(axis=0)
    else:
        mean = np.average(values, axis=0, weights=weights)
        deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    constant = deviation <= _ROUNDING * largest
    return np.where(constant, values[0], mean), np.where(constant, 0.0, deviation)


class Scaled(Protocol):
    """A number for each cell, standardised; what is missing is filled, and may have a feature that says so."""

    @property
    def mean(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def fill(self) -> float | None: ...
    @property
    def indicator(self) -> bool: ...


def standardise(columns: Sequence[Scaled], values: Floats, out: Features) -> None:
    """Write (value - mean) / scale of each column, followed by its indicator if it has one.

    Args:
        columns: of the values, in order.
        values: (rows, columns), neither NaN nor infinite where there is a value.
        out: (rows, features).
    """
    means = np.array([column.mean for column in columns])
    missing = ~np.isfinite(values)
    if missing.any():
        fills = [column.mean if column.fill is None else column.fill for column in columns]
        values = np.where(missing, fills, values)
    with np.errstate(over="ignore"):
        scaled = values - means
        scaled /= np.array([column.scale for column in columns])
    np.clip(scaled, -FARTHEST, FARTHEST, out=scaled)
    indicators = np.array([column.indicator for column in columns])
    if not indicators.any():
        out[:] = scaled
        return
    places = np.arange(len(columns)) + np.cumsum(indicators) - indicators
    out[:, places] = scaled
    out[:, places[indicators] + 1] = missing[:, indicators]
