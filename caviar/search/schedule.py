"""How a search spends its trials: how many, in which waves, and with which seed."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Literal

from caviar._checks import check_integer_fields
from caviar.errors import InputError

Waves = int | Sequence[int] | Literal["auto", "continuous"]

_WAVES_MUST_BE = "waves must be 'auto', 'continuous', an integer >= 1 or a list of integers >= 1"
_MOST_TRIALS = 10_000_000  # whose points and values fit into the memory of a driver
_SMALLEST_WAVE = 8  # trials in the smallest wave of "auto"
_FEW_WAVES, MOST_WAVES = 4, 8  # of "auto": up to 4 even if they are smaller than the dimension, at most 8 otherwise


@dataclass(frozen=True)
class Budget:
    """The trials of a search.

    Args:
        trials: the number of trials, 1 to 10,000,000.
        waves: "auto" (up to 8 equal waves), a number of equal waves, the sizes of the waves, or "continuous" (no
            waves: points one by one). A list of sizes is stored as a tuple.
        seed: >= 0; the same seed and the same values give the same points.

    >>> Budget(64, waves=4)
    Budget(trials=64, waves=4, seed=0)
    """

    trials: int
    waves: Waves = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer_fields(self, "trials")
        if self.trials > _MOST_TRIALS:
            raise InputError(f"trials must be an integer <= {_MOST_TRIALS}, got {self.trials}")
        check_integer_fields(self, "seed", minimum=0)
        if isinstance(self.waves, int | Integral):
            check_integer_fields(self, "waves")
            if self.waves > self.trials:
                raise InputError(f"waves must be <= trials={self.trials}, got {self.waves}; try waves={self.trials}")
        elif not isinstance(self.waves, str):
            object.__setattr__(self, "waves", _checked_sizes(self.waves, self.trials))
        elif self.waves not in ("auto", "continuous"):
            raise InputError(f"{_WAVES_MUST_BE}, got {self.waves!r}; try 'auto'")

    def sizes(self, dimension: int) -> tuple[int, ...]:
        """Return the sizes of the waves in order; they sum to `trials`.

        Args:
            dimension: the number of coordinates of the space; "auto" avoids waves with fewer trials than that.

        >>> Budget(128).sizes(dimension=6)
        (16, 16, 16, 16, 16, 16, 16, 16)
        """
        if self.waves == "continuous":
            return (1,) * self.trials
        if not isinstance(self.waves, int | str):
            return tuple(self.waves)
        number = self.waves if isinstance(self.waves, int) else _automatic_number(self.trials, dimension)
        return tuple(self.trials // number + (i < self.trials % number) for i in range(number))


def _checked_sizes(sizes: Sequence[int], trials: int) -> tuple[int, ...]:
    """Return the sizes as a tuple; raise InputError if they are not integers >= 1 that sum to `trials`."""
    try:
        integers = tuple(operator.index(size) for size in sizes)
    except TypeError:
        integers = ()
    if not integers or min(integers) < 1:
        raise InputError(f"{_WAVES_MUST_BE}, got {sizes!r}; try 'auto'")
    if sum(integers) != trials:
        raise InputError(f"waves must sum to trials={trials}, got {list(integers)}; try trials={sum(integers)}")
    return integers


def _automatic_number(trials: int, dimension: int) -> int:
    """Return the number of waves for "auto": several small ones.

    Measured with 128 trials and 3 seeds (normalised regret on 34 functions; points lost on LCBench with noise of 2):
    2 waves .46 and 2.8, 4 waves .28 and .3, 8 waves .23 and .1, 16 waves .29 and -.4 (see tests/benchmarks/search).
    """
    number = min(trials // max(_SMALLEST_WAVE, dimension), MOST_WAVES)
    return max(number, min(_FEW_WAVES, trials // _SMALLEST_WAVE), 1)
