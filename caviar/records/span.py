"""An uncertain number: its median, and the interval that holds it in 80% of cases."""

from typing import NamedTuple

import numpy as np

from caviar.space.scales import Array

_UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0))


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
        """Return the span of a multiple, whose factor is >= 0."""
        return Span(self.low * factor, self.median * factor, self.high * factor)

    def holds(self, value: float) -> bool:
        """Return whether a value lies in it."""
        return self.low <= value <= self.high

    @property
    def words(self) -> str:
        """The median, and the interval behind it, with two significant digits."""
        return f"{_number(self.median)} ({_number(self.low)} to {_number(self.high)})"


def duration(seconds: Span) -> str:
    """Return a time in words, in the unit that suits its median.

    >>> duration(Span(50.0, 61.0, 75.0)), duration(Span(4000.0, 6000.0, 9000.0))
    ('61 s (50 to 75)', '1.7 h (1.1 to 2.5)')
    """
    unit, size = next((unit, size) for unit, size in _UNITS if seconds.median >= 1.5 * size or size == 1.0)
    median, _, interval = seconds.times(1 / size).words.partition(" ")
    return f"{median} {unit} {interval}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.2g}"
