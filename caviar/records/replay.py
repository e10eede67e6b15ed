"""From events to the state of a study: a pure fold, used both to run a study and to read one.

The state also logs what to tell the search, in order: which points are running, and which observations are complete. A
wave is told as a whole, in the order of its trials; without barriers between waves, each trial is told as it ends.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from caviar.records.evaluation import Evaluation
from caviar.records.event_lines import damaged
from caviar.records.events import (
    DataPrepared,
    Enqueued,
    Event,
    ForecastMade,
    StudyBegan,
    StudyExtended,
    StudyPaused,
    TrialEnded,
    WarmStarted,
    WaveBegan,
    WinnerEvaluated,
)
from caviar.records.search_log import Expected, Observed
from caviar.records.trial import HAS_METRIC, Config, Result, State
from caviar.search.curves import Curves
from caviar.space import Space
from caviar.space.scales import Array


class StudyState:
    """The state that follows from the events of a study so far."""

    def __init__(self, began: StudyBegan) -> None:
        self.began = began
        self.settings, self.versions = began.settings, began.versions  # with what the study was extended by
        self.notes: tuple[str, ...] = ()  # what was done with the columns of the table
        self.waves: list[WaveBegan] = []
        self.results: dict[int, Result] = {}  # by trial number, without curves
        self.open_wave: list[Result] = []  # of the running wave, with curves, if early stopping needs them
        self.running: set[int] = set()  # the trials that have begun and not ended
        self.enqueued: list[Config] = []  # not in a wave yet
        self.requested = 0  # how many trials have begun, without confirming ones
        self.forecasts: dict[int, ForecastMade] = {}  # by the wave that had ended
        self.stopped = False  # whether a forecast ended the search before its last wave
        self.extended: tuple[int, ...] = ()  # by how many trials, each time
        self._first = 0  # the first trial since the study began or was last extended
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
        """Apply the next event; raise ValueError if it cannot follow."""
        match event:
            case TrialEnded(result):
                self._end_trial(result)
            case WaveBegan():
                self._begin_wave(event)
            case Enqueued(configs):
                self.enqueued += configs
                self.enqueued_count += len(configs)
            case WarmStarted(points, values):
                self._check_points(points, self.settings.space)
                if len(values) != len(points):
                    raise ValueError(f"it has {len(points)} points, but {len(values)} values")
                self.search_log.append(Observed(points, values, (None,) * len(points)))
                self.warm_started_count += len(points)
            case StudyPaused(signature, again):
                self.pauses.append(signature)
                self._train_again(set(again))
            case ForecastMade():
                self._check_forecast(event)
                self.forecasts[event.wave] = event
                self.stopped = bool(event.stop)
            case StudyExtended(waves):
                self._extend(waves)
            case DataPrepared(notes):
                self.notes = notes
            case WinnerEvaluated(evaluation):
                self._check_evaluation(evaluation)
                self.test = evaluation
            case StudyBegan():
                raise ValueError("the study begins twice")
        self.events += 1

    @property
    def searched(self) -> bool:
        """Whether the search is over: it has begun all its trials, or another wave was not worth it."""
        return self.stopped or self.requested >= self.settings.budget.trials

    @property
    def ended(self) -> int:
        """How many trials have ended, without those that will be trained again."""
        return len(self.results.keys() - self.running)

    @property
    def total(self) -> int:
        """How many trials the study has when it ends, as far as is known, with those that confirm others."""
        confirming = [len(wave.points) for wave in self.waves if wave.confirms]
        begun = sum(len(wave.points) for wave in self.waves) - sum(confirming)
        total = (begun if self.stopped else self.settings.budget.trials) + sum(confirming)
        confirm = self.settings.confirm
        if confirm is None or (self.waves and self.waves[-1].confirms):
            return total
        top = confirm.top
        if self.searched and not self.running:
            results = self.results.values()
            top = min(top, sum(result.state is State.FINISHED and result.confirms is None for result in results))
        return total + top * confirm.replicates

    @property
    def spared(self) -> range:
        """The trials that are not stopped early: the first of those that it began with, or was last extended by."""
        halving, asked = self.settings.early_stopping, (self.settings.budget.trials, *self.extended)[-1]
        return range(self._first, self._first + (halving.spared(asked) if halving is not None else 0))

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
        self._check_wave(wave)
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

    def _check_wave(self, wave: WaveBegan) -> None:
        """Raise ValueError for a wave that cannot be the next one of this study."""
        space, last = wave.space or self.settings.space, self.waves[-1] if self.waves else None
        self._check_points(wave.points, space)
        if wave.first != (last.numbers.stop if last else 0) or wave.wave < (last.wave if last else 1):
            raise ValueError(f"wave {wave.wave} begins with trial {wave.first}")
        if len(wave.configs) > len(wave.points):
            raise ValueError(f"it has {len(wave.points)} points, but {len(wave.configs)} configs")
        if wave.square is not None and [len(weights) for weights in wave.square.weights] != _options(space):
            raise ValueError("its square is of another space")
        if wave.confirms and (len(wave.confirms) != len(wave.points) or not self.results.keys() >= {*wave.confirms}):
            raise ValueError(f"it confirms the trials {list(wave.confirms)}, but not all of them have ended")

    def _check_forecast(self, forecast: ForecastMade) -> None:
        if self.running or not self.waves or forecast.wave != self.waves[-1].wave or self.waves[-1].confirms:
            raise ValueError(f"it is about what follows wave {forecast.wave}, which is not the one that has ended")

    def _extend(self, waves: tuple[int, ...]) -> None:
        """Go on with more waves; those before stay as they were."""
        if self.continuous or self.running or not self.searched or not waves or min(waves) < 1:
            raise ValueError(f"it extends a study that has not ended by the waves {list(waves)}")
        sizes = (*(len(wave.points) for wave in self.waves if not wave.confirms), *waves)
        budget = replace(self.settings.budget, trials=sum(sizes), waves=sizes)
        self.settings, self.stopped = replace(self.settings, budget=budget), False
        self.extended += (sum(waves),)
        self._first = self.waves[-1].numbers.stop

    def _check_points(self, points: Array, space: Space) -> None:
        if not (len(points) and points.shape[1] == space.dimension and np.all((points >= 0) & (points <= 1))):
            raise ValueError(f"its points must lie in the unit cube, shape (n, {space.dimension}), got {points.shape}")

    def _check_evaluation(self, test: Evaluation) -> None:
        if test.trial not in self.results or not {test.metric} <= test.metrics.keys() <= test.baseline.keys():
            raise ValueError(f"it evaluates trial {test.trial}, which has not ended, or has no {test.metric!r}")

    def _end_trial(self, result: Result) -> None:
        if result.trial not in self.running:
            raise ValueError(f"it ends trial {result.trial}, which is not running")
        wave, metric = self._wave_of(result.trial), self.settings.objective.metric
        if (result.wave, result.confirms) != (wave.wave, self.confirms(result.trial)):
            raise ValueError(f"trial {result.trial} does not belong to wave {result.wave}")
        if result.state is State.PAUSED or (result.state in HAS_METRIC and metric not in result.metrics):
            raise ValueError(f"trial {result.trial} {result.state.words}, but has no {metric!r}")
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
        values = self._values([self.results[n] for n in trials])
        self.search_log.append(Observed(points, values, tuple(trials), self._curves(trials)))

    def _curves(self, trials: range) -> Curves | None:
        """The curves of trials at the epochs from which ends are predicted; None if they are not."""
        halving, results = self.settings.early_stopping, {result.trial: result for result in self.open_wave}
        if halving is None or not halving.predicted:
            return None
        epochs, objective = halving.compared(self.settings.epochs), self.settings.objective
        values = [objective.along(results[number].curve, epochs) for number in trials]
        stopped = [results[number].state is State.STOPPED for number in trials]
        return Curves(np.array(values, dtype=float).reshape(len(trials), len(epochs)), np.array(stopped))

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


def replay(events: Iterable[Event], source: object = "the journal") -> StudyState:
    """Return the state that follows from events, the lines of `source`; raise StorageError if one cannot follow."""
    iterator = iter(events)
    began = next(iterator, None)
    if not isinstance(began, StudyBegan):
        raise damaged(1, source, "it does not begin with a study")
    state = StudyState(began)
    for event in iterator:
        try:
            state.apply(event)
        except ValueError as error:
            raise damaged(state.events + 1, source, error) from None
    return state


def _options(space: Space) -> list[int]:
    """How many options each coordinate of a space has; 0 for numbers."""
    return [int(n) if choice else 0 for n, choice in zip(space.levels, space.categorical, strict=True)]
