"""95% intervals: exact ones of shares, resampled ones of means and medians."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

LEVEL = 0.95
RESAMPLES = 2000


def exact(successes: int, count: int) -> tuple[float, float]:
    """The exact interval of a share (Clopper & Pearson 1934).

    Args:
        successes: of 0..count.
        count: independent attempts, 1 or more.

    >>> [round(bound, 3) for bound in exact(9, 10)]
    [0.555, 0.997]
    """
    interval = binomtest(int(successes), int(count)).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)


def bootstrap(values: ArrayLike, statistic: Callable[..., Any] = np.mean, seed: int = 0) -> tuple[float, float]:
    """The percentile interval of a statistic from resampled values (Efron 1979).

    Args:
        values: one a seed, shape (n,).
        statistic: takes an array and `axis`, such as np.mean or np.median.
        seed: of the resamples; the same seed gives the same interval.
    """
    array = np.asarray(values, dtype=float)
    picks = np.random.default_rng(seed).integers(len(array), size=(RESAMPLES, len(array)))
    outside = [50 * (1 - LEVEL), 50 * (1 + LEVEL)]
    # "lower" takes resampled values as they are, so that infinity (never reached) may stand among them
    low, high = np.percentile(statistic(array[picks], axis=1), outside, method="lower")
    return float(low), float(high)
