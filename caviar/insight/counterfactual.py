"""Was the search worth it? What a random search of the same size would have reached.

Random configs are tried on functions drawn from the posterior of the study's Gaussian process, which knows all of its
trials. Both sides count by what their winners would reach if they were trained again, so no side profits from luck. The
first wave, an even sample of the space, checks the process: where they disagree, nothing can be told.

`python -m tests.benchmarks.answers.counterfactual` measures how true the answers are, where the truth can be drawn.
"""

import math
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from caviar._checks import check_integer, check_seed
from caviar.errors import InputError
from caviar.insight.estimate import Estimate
from caviar.insight.expectation import told_search, training_noise, winner_expectation
from caviar.insight.formatting import as_html
from caviar.records.outcome import AnyStudy, Outcome, outcome_of
from caviar.records.ranking import estimates
from caviar.search.base import Search
from caviar.search.gaussian_process import GaussianProcess
from caviar.search.random_search import DRAWS, random_searches
from caviar.search.unique import deduplicate
from caviar.space.scales import Array

_TAIL = 0.05  # beyond either end of an interval; the benchmark finds 80% of the truth inside
_CONFIGS = 4096  # that a random search tries at most, if the study is not larger
_MOST_CONFIGS = 20_000
_OVERSAMPLING = 4  # random points for each config, since some are the same
_MOST_NOISE = 0.3  # of the variance of the values: beyond, the process knows too little of them
_SHARE_OF_WAVE = 0.25  # up to this share of the first wave, its order statistics are better than the process
_LEAST_WAVE = 16  # if it has so many trials
_LEAST_PROBABLE = 0.02  # for the best trial of the first wave, if the process is right


@dataclass(frozen=True)
class Counterfactual:
    """What random search would have reached, beside what a study has reached; intervals are of 80%."""

    metric: str
    trials: int  # of the random search
    waves: bool  # whether the study chose its trials in waves
    reached: Estimate  # by the study: what its winner would reach if it were trained again
    random: Estimate  # by random search
    gain: Estimate  # of the study over random search, > 0 if the study is better, in the unit of the metric
    equal_trials: Estimate  # how many random trials reach as much as the study; infinity: more than `most_trials`
    most_trials: int  # that were looked at
    doubt: str  # why nothing can be estimated, a sentence; "" if something can
    sizes: tuple[tuple[int, Estimate], ...] = field(repr=False)  # what random searches of other sizes reach

    def __str__(self) -> str:
        if self.doubt:
            return f"What random search would have reached cannot be estimated: {self.doubt}."
        verb = "gained" if self.gain.value >= 0 else "lost"
        gain = self.gain if self.gain.value >= 0 else -self.gain
        by = str(gain) if gain.low > 0 else f"{gain.value:.2g}, which may be chance"
        return (
            f"Random search of {self.trials:,} trials would have reached {self.metric} {self.random}; the "
            f"{'waves' if self.waves else 'study'} reached {self.reached} and {verb} {by}. Random "
            f"search needs {self._equal()} to reach as much."
        )

    def _equal(self) -> str:
        if math.isinf(self.equal_trials.value):
            return f"more than {_round(self.most_trials)} trials"
        count = _round(self.equal_trials.value)
        return f"about {count} trial{'s' * (count != '1')}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{as_html(self.table())}"

    def table(self) -> pd.DataFrame:
        """Return what random searches reach, a row for each size: trials, and the metric with low and high."""
        rows = [(trials, reached.value, reached.low, reached.high) for trials, reached in self.sizes]
        return pd.DataFrame(rows, columns=["trials", self.metric, "low", "high"])


