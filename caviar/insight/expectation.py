"""What a trial would reach on average if it were trained again and again: what counts when studies are compared."""

import math
from dataclasses import dataclass

import numpy as np

from caviar._threads import one_blas_thread
from caviar.errors import InputError
from caviar.records.confirmation import t_quantile
from caviar.records.outcome import Outcome
from caviar.records.trial import Result
from caviar.search.base import Search
from caviar.search.gaussian_process import GaussianProcess

MIN_TRIALS = 8  # with fewer finished trials a process says nothing
_CAUTION = 1.3  # errors in studies with noise are so much larger than the process says (tests/benchmarks/answers)


@dataclass(frozen=True)
class Expectation:
    """What a trial would reach on average, as far as is known: a normal distribution, in the unit of the metric."""

    mean: float
    deviation: float


def told_search(outcome: Outcome) -> tuple[Search, GaussianProcess]:
    """Return the search of a study as it knows all trials, and its process; raise InputError if there are too few."""
    search, process = outcome.search, outcome.search.surrogate
    known = int(np.isfinite(search.estimates()).sum())
    if process is None or known < MIN_TRIALS:
        raise InputError(
            f"{outcome.settings.name!r} must have at least {MIN_TRIALS} trials of complete waves with a value, got "
            f"{known}; try again when more have finished"
        )
    return search, process


@one_blas_thread()
def by_process(outcome: Outcome, result: Result, search: Search, process: GaussianProcess) -> Expectation:
    """Return what a trial would reach on average by what the process knows of it and of its neighbours."""
    objective = outcome.settings.objective
    point = search.space.snap(search.space.points([result.config]))
    mean, deviation = process.expected(point, np.array([objective.to_minimise(result.metrics)]))
    return Expectation(objective.sign * float(mean[0]), _CAUTION * float(deviation[0]))


def winner_expectation(outcome: Outcome, search: Search, process: GaussianProcess) -> Expectation:
    """Return what the winner would reach on average: by its trainings with fresh seeds if any, else by the process."""
    noise, winner = training_noise(outcome), outcome.best
    if math.isnan(noise.deviation):
        return by_process(outcome, winner, search, process)
    row = outcome.confirmation.iloc[0]
    t_over_normal = noise.freedom / (noise.freedom - 2) if noise.freedom > 2 else 3.0  # variance of Student's t
    return Expectation(float(row["mean"]), noise.deviation * math.sqrt(t_over_normal / row["finished"]))


@dataclass(frozen=True)
class TrainingNoise:
    """The standard deviation of trainings of one config with fresh seeds, and its degrees of freedom."""

    deviation: float  # NaN if no trial was confirmed
    freedom: int


def training_noise(outcome: Outcome) -> TrainingNoise:
    """Return the noise of one training, as `confirmation_table` pools it over the confirmed trials."""
    table = outcome.confirmation
    freedom = int((table["finished"] - 1).clip(lower=0).sum())
    if not freedom or not table["finished"].iloc[0]:
        return TrainingNoise(math.nan, 0)
    row = table.iloc[0]
    half = float(row["high"] - row["low"]) / 2
    return TrainingNoise(half / t_quantile(freedom) * math.sqrt(row["finished"]), freedom)
