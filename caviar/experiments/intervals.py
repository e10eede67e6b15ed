"""95% intervals: exact for shares, resampled for means and medians."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

LEVEL = 0.95
RESAMPLES = 2000


def exact(successes: int, count: int) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper & Pearson 1934).

    Args:
        successes: in 0..count.
        count: of independent attempts, >= 1.

    >>> [round(bound, 3) for bound in exact(9, 10)]
    [0.555, 0.997]
    """
    interval = binomtest(int(successes), int(count)).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)


def bootstrap(
    values: ArrayLike, statistic: Callable[..., NDArray[np.float64]] = np.mean, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile interval of a statistic over resampled values (Efron 1979).

    Args:
        values: one per seed, shape (n,).
        statistic: a function of an array and `axis`, such as np.mean or np.median.
        seed: of the resampling; equal seeds give equal intervals.

    >>> bootstrap([1.0, 1.0, 1.0])
    (1.0, 1.0)
    """
    array = np.asarray(values, dtype=float)
    indices = np.random.default_rng(seed).integers(len(array), size=(RESAMPLES, len(array)))
    percentiles = [50 * (1 - LEVEL), 50 * (1 + LEVEL)]
    # "lower" does not interpolate, so infinity (never reached) is allowed
    low, high = np.percentile(statistic(array[indices], axis=1), percentiles, method="lower")
    return float(low), float(high)
