"""The scales on which a hyperparameter is explored: monotone maps between [0, 1] and its values."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_TAIL = 1e-6  # the probability that is cut off at each end of a distribution without a bound there


class Scale(NamedTuple):
    """A scale: `forward` maps values to the coordinate that is explored evenly, `inverse` maps them back.

    >>> LOG.forward(np.array([0.1, 10.0]))
    array([-1.,  1.])
    """

    name: str
    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]

    def values(self, unit: Array, low: float, high: float) -> Array:
        """Return the values in [low, high] at points of [0, 1]; both have shape (n,), and 0 and 1 map to the bounds."""
        start, end = self.forward(np.array([low, high], dtype=float))
        values = np.clip(self.inverse(start + unit * (end - start)), low, high)
        return np.where(unit <= 0.0, low, np.where(unit >= 1.0, high, values))

    def units(self, values: Array, low: float, high: float) -> Array:
        """Return the points of [0, 1] of values in [low, high]; both have shape (n,)."""
        start, end = self.forward(np.array([low, high], dtype=float))
        if start == end:
            return np.full(np.shape(values), 0.5)
        units: Array = np.clip((self.forward(np.asarray(values, dtype=float)) - start) / (end - start), 0.0, 1.0)
        return units


LINEAR = Scale("linear", lambda value: value, lambda r: r)
# value = 10^r with r uniform in [log10 low, log10 high]
LOG = Scale("log", lambda value: np.log10(value), lambda r: np.power(10.0, r))
# 1 - value on the log scale: the averaging window 1 / (1 - beta) grows evenly
REVERSE_LOG = Scale("reverse log", lambda value: -np.log1p(-value), lambda r: -np.expm1(-r))


class Quantiles(NamedTuple):
    """The scale of a distribution of `scipy.stats`: equal probabilities get equal shares."""

    scale: Scale
    low: float  # where its values begin
    high: float
    discrete: bool


@lru_cache
def quantiles(name: str, *parameters: float) -> Quantiles:
    """Return the quantiles of a distribution of `scipy.stats`; raise ValueError if there is none with the name.

    >>> quantiles("norm", 5.0, 1.0).scale.values(np.array([0.5]), -10.0, 20.0)
    array([5.])
    """
    from scipy import stats  # takes longer to import than all of Caviar

    kind = getattr(stats, name, None)
    if not isinstance(kind, stats.rv_continuous | stats.rv_discrete):
        raise ValueError(name)
    distribution = kind(*parameters)
    low, high = (float(bound) for bound in distribution.support())
    low = low if np.isfinite(low) else float(distribution.ppf(_TAIL))
    high = high if np.isfinite(high) else float(distribution.ppf(1 - _TAIL))

    def inverse(probability: Array) -> Array:
        clipped: Array = np.clip(distribution.ppf(np.clip(probability, 0.0, 1.0)), low, high)
        return clipped

    def discrete_forward(value: Array) -> Array:
        """Return the probability below the value; half a unit to either side of an integer belongs to it."""
        whole = np.floor(value + 0.5)
        probability: Array = distribution.cdf(whole - 1) + (value - whole + 0.5) * distribution.pmf(whole)
        return probability

    discrete = isinstance(kind, stats.rv_discrete)
    scale = Scale("quantiles", discrete_forward if discrete else distribution.cdf, inverse)
    return Quantiles(scale, low, high, discrete)
