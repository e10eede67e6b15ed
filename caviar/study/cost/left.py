"""How long a run still takes, by the same model as the forecast, fed by what has trained so far instead.

The stacks of the wave that trains are priced by their configs and the epochs behind them, and laid out on the trainers.
Later waves take as long as waves took so far; at the end, the best trials train again, in the stacks of their wave.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from caviar.fleet.messages import Stack
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable
from caviar.records.replay import StudyState
from caviar.records.span import Span
from caviar.records.trial import CurvePoint, Result, State, Trial
from caviar.space.scales import Array
from caviar.study.cost.features import stack_features, trial_features
from caviar.study.cost.regression import Features
from caviar.study.cost.stack_times import StackTimes
from caviar.study.cost.timetable import trains_the_winner_again
from caviar.study.cost.trained import Part, TrainedWave
from caviar.study.stacking import stack_trials

_DRAWS, _PLANS = 200, 8  # of what is left, as many of each plan of what trains
_AGAIN = 0.2  # seconds between two estimates, or 50 times as long as one takes
_FADING = 0.6  # of a wave's weight in the level of the next one, for each wave between
_GROWTH = 0.02  # of the log of a trial's seconds, from wave to wave
_DRIFT = 0.12  # its deviation, for good
_CHANCE = 0.25  # the deviation of a single wave's, beside that of the mean of its trials
_PACE = 0.1  # the deviation of the log of a run's seconds for each second of its trainers
_BEST = 0.25  # of the trials so far, among which those are that train again
_OTHERS, _SAME = 0.35, 0.1  # the deviation of the log of their seconds, if others may be found, and if not
_CHOICE, _CHOICE_WEIGHT = 0.0115, 4  # seconds in which the search chooses a config, as if measured for so many
_CHOICES = 0.2  # the deviation of their log
_END, _ENDS = 0.07, 0.5  # seconds for the winner on the test part, and the deviation of their log
_GROUP = 8  # trials that are taken for a wave where there is none
_LEAST_LEFT = 0.1  # of a trial that takes longer than expected


class TimeLeft:
    """The time that is left of a run, once something has trained.

    Args:
        state: of the study, kept up to date by others.
        trainable: what trains.
    """

    def __init__(self, state: StudyState, trainable: Trainable) -> None:
        self._state, self._trainable, self._settings = state, trainable, state.settings
        self._is_network = isinstance(trainable, NetworkTrainable)
        self._by_epoch = self._is_network or state.settings.early_stopping is not None
        self._before = state.results.keys() - state.running  # the trials that an earlier run has trained
        self._taken_up = 0  # how many of the state's waves are among these:
        self._waves: list[TrainedWave] = []
        self._configs: list[Mapping[str, Any]] = []  # by trial number
        self._features: list[Features] = []  # of the trials of a function, for each wave
        self._span: Span | None = None
        self._at = self._next = 0.0  # when it was estimated, and will be again

    def report(self, trial: int, point: CurvePoint, workers: int) -> None:
        """Take up a report of a trial, by its number, when there are so many trainers."""
        self._take_up(workers)
        self._waves[-1].report(trial, point, time.monotonic())

    def span(self, workers: int, total: int) -> Span | None:
        """Return the seconds that are left; None before the first report.

        Args:
            workers: how many trainers there are.
            total: how many trials the study will have.
        """
        now = time.monotonic()
        if self._waves and now >= self._next:
            self._take_up(workers)
            self._span, self._at = self._estimate(workers, total), now
            self._next = now + max(_AGAIN, 50 * (time.monotonic() - now))
        return self._span and Span(*(max(0.0, seconds - now + self._at) for seconds in self._span))

    def _take_up(self, workers: int) -> None:
        """Take up the waves that have begun since the last time."""
        state = self._state
        for wave in state.waves[self._taken_up :]:
            self._configs += wave.all_configs(self._settings.space)
            if not self._is_network:
                self._features.append(trial_features(wave.space or self._settings.space, wave.points))
            again = sorted(set(wave.confirms)) if self._is_network else []  # for their weights
            numbers = [*(number for number in wave.numbers if number not in self._before), *again]
            if not state.continuous or wave.confirms:
                self._waves.append(TrainedWave(self._stacks(numbers, workers), bool(wave.confirms)))
                continue
            if not self._waves:
                self._waves.append(TrainedWave([], confirms=False))
            self._waves[0].stacks += [stack for number in numbers for stack in self._stacks([number], workers)]
        self._taken_up = len(state.waves)

    def _stacks(self, numbers: Sequence[int], workers: int) -> list[Stack]:
        trials = [Trial(number, 1, self._configs[number], 0) for number in numbers]
        return stack_trials(trials, self._trainable, workers)

    def _features_of(self, parts: Sequence[Part]) -> Features:
        if isinstance(self._trainable, NetworkTrainable):
            return stack_features([(self._configs[part.trial], part.width) for part in parts], self._trainable)
        rows = np.array([part.trial for part in parts], dtype=int)
        offset = np.concatenate([features.offset for features in self._features])
        columns = np.concatenate([features.columns for features in self._features])
        return replace(self._features[0], offset=offset[rows], columns=columns[rows])

    def _estimate(self, workers: int, total: int) -> Span | None:
        measured = [found for wave in self._waves for found in wave.measured(self._state, self._by_epoch)]
        if not measured:
            return None
        times = StackTimes.fit(self._features_of, [part for part, _ in measured], [second for _, second in measured])
        generator = np.random.default_rng(len(self._configs))

        def draw(plan: Callable[[], list[list[Part]]]) -> Array:
            plans = (times.draw(plan(), workers, _DRAWS // _PLANS, generator) for _ in range(_PLANS))
            return np.concatenate(list(plans)) * self._pace(workers)

        def factor(deviation: float) -> Array:
            return np.exp(deviation * generator.standard_normal(_DRAWS))

        left = draw(lambda: self._left(times, workers, generator))
        later = max(0, total - len(self._configs) - self._to_confirm)
        again = draw(lambda: self._again(workers, generator))
        again *= factor(times.regression.noise + (_OTHERS if later else _SAME))
        walls = self._walls(float(np.median(left)), workers)
        groups = len(walls) / len(self._configs)
        search = later * _later(walls, times.variance * groups, math.ceil(later * groups), generator)
        choices = later * self._choice_seconds() * factor(_CHOICES)
        return Span.of(left * factor(_PACE) + search + choices + again + _END * self._is_network * factor(_ENDS))

    def _left(self, times: StackTimes, workers: int, generator: np.random.Generator) -> list[list[Part]]:
        """Return what the stacks that have begun have left."""
        running = self._waves[-1]
        stacks = running.left(self._state, self._by_epoch, generator)
        parts = [part for stack in stacks for part in stack]
        if self._by_epoch or not parts:
            return stacks
        seconds = np.array([running.seconds(part.trial) for part in parts])
        units = np.where(seconds > 0, np.maximum(_LEAST_LEFT, 1 - seconds / times.expected(parts)), 1.0)
        units[: workers - 1][seconds[: workers - 1] == 0] = 0.5  # of what trains beside the last one
        return [[part._replace(units=share)] for part, share in zip(parts, units.tolist(), strict=True)]

    @property
    def _to_confirm(self) -> int:
        """How many trials will confirm others, in a wave that has not begun."""
        confirm = self._settings.confirm
        return 0 if confirm is None or self._waves[-1].confirms else confirm.trials

    def _again(self, workers: int, generator: np.random.Generator) -> list[list[Part]]:
        """Return what trains again at the end: trials to confirm, or the winner whose network was not kept."""
        settings = self._settings
        confirm, units = settings.confirm, settings.epochs if self._by_epoch else 1
        if self._to_confirm and confirm is not None:
            chosen = self._some_of_the_best(confirm.top, generator)
            often = confirm.replicates + self._is_network
            stacks = self._stacks([number for number in chosen for _ in range(often)], workers)
            return [[Part(stack[0].number, len(stack), units)] for stack in stacks]
        if trains_the_winner_again(settings, self._trainable):
            return [[Part(number, 1, units)] for number in self._some_of_the_best(1, generator)]
        return []

    def _some_of_the_best(self, count: int, generator: np.random.Generator) -> list[int]:
        """Return trials that may be the best in the end."""

        def loss(result: Result) -> float:
            return self._settings.objective.to_minimise(result.metrics)

        results = [result for result in self._state.results.values() if result.confirms is None]
        finished = sorted((result for result in results if result.state is State.FINISHED), key=loss)
        best = [result.trial for result in finished[: max(count, math.ceil(_BEST * len(finished)))]]
        numbers: list[int] = generator.permutation(best or len(self._configs))[:count].tolist()
        return numbers

    def _pace(self, workers: int) -> float:
        """The run's seconds for each second of its trainers; with early stopping, they also wait for each other."""
        trained = [wave for wave in self._waves if wave.began is not None]
        busy = sum(wave.busy_seconds(workers) for wave in trained)
        if self._settings.early_stopping is not None or not busy:
            return 1.0
        return sum(wave.seconds_passed for wave in trained) / busy

    def _walls(self, left: float, workers: int) -> Array:
        """The seconds for each trial that each wave of the search takes, of which the last has some left."""
        searched = [wave for wave in self._waves if wave.began is not None and not wave.confirms] or self._waves[-1:]
        if self._state.continuous:
            seconds = [s for number in searched[0].trials if (s := searched[0].seconds(number))]
            groups = [seconds[i : i + _GROUP] for i in range(0, len(seconds), _GROUP)]
            return np.array([np.mean(group) for group in groups]) * self._pace(workers) / workers
        passed = [wave.seconds_passed + left * (wave is self._waves[-1]) for wave in searched]
        return np.array([seconds / len(wave.trials) for seconds, wave in zip(passed, searched, strict=True)])

    def _choice_seconds(self) -> float:
        """The seconds in which the search chooses a config while nothing trains."""
        gaps, choices = 0.0, 0
        for before, wave in zip(self._waves, self._waves[1:], strict=False):
            if wave.began is not None and not wave.confirms:
                gaps, choices = gaps + max(0.0, wave.began - before.latest), choices + len(wave.trials)
        expected = _CHOICE * (self._settings.search == "coarse-to-fine" and not self._state.continuous)
        return (expected * _CHOICE_WEIGHT + gaps) / (_CHOICE_WEIGHT + choices)


def _later(walls: Array, variance: float, waves: int, generator: np.random.Generator) -> Array:
    """Return equally likely means of what later waves take, shape (draws,).

    Args:
        walls: what each wave took so far.
        variance: of the log of one, because trials differ.
        waves: how many there will be; 0 if there are no trials left.
        generator: of the draws.
    """
    ages = np.arange(len(walls))[::-1]
    weights = _FADING**ages / (_FADING**ages).sum()
    chance = math.sqrt(_CHANCE**2 + variance)
    level = weights @ np.log(walls) + chance * math.sqrt(weights @ weights) * generator.standard_normal((_DRAWS, 1))
    walk = np.cumsum(generator.normal(_GROWTH, _DRIFT, (_DRAWS, max(1, waves))), axis=1) + _GROWTH * (weights @ ages)
    logs = level + walk + chance * generator.standard_normal(walk.shape) - chance**2 / 2
    later: Array = np.exp(logs).mean(axis=1)
    return later
