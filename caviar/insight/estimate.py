"""Numbers with intervals."""

import math
from dataclasses import dataclass

import numpy as np

from caviar.insight.formatting import format_value
from caviar.space.scales import Array

Z_95 = 1.96  # standard deviations on either side that hold 95% of a normal distribution
_MOST_DECIMALS = 12


@dataclass(frozen=True)
class Estimate:
    """A number with an interval.

    >>> str(Estimate(0.97012, 0.9651, 0.9744)), str(Estimate(3.0, 3.0, 3.0))
    ('0.9701 (0.9651 to 0.9744)', '3')
    >>> str(Estimate(1e99, -1e99, 4e99)), str(Estimate(1.0, 1.0, 1.0 + 1e-14))
    ('1e+99 (-1e+99 to 4e+99)', '1')
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Array, tail: float) -> "Estimate":
        """Return the median of equally likely numbers, and the interval that leaves a share of them at either end."""
        low, value, high = np.quantile(draws, [tail, 0.5, 1 - tail], method="lower").tolist()
        return cls(value, low, high)

    def __neg__(self) -> "Estimate":
        return Estimate(-self.value, -self.high, -self.low)

    def __str__(self) -> str:
        width = self.high - self.low
        if not 0 < width < math.inf:
            return format_value(self.value)
        decimals = 1 - math.floor(math.log10(width))
        if not -4 <= decimals <= _MOST_DECIMALS:
            value, low, high = map(format_value, (self.value, self.low, self.high))
            return value if low == high else f"{value} ({low} to {high})"
        value, low, high = (f"{number:.{max(0, decimals)}f}" for number in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"
