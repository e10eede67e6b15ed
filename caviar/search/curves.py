"""How trials that were stopped early would have ended, predicted from their curves and from those of whole trials.

What a curve still falls by is linear in its last fall and its last value, plus a Gaussian process over the configs:
with a high learning rate, for example, it falls late. This is section 2.7 of Rasmussen and Williams (2006), "Gaussian
Processes for Machine Learning", with a normal prior of the weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caviar.search.kernel import Kernel
from caviar.space.scales import Array

_WEIGHT_VARIANCE = 0.25  # of the linear function's weights
_LENGTH_SCALE = 1.0  # of the process, whose variance is 1
_NOISE_VARIANCE = 0.3
_LEARN_FROM = 500  # at most so many whole trials, the last ones
_BLOCK_SIZE = 2000  # trials predicted at a time, which avoids large matrices
_LARGEST = 20.0  # standardised values are clipped to this
_LEAST_UNIT = 1e-9
LARGEST_VALUE = 1e100  # values are clipped to this, so that squares and differences stay finite


@dataclass(frozen=True, eq=False)
class Curves:
    """The values of trials at a few epochs.

    Args:
        values: lower is better, shape (n, k): before the first rung, and at each rung; NaN where a trial did not come.
        stopped: which trials were stopped at the last rung that they came to, shape (n,).
    """

    values: Array
    stopped: NDArray[np.bool_]

    @classmethod
    def unknown(cls, n: int) -> "Curves":
        """Return those of n trials of which only the ends are known."""
        return cls(np.empty((n, 0)), np.zeros(n, dtype=bool))

    @property
    def reached(self) -> NDArray[np.int_]:
        """How many of the epochs each trial came to, shape (n,)."""
        numbers = np.where(np.isfinite(self.values), np.arange(1, self.values.shape[1] + 1), 0)
        reached: NDArray[np.int_] = numbers.max(axis=1, initial=0)
        return reached

    @property
    def last(self) -> Array:
        """The last value of each trial, shape (n,); NaN if none is known."""
        padded = np.column_stack([np.full(len(self.values), np.nan), self.values])
        return padded[np.arange(len(padded)), self.reached]

    def followed_by(self, others: "Curves") -> "Curves":
        """Return the curves of these trials and of others."""
        columns = max(self.values.shape[1], others.values.shape[1])
        values = [_padded(self.values, columns), _padded(others.values, columns)]
        return Curves(np.concatenate(values), np.concatenate([self.stopped, others.stopped]))


def _padded(values: Array, columns: int) -> Array:
    """Return values, without huge ones, in so many columns."""
    clipped = np.clip(values, -LARGEST_VALUE, LARGEST_VALUE)
    return np.pad(clipped, ((0, 0), (0, columns - values.shape[1])), constant_values=np.nan)


def predicted_ends(points: Array, ends: Array, curves: Curves, categorical: NDArray[np.bool_]) -> Array:
    """Return the ends of trials, shape (n,), where those of stopped trials are predicted from all others.

    Args:
        points: of the unit cube, shape (n, d).
        ends: the values at the end, lower is better, shape (n,); NaN: failed. Those of stopped trials are returned as
            they are if no trial is whole.
        curves: of the trials.
        categorical: which coordinates are choices, shape (d,).

    >>> curves = Curves(np.array([[9.0, 5.0], [9.5, 5.5], [9.1, 5.1]]), stopped=np.array([False, False, True]))
    >>> points, ends = np.array([[0.1], [0.9], [0.2]]), np.array([3.0, 4.0, 5.1])
    >>> predicted_ends(points, ends, curves, np.array([False])).round(1)
    array([3. , 4. , 3.2])
    """
    result, reached, rungs = ends.copy(), curves.reached, curves.values.shape[1]
    whole = np.flatnonzero(~curves.stopped & np.isfinite(ends) & np.isfinite(curves.values).all(axis=1))[-_LEARN_FROM:]
    kernel = Kernel(np.full(points.shape[1], _LENGTH_SCALE), 1.0, _NOISE_VARIANCE, categorical)
    for rung in range(1, rungs):
        stopped = np.flatnonzero(curves.stopped & (reached == rung + 1))
        if not len(stopped) or not len(whole):
            continue
        now = curves.values[:, rung]
        before = np.where(np.isfinite(curves.values[:, rung - 1]), curves.values[:, rung - 1], now)
        middle = np.median(now[whole])
        unit = max(float(np.median(np.abs(now[whole] - middle))), _LEAST_UNIT)
        fall, value = _clipped((before - now) / unit), _clipped((now - middle) / unit)
        features = np.stack([np.ones_like(now), fall, value], axis=1)
        expected = (1 - 0.5 ** (rungs - rung)) * fall  # if each fall is half of the one before
        surprise = _clipped((now - ends)[whole] / unit) - expected[whole]
        falls = expected[stopped] + _regression(kernel, points, features, whole, surprise, stopped)
        result[stopped] = now[stopped] - unit * np.maximum(falls, 0.0)
    return result


def _regression(
    kernel: Kernel,
    points: Array,
    features: Array,
    known: NDArray[np.intp],
    values: Array,
    rows: NDArray[np.intp],
) -> Array:
    """Return the values at other rows, given those at known ones."""

    def covariance(rows: NDArray[np.intp]) -> Array:
        return _WEIGHT_VARIANCE * features[rows] @ features[known].T + kernel.covariance(points[rows], points[known])

    weights = np.linalg.solve(covariance(known) + kernel.noise_variance * np.eye(len(known)), values)
    blocks = np.array_split(rows, len(rows) // _BLOCK_SIZE + 1)
    return np.concatenate([covariance(block) @ weights for block in blocks])


def _clipped(values: Array) -> Array:
    """Return standardised values without huge ones, which would outweigh all others."""
    return np.clip(values, -_LARGEST, _LARGEST)
