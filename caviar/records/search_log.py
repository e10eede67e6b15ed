"""What a search is told, in order: which points are running, and which trials have ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caviar.search import Search
from caviar.search.curves import Curves
from caviar.space.scales import Array


@dataclass(frozen=True, eq=False)
class Expected:
    """Points that are running, (n, d); a search without barriers needs them."""

    points: Array


@dataclass(frozen=True, eq=False)
class Observed:
    """Trials to tell a search together: points (n, d), values to minimise (n,), NaN if failed.

    `trials` holds their numbers, or None for each trial of a warm start, which does not count towards the budget;
    `curves` is there if the search predicts how those that were stopped early would have ended.
    """

    points: Array
    values: Array
    trials: tuple[int | None, ...]
    curves: Curves | None = None

    @property
    def counted(self) -> bool:
        """Whether the trials count towards the budget."""
        return None not in self.trials


def tell(search: Search, log: Iterable[Expected | Observed]) -> None:
    """Tell a search the entries of a log, in order."""
    for entry in log:
        if isinstance(entry, Expected):
            search.expect(entry.points)
        elif entry.curves is None:
            search.tell(entry.points, entry.values, counted=entry.counted)
        else:
            search.tell(entry.points, entry.values, counted=entry.counted, curves=entry.curves)


def by_trial(log: Iterable[Expected | Observed], values: Sequence[float]) -> dict[int, float]:
    """Return values by trial number, given those of all trials that a search was told, in the order of the log."""
    numbers = [number for entry in log if isinstance(entry, Observed) for number in entry.trials]
    return {number: value for number, value in zip(numbers, values, strict=True) if number is not None}
