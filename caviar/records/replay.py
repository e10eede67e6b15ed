"""From events to the state of a study: a pure fold, used both to run a study and to read one.

The state also logs what to tell the search, in order: which points are running, and which observations are complete. A
wave is told as a whole, in the order of its trials; without barriers between waves, each trial is told as it ends.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from caviar.errors import StorageError
from caviar.records.evaluation import Evaluation
from caviar.records.events import (
    DataPrepared,
    Enqueued,
    Event,
    StudyBegan,
    StudyPaused,
    TrialEnded,
    WarmStarted,
    WaveBegan,
    WinnerEvaluated,
)
from caviar.records.trial import Config, Result, State
from caviar.search import Search
from caviar.space.scales import Array


@dataclass(frozen=True, eq=False)
class Expected:
    """Points that are running, (n, d); a search without barriers needs them."""

    points: Array


@dataclass(frozen=True, eq=False)
class Observed:
    """Trials to tell a search together: points (n, d), values to minimise (n,), NaN if failed.

    `trials` holds their numbers, or None for each trial of a warm start, which does not count towards the budget.
    """

    points: Array
    values: Array
    trials: tuple[int | None, ...]

    @property
    def counted(self) -> bool:
        """Whether the trials count towards the budget."""
        return None not in self.trials


class StudyState:
    """The state that follows from the events of a study so far."""

    def __init__(self, began: StudyBegan) -> None:
        self.settings, self.versions = began.settings, began.versions
        self.notes: tuple[str, ...] = ()  # what was done with the columns of the table
        self.waves: list[WaveBegan] = []
        self.results: dict[int, Result] = {}  # by trial number, without curves
        self.open_wave: list[Result] = []  # of the running wave, with curves, if early stopping needs them
        self.running: set[int] = set()  # the trials that have begun and not ended
        self.enqueued: list[Config] = []  # not in a wave yet
        self.requested = 0  # how many trials have begun, without confirming ones
        self.pauses: list[str] = []  # the signatures of failures that paused earlier runs
        self.search_log: list[Expected | Observed] = []  # what to tell the search, in order
        self.best: Result | None = None  # the finished one with the best metric, lucky or not
        self.test: Evaluation | None = None  # of the winner, once the study has ended
        self.enqueued_count = self.warm_started_count = 0
        self.events = 1  # how many were applied
        self._worst = -math.inf  # loss of any finished trial

    @property
    def continuous(self) -> bool:
        """Whether there is no barrier between waves."""
        return self.settings.budget.waves == "continuous"

    def apply(self, event: Event) -> None:
        """Apply the next event; raise StorageError if it cannot follow."""
        self.events += 1
        match event:
            case TrialEnded(result):
                self._end_trial(result)
            case WaveBegan():
                self._begin_wave(event)
            case Enqueued(configs):
                self.enqueued += configs
                self.enqueued_count += len(configs)
            case WarmStarted(points, values):
                self.search_log.append(Observed(points, values, (None,) * len(points)))
                self.warm_started_count += len(points)
            case StudyPaused(signature, again):
                self.pauses.append(signature)
                self._train_again(set(again))
            case DataPrepared(notes):
                self.notes = notes
            case WinnerEvaluated(evaluation):
                self.test = evaluation
            case StudyBegan():
                raise StorageError(f"the journal of {self.settings.name!r} begins twice; restore it from a copy")

    @property
    def ended(self) -> int:
        """How many trials have ended, without those that will be trained again."""
        return len(self.results.keys() - self.running)

    def _wave_of(self, trial: int) -> WaveBegan:
        """The wave that a trial began with."""
        return next(wave for wave in reversed(self.waves) if wave.first <= trial)

    def point_of(self, trial: int) -> Array:
        """Return the point of a trial in the unit cube, (d,)."""
        wave = self._wave_of(trial)
        point: Array = wave.points[trial - wave.first]
        return point

    def confirms(self, trial: int) -> int | None:
        """Return the number of the trial that this one trains again; None for a trial of the search."""
        wave = self._wave_of(trial)
        return wave.confirms[trial - wave.first] if wave.confirms else None

    def _begin_wave(self, wave: WaveBegan) -> None:
        self.waves.append(wave)
        self.running.update(wave.numbers)
        if not self.continuous:
            self.open_wave = []
        if wave.confirms:
            return
        del self.enqueued[: len(wave.configs)]
        self.requested += len(wave.points)
        if self.continuous:
            self.search_log.append(Expected(wave.points))

    def _end_trial(self, result: Result) -> None:
        if result.trial not in self.running:
            raise StorageError(
                f"the journal of {self.settings.name!r} ends trial {result.trial!r}, which is not running; restore it "
                "from a copy"
            )
        self.results[result.trial] = replace(result, curve=(), output="")
        self.running.remove(result.trial)
        if self.settings.early_stopping is not None:
            self.open_wave.append(result)
        if result.state is State.FINISHED:
            self._worst = max(self._worst, self._loss(result))
            if self.best is None or self._loss(result) < self._loss(self.best):
                self.best = result
        if result.confirms is not None:
            return
        if self.continuous:
            self._observe(range(result.trial, result.trial + 1))
        elif not self.running:
            self._observe(self.waves[-1].numbers)

    def _train_again(self, trials: set[int]) -> None:
        """Let trials run again that have failed; until then, their results are what is known of them."""
        self.running |= trials
        self.open_wave = [result for result in self.open_wave if result.trial not in trials]
        self.search_log = [
            entry for entry in self.search_log if isinstance(entry, Expected) or trials.isdisjoint(entry.trials)
        ]

    def _observe(self, trials: range) -> None:
        """Log trials that have ended together."""
        wave = self._wave_of(trials.start)
        points = wave.points[trials.start - wave.first : trials.stop - wave.first]
        self.search_log.append(Observed(points, self._values([self.results[n] for n in trials]), tuple(trials)))

    def _values(self, results: list[Result]) -> Array:
        """Values to minimise, (n,), NaN if failed; a trial that was stopped early is no better than the worst survivor.

        That is the worst of its wave or, if no trial of its wave has finished, so far.
        """
        finished = (self._loss(result) for result in results if result.state is State.FINISHED)
        worst = max(finished, default=self._worst)

        def value(result: Result) -> float:
            if result.state is State.STOPPED:
                return max(self._loss(result), worst)
            return self._loss(result) if result.state is State.FINISHED else math.nan

        return np.array([value(result) for result in results], dtype=float)

    def _loss(self, result: Result) -> float:
        return self.settings.objective.to_minimise(result.metrics)


def replay(events: Iterable[Event]) -> StudyState:
    """Return the state that follows from the events of a study; raise StorageError if one cannot follow."""
    iterator = iter(events)
    began = next(iterator, None)
    if not isinstance(began, StudyBegan):
        raise StorageError("the journal does not begin with a study; restore it from a copy")
    state = StudyState(began)
    for event in iterator:
        state.apply(event)
    return state


def tell(search: Search, log: Iterable[Expected | Observed]) -> None:
    """Tell a search the entries of a log, in order."""
    for entry in log:
        if isinstance(entry, Expected):
            search.expect(entry.points)
        else:
            search.tell(entry.points, entry.values, counted=entry.counted)
