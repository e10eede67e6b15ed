"""Numbers with what is uncertain about them, and what the winner of a study would reach if it were trained again."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy  # whose packages are slow to load; each is loaded when first used

from caviar.errors import InputError
from caviar.insight.formatting import format_value
from caviar.records.outcome import Outcome
from caviar.records.ranking import search_told
from caviar.records.trial import Result
from caviar.search.base import Search
from caviar.search.gaussian_process import GaussianProcess
from caviar.space.scales import Array

MIN_TRIALS = 8  # with fewer finished trials a process says nothing
_MOST_DECIMALS = 12
_COVERAGE = 0.95  # of the intervals in `Outcome.confirmation`


@dataclass(frozen=True)
class Estimate:
    """A number with an interval.

    >>> str(Estimate(0.97012, 0.9651, 0.9744)), str(Estimate(3.0, 3.0, 3.0))
    ('0.9701 (0.9651 to 0.9744)', '3')
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Array, tail: float) -> "Estimate":
        """Return the median of equally likely numbers, and the interval that leaves a share of them at either end."""
        low, value, high = np.quantile(draws, [tail, 0.5, 1 - tail], method="lower").tolist()
        return cls(value, low, high)

    def __str__(self) -> str:
        width = self.high - self.low
        if not 0 < width < math.inf or (decimals := 1 - math.floor(math.log10(width))) > _MOST_DECIMALS:
            return format_value(self.value)
        value, low, high = (f"{number:.{max(0, decimals)}f}" for number in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


@dataclass(frozen=True)
class Expectation:
    """What a trial would reach on average if it were trained again and again, as far as is known: a normal distribution.

    >>> Expectation(0.9, 0.02).combined(Expectation(0.94, 0.02))
    Expectation(mean=0.92, deviation=0.0141...)
    """

    mean: float
    deviation: float

    def combined(self, other: "Expectation") -> "Expectation":
        """Return what follows from two independent sources together: the product of their densities."""
        if not self.deviation or not other.deviation:
            return self if not self.deviation else other
        a, b = self.deviation**-2, other.deviation**-2
        return Expectation((a * self.mean + b * other.mean) / (a + b), (a + b) ** -0.5)


def told_search(outcome: Outcome) -> tuple[Search, GaussianProcess]:
    """Return the search of a study as it knows all trials, and its process; raise InputError if there are too few."""
    search = search_told(outcome.settings, outcome.search_log)
    process = search.surrogate
    known = int(np.isfinite(search.estimates()).sum())
    if process is None or known < MIN_TRIALS:
        raise InputError(
            f"{outcome.settings.name!r} needs at least {MIN_TRIALS} finished trials of complete waves for this, got "
            f"{known}; try a study with more trials"
        )
    noise = (_spread(outcome.confirmation) / process.scale) ** 2
    detail = process.detail_variance if math.isnan(noise) else max(0.0, process.kernel.noise_variance - noise)
    return search, replace(process, most_detail=min(detail, process.detail_variance))


def smoothed(outcome: Outcome, result: Result, search: Search, process: GaussianProcess) -> Expectation:
    """Return what a trial would reach on average by what the process knows of it and of its neighbours."""
    objective = outcome.settings.objective
    point = search.space.snap(search.space.points([result.config]))
    value = float(process.smooth(point, np.array([objective.to_minimise(result.metrics)]))[0])
    return Expectation(objective.sign * value, float(process.deviation(point)[0]))


def expectation(outcome: Outcome, result: Result, search: Search, process: GaussianProcess) -> Expectation:
    """Return what a trial would reach on average: `smoothed`, and its trainings with fresh seeds if there are any."""
    confirmation, spread = outcome.confirmation, _spread(outcome.confirmation)
    own = confirmation[(confirmation["trial"] == result.trial) & (confirmation["finished"] > 0)]
    by_process = smoothed(outcome, result, search, process)
    if own.empty or math.isnan(spread):
        return by_process
    count, mean = own.iloc[0][["finished", "mean"]]
    return by_process.combined(Expectation(float(mean), spread / math.sqrt(count)))


def _spread(confirmation: pd.DataFrame) -> float:
    """Return the standard deviation of trainings that differ in their seeds alone, as `confirmation_table` pools it.

    NaN if no trial was confirmed.
    """
    freedom = int((confirmation["finished"] - 1).clip(lower=0).sum())
    measured = confirmation[confirmation["high"].notna()]
    if not freedom or measured.empty:
        return math.nan
    row = measured.iloc[0]
    half = float(row["high"] - row["low"]) / 2
    return half * math.sqrt(row["finished"]) / float(scipy.special.stdtrit(freedom, (1 + _COVERAGE) / 2))
