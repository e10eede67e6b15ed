"""The tests behind a diagnosis. Each is at the level `LEVEL`, divided by the number of hypotheses tested together."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.space.scales import Array

LEVEL = 0.01  # the probability of a false alarm, of each kind of finding
MOST_COMPARED = 500  # reports of a curve
LARGEST_COUNT = 100_000  # rows that a share can be traced back to
_EXACT = 1e-12  # of a share that was computed as a quotient of two integers


def in_words(p: float) -> str:
    """Return a p-value as text.

    >>> in_words(0.0032), in_words(1e-30)
    ('p=0.003', 'p<0.0001')
    """
    return f"p={p:.1g}" if p >= 1e-4 else "p<0.0001"


def rank_test(values: Array, groups: Sequence[Hashable], chosen: NDArray[np.bool_]) -> float:
    """Return the p-value of chosen values being the larger ones within their groups (van Elteren 1960, normal).

    Args:
        values: shape (n,); ties get their mean rank.
        groups: which values are compared with each other, such as the wave of each, n of them.
        chosen: shape (n,).

    >>> chosen = np.arange(20) >= 10
    >>> rank_test(np.arange(20.0), [0] * 20, chosen) < 0.001 < 0.999 < rank_test(np.arange(20.0), [0] * 20, ~chosen)
    True
    """
    excess = variance = 0.0
    for group in dict.fromkeys(groups):
        members = np.array([other == group for other in groups])
        inside, n = chosen[members], int(members.sum())
        if not 0 < (m := int(inside.sum())) < n:
            continue
        ranks = pd.Series(values[members]).rank().to_numpy()
        weight = 1 / (n + 1)
        excess += weight * float(ranks[inside].sum() - m * (n + 1) / 2)
        variance += weight**2 * m * (n - m) / n * float(ranks.var(ddof=1))
    return float(scipy.special.ndtr(-excess / math.sqrt(variance))) if variance > 0 else 1.0


def trend_test(values: Array) -> float:
    """Return the p-value of values, in their order, to rise (Mann 1945; Kendall 1975, normal, continuity-corrected).

    >>> trend_test(np.arange(10.0)) < 0.001, trend_test(np.array([1.0, 3.0, 2.0, 3.0, 1.0])) > 0.3
    (True, True)
    """
    values = values[:: -(-len(values) // MOST_COMPARED) or 1]  # pairs are counted, so long curves are thinned out
    n = len(values)
    score = float(np.sign(values[None, :] - values[:, None])[np.triu_indices(n, 1)].sum())
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return float(scipy.special.ndtr(-(score - math.copysign(1.0, score)) / deviation)) if n > 2 else 1.0


def more_than(share: float, count: int, of: int) -> float:
    """Return the p-value of a probability to be larger than a share, after `count` of `of` (binomial).

    >>> more_than(0.1, 0, 20), more_than(0.1, 10, 20) < 0.001
    (1.0, True)
    """
    return float(scipy.special.bdtrc(count - 1, of, share)) if count else 1.0


def variance_ratio_test(noise: float, freedom: int, values: Array, share: float) -> float:
    """Return the p-value of a noise variance being more than a share of that of values (F).

    Args:
        noise: the measured variance of the noise, with so many degrees of `freedom`.
        values: shape (n,), with this noise in them.
        share: in (0, 1).
    """
    spread = float(values.var(ddof=1))
    return float(scipy.special.fdtrc(freedom, len(values) - 1, noise / (share * spread))) if spread > 0 else 1.0


def scatter(curve: Array) -> float:
    """Return the standard deviation of a curve's reports around its course, by second differences; robust.

    >>> scatter(np.arange(10.0))
    0.0
    """
    second = np.diff(curve, 2)  # of variance 6 times that of a report
    return float(np.median(np.abs(second)) / 0.6745 / math.sqrt(6)) if len(second) else 0.0


def rows_behind(shares: Array) -> int | None:
    """Return the least number of rows that all shares can be of; None if they are of no such number.

    An accuracy of n rows is k / n. So the rows are the common denominator of all accuracies of a study.

    >>> rows_behind(np.array([0.5, 2 / 3, 0.25])), rows_behind(np.sqrt([0.5, 0.6, 0.7]))
    (12, None)
    """
    rows = 1
    for share in np.unique(shares):
        fraction = Fraction(float(share)).limit_denominator(LARGEST_COUNT)
        if not 0 <= share <= 1 or abs(float(fraction) - share) > _EXACT:
            return None
        rows = math.lcm(rows, fraction.denominator)
        if rows > LARGEST_COUNT:
            return None
    return rows


@dataclass(frozen=True)
class PowerLaw:
    """A curve that falls to its limit, `limit + fall * epoch ** -rate`."""

    limit: float
    fall: float
    rate: float

    @classmethod
    def fit(cls, epochs: Array, curve: Array) -> "PowerLaw":
        """Return the curve of least squares whose fall is >= 0, among 40 rates.

        >>> law = PowerLaw.fit(np.arange(1.0, 21), 0.1 + np.arange(1.0, 21) ** -0.5)
        >>> abs(law.gain(20) - (20**-0.5 - 40**-0.5)) < 0.01
        True
        """
        best, least = cls(float(curve.mean()), 0.0, 1.0), math.inf
        for rate in np.geomspace(0.05, 4.0, 40):
            power = epochs**-rate
            centred = power - power.mean()
            fall = max(0.0, float(centred @ curve / (centred @ centred)))
            limit = float(curve.mean() - fall * power.mean())
            error = float(((curve - limit - fall * power) ** 2).sum())
            if error < least:
                best, least = cls(limit, fall, float(rate)), error
        return best

    def gain(self, epochs: float) -> float:
        """Return how much twice as many epochs bring."""
        return float(self.fall * (epochs**-self.rate - (2 * epochs) ** -self.rate))

    def epochs_until(self, gain: float) -> float:
        """Return the number of epochs from which on twice as many bring less than a gain, > 0."""
        return float((self.fall * (1 - 2**-self.rate) / gain) ** (1 / self.rate))
