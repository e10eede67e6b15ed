"""An uncertain number: its median, and the interval that holds it in 80% of cases."""

from typing import NamedTuple

import numpy as np

from caviar.space.scales import Array


class Span(NamedTuple):
    """A median, and the bounds of the central 80%.

    >>> Span.of(np.arange(101.0))
    Span(low=10.0, median=50.0, high=90.0)
    """

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, draws: Array) -> "Span":
        """Return the span of equally likely numbers, shape (n,)."""
        low, median, high = np.quantile(draws, [0.1, 0.5, 0.9]).tolist()
        return cls(low, median, high)

    def times(self, factor: float) -> "Span":
        """Return the span of a multiple."""
        return Span(self.low * factor, self.median * factor, self.high * factor)

    def holds(self, value: float) -> bool:
        """Return whether a value lies in it."""
        return self.low <= value <= self.high
