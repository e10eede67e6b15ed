"""95% intervals: exact for shares, resampled for means and medians."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from caviar.space.scales import Array

_LEVEL = 0.95
_RESAMPLES = 2000


def exact(successes: int, count: int) -> tuple[float, float]:
    """Return the exact interval of a share: `successes` of `count` >= 1 attempts (Clopper & Pearson 1934).

    >>> [round(bound, 3) for bound in exact(9, 10)]
    [0.555, 0.997]
    """
    interval = binomtest(int(successes), int(count)).proportion_ci(_LEVEL, method="exact")
    return float(interval.low), float(interval.high)


def bootstrap(values: ArrayLike, statistic: Callable[..., Array] = np.mean) -> tuple[float, float]:
    """Return the percentile interval of a statistic over resampled values, shape (n,) (Efron 1979).

    >>> bootstrap([1.0, 1.0, 1.0])
    (1.0, 1.0)
    """
    array = np.asarray(values, dtype=float)
    indices = np.random.default_rng(0).integers(len(array), size=(_RESAMPLES, len(array)))
    percentiles = [50 * (1 - _LEVEL), 50 * (1 + _LEVEL)]
    # "lower" does not interpolate, so infinity (never reached) is allowed
    low, high = np.percentile(statistic(array[indices], axis=1), percentiles, method="lower")
    return float(low), float(high)