def random_search(study: AnyStudy, trials: int | None = None, *, seed: int = 0) -> Counterfactual:
    """Return what a random search would have reached instead of a study, and how many random trials it is worth.

    It has the study's space, noise, early stopping and confirmation. What is known of the function comes from the
    study's own trials: a Gaussian process is fitted to them, and its posterior says what other configs may reach.

    Args:
        study: a study, its outcome or its folder, with at least 8 finished trials in complete waves.
        trials: of the random search, 1 to 20,000; if left out, as many as the study's, without those that confirm.
        seed: of the draws, >= 0.

    Raises:
        InputError: too few trials have finished, or too many are asked for.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=16, epochs=2, seed=0, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> found = random_search(study.outcome)
    >>> found.trials, found.random.low <= found.random.value <= found.random.high
    (16, True)
    """
    outcome = outcome_of(study)
    search, process = told_search(outcome)
    tried = sum(result.confirms is None for result in outcome.results)
    size = min(tried, _MOST_CONFIGS) if trials is None else check_integer("trials", trials)
    if size > _MOST_CONFIGS:
        raise InputError(f"trials must be an integer <= {_MOST_CONFIGS}, got {trials!r}")
    generator = np.random.default_rng(np.random.SeedSequence((check_seed(seed), 3)))
    points = _random_points(outcome, search, count := max(_CONFIGS, size), generator)
    confirm, detail = outcome.settings.confirm, _detail(outcome, process)
    measurements = 1 + (confirm.replicates if confirm else 0)
    searches = random_searches(process, points, generator, detail=detail, measurements=measurements)
    sign, winner = outcome.settings.objective.sign, winner_expectation(outcome, search, process)
    reached = sign * winner.mean + winner.deviation * generator.standard_normal(DRAWS)
    limit = _limit(process.values)
    searches, reached = np.maximum(searches, limit), np.maximum(reached, limit)
    most = searches.shape[1]
    first = _first_wave(outcome, search)
    random = _reached_after(min(size, most), searches, first, generator)
    equal = 1.0 + (searches > reached[:, None]).sum(axis=1)
    equal[equal > most] = most if most < count else math.inf  # one that has tried every config has found the winner
    sizes = sorted({min(size, most), most, *(2**k for k in range(most.bit_length()))})
    return Counterfactual(
        metric=outcome.settings.objective.metric,
        trials=size,
        waves=outcome.settings.search == "coarse-to-fine" and len(outcome.waves) > 1,
        reached=_in_its_unit(reached, sign),
        random=_in_its_unit(random, sign),
        gain=Estimate.of(random - reached, _TAIL),
        equal_trials=Estimate.of(equal, _TAIL),
        most_trials=most,
        doubt=_doubt(first, process, searches, random),
        sizes=tuple((n, _in_its_unit(_reached_after(n, searches, first, generator), sign)) for n in sizes),
    )


def _in_its_unit(draws: Array, sign: int) -> Estimate:
    """Return an estimate in the unit of the metric from values to minimise."""
    estimate = Estimate.of(draws, _TAIL)
    return estimate if sign == 1 else -estimate


def _random_points(outcome: Outcome, search: Search, count: int, generator: np.random.Generator) -> Array:
    """Return up to `count` random configs, all different, as points of the search's space; fewer if there are no more.

    They are of the space that the study began with, which the search may have extended.
    """
    space = outcome.settings.space
    points = deduplicate(space, generator.random((_OVERSAMPLING * count, space.dimension)), set())[:count]
    return points if search.space == space else search.space.snap(search.space.points(space.configs(points)))


def _detail(outcome: Outcome, process: GaussianProcess) -> float:
    """Return the variance of z by details of the function: what fresh seeds do not explain, if any were trained."""
    noise = (training_noise(outcome).deviation / process.scale) ** 2
    detail, all_noise = process.detail_variance, process.kernel.noise_variance
    return detail if math.isnan(noise) else min(max(all_noise - noise, 0.0), detail)


def _limit(values: Array) -> float:
    """Return the lowest value that is possible, as far as values to minimise show: 0, -1 (an accuracy), or none."""
    lowest, highest = np.nanmin(values), np.nanmax(values)
    return 0.0 if lowest >= 0 else -1.0 if lowest >= -1 and highest <= 0 else -math.inf


def _first_wave(outcome: Outcome, search: Search) -> Array:
    """Return the estimates of the first wave's trials, an even sample of the space, (n,), NaN if failed."""
    numbers = [n for wave in outcome.begun if wave.wave == 1 for n in wave.numbers[len(wave.configs) :]]
    known = estimates(search, outcome.search_log)
    return np.array([known.get(n, math.nan) for n in numbers])


def _reached_after(trials: int, searches: Array, first: Array, generator: np.random.Generator) -> Array:
    """Return what random searches have reached after a number of trials, shape (DRAWS,).

    For few trials these are order statistics of the first wave, which need no process; a sample tells no more about
    the best of many.
    """
    if trials > _SHARE_OF_WAVE * len(first) or len(first) < _LEAST_WAVE or not np.isfinite(first).any():
        return searches[:, trials - 1]
    values = np.where(np.isfinite(first), first, np.nanmax(first))
    reached: Array = values[generator.integers(len(values), size=(DRAWS, trials))].min(axis=1)
    return reached


def _doubt(first: Array, process: GaussianProcess, searches: Array, random: Array) -> str:
    """Return why the process does not describe the space, in a sentence; "" if nothing speaks against it."""
    if process.kernel.noise_variance > _MOST_NOISE:
        return "what the trials reached follows too little from their configs"
    if np.median(random) <= _limit(process.values) < np.nanmin(process.values):
        return "too little is known of the best values, which lie near a limit that no trial has reached"
    if not np.isfinite(first).any():
        return "no trial of the first wave has finished"
    better = float((searches[:, min(len(first), searches.shape[1]) - 1] <= np.nanmin(first)).mean())
    if min(better, 1 - better) < _LEAST_PROBABLE:
        return "its first wave, an even sample of the space, disagrees with what its later trials let expect of others"
    return ""


def _round(trials: float) -> str:
    """Return a number of trials with two significant digits."""
    return f"{int(float(f'{trials:.2g}')):,}"
