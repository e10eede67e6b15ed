"""How long a run still takes, by the same model as the forecast, fed by what has trained so far instead.

The seconds of a trial follow from its config, those of later waves from the last ones; and a second of training takes
as much of the run's time as it did so far, with everything around it.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable
from caviar.records.events import WaveBegan
from caviar.records.replay import StudyState
from caviar.records.settings import Settings
from caviar.records.span import Span
from caviar.records.trial import CurvePoint, State
from caviar.space.scales import Array
from caviar.study.cost.features import stack_features, trial_features
from caviar.study.cost.regression import Features, Regression

_DRAWS = 200
_AGAIN = 1.0  # seconds between two estimates, or 50 times as long as one takes
_FADING = 0.6  # of a wave's weight in the level of the next one, for each wave between
_GROWTH = 0.02  # of the log of a trial's seconds, from wave to wave
_DRIFT = 0.12  # its deviation, for good
_CHANCE = 0.25  # the deviation of a single wave's, beside that of the mean of its trials
_GROUP = 8  # trials that are taken for a wave where there is none
_LEAST_LEFT = 0.1  # of a trial that takes longer than expected
_PACE = 0.15  # the deviation of the log of a run's seconds for each second of training, in its first wave


class TimeLeft:
    """The time that is left of a run, once something has trained.

    Args:
        state: of the study, kept up to date by others.
        trainable: what trains.
    """

    def __init__(self, state: StudyState, trainable: Trainable) -> None:
        self._state, self._trainable = state, trainable
        self._before = set(state.results)  # the trials that an earlier run has trained
        self._last: dict[int, CurvePoint] = {}  # the last report of each trial of this run
        self._features: list[Features] = []  # of the trials of each wave
        self._begun: float | None = None
        self._span: Span | None = None
        self._at = self._next = 0.0  # when it was estimated, and will be again

    def report(self, trial: int, point: CurvePoint) -> None:
        """Take up a report of a trial, by its number."""
        if self._begun is None:
            self._begun = time.monotonic() - point.seconds
        self._last[trial] = point

    def span(self, workers: int, total: int) -> Span | None:
        """Return the seconds that are left; None before the first report.

        Args:
            workers: how many trainers there are.
            total: how many trials the study will have.
        """
        now = time.monotonic()
        is_half_over = self._span is not None and now - self._at > self._span.median / 2
        if self._begun is not None and self._state.waves and (now >= self._next or is_half_over):
            self._span, self._at = self._estimate(now - self._begun, workers, total), now
            self._next = now + max(_AGAIN, 50 * (time.monotonic() - now))
        return self._span and Span(*(max(0.0, seconds - now + self._at) for seconds in self._span))

    def _estimate(self, elapsed: float, workers: int, total: int) -> Span | None:
        state, generator = self._state, np.random.default_rng(len(self._last))
        again = isinstance(self._trainable, NetworkTrainable)  # the winners, for their weights
        by_epoch = again or state.settings.early_stopping is not None
        work, features = _Work.of(state, self._last, by_epoch, again), self._all_features()
        known = (work.done > 0) & (work.seconds > 0)
        trained = float(np.delete(work.seconds, list(self._before)).sum())
        if not (known.any() and trained):
            return None
        logs = np.log(work.seconds[known] / work.done[known])
        regression = Regression.fit(features[known], logs)
        unit, expected = np.exp(regression.draw(features, _DRAWS, generator)), np.exp(regression.expected(features))
        unit[:, known] = expected[known] = np.exp(logs)
        left = work.left
        if not by_epoch:
            left = left * np.maximum(_LEAST_LEFT, 1 - work.seconds / expected)
            silent = len(state.running - self._last.keys())  # of what trains beside the last one, half is done
            trained += 0.5 * min(workers - 1, silent) * float(expected[known].mean())
        groups = _groups(state)
        means = np.array([(work.seconds + expected * left)[list(group)].mean() for group in groups])
        later = _later(means, float(np.log(unit.mean(axis=0)).var()), state, total, again, generator)
        pace = _PACE / math.sqrt(len(groups)) * generator.standard_normal(_DRAWS)
        return Span.of((unit @ left + later) * elapsed / trained * np.exp(pace))

    def _all_features(self) -> Features:
        """The features of a unit of each trial that has begun, by number."""
        for wave in self._state.waves[len(self._features) :]:
            self._features.append(self._features_of(wave))
        first = self._features[0]
        offset = np.concatenate([features.offset for features in self._features])
        columns = np.concatenate([features.columns for features in self._features])
        return Features(offset, columns, first.mean, first.deviation, first.noise)

    def _features_of(self, wave: WaveBegan) -> Features:
        space = wave.space or self._state.settings.space
        if isinstance(self._trainable, NetworkTrainable):
            return stack_features([(config, 1) for config in space.configs(wave.points)], self._trainable)
        return trial_features(space, wave.points)


@dataclass(frozen=True, eq=False)
class _Work:
    """What n trials that have begun have done, in units: epochs, or whole trials of a function."""

    seconds: Array  # so far
    done: Array  # units
    left: Array  # that are expected

    @classmethod
    def of(cls, state: StudyState, last: Mapping[int, CurvePoint], by_epoch: bool, again: bool) -> "_Work":
        rows: list[tuple[float, float, float]] = []
        confirm = state.settings.confirm
        for number in range(state.waves[-1].numbers.stop):
            result, point = state.results.get(number), last.get(number)
            if result is not None and number not in state.running:
                rows.append((result.seconds, result.epochs if by_epoch else result.state is State.FINISHED, 0.0))
            elif by_epoch:
                epoch = point.epoch if point else 0
                left = _epochs_left(state.settings, epoch, whole=state.confirms(number) is not None)
                if again and confirm is not None and state.confirms(number) is not None:
                    left *= 1 + 1 / confirm.replicates
                rows.append((point.seconds if point else 0.0, epoch, left))
            else:
                rows.append((point.seconds if point else 0.0, 0.0, 1.0))
        seconds, done, left = np.array(rows, dtype=float).T
        return cls(seconds, done, left)


def _epochs_left(settings: Settings, epoch: int, whole: bool) -> float:
    """Return how many epochs a trial is expected to train after one, as one of many that early stopping may end."""
    if settings.early_stopping is None or whole:
        return settings.epochs - epoch
    left, share, done = 0.0, 1.0, epoch
    for rung in (*settings.early_stopping.rungs(settings.epochs), settings.epochs):
        if rung >= epoch:
            left += share * (rung - done)
            share, done = share / settings.early_stopping.factor, rung
    return left


def _groups(state: StudyState) -> list[range]:
    """Return the trials of each wave; without barriers, a few at a time."""
    end = state.waves[-1].numbers.stop
    if state.continuous:
        return [range(first, min(first + _GROUP, end)) for first in range(0, end, _GROUP)]
    return [wave.numbers for wave in state.waves]


def _later(
    means: Array, variance: float, state: StudyState, total: int, again: bool, generator: np.random.Generator
) -> Array:
    """Return equally likely seconds of all trials that have not begun, shape (draws,).

    Args:
        means: of the seconds of a trial in each wave so far.
        variance: of the logs of the seconds of trials.
        state: of the study.
        total: how many trials it will have.
        again: whether the winners are trained once more when they are confirmed.
        generator: of the draws.
    """
    begun, confirm = state.waves[-1].numbers.stop, state.settings.confirm
    trials = total - begun + (confirm.top if again and confirm and not state.waves[-1].confirms else 0)
    if trials <= 0:
        return np.zeros(_DRAWS)
    ages = np.arange(len(means))[::-1]
    weights = _FADING**ages / (_FADING**ages).sum()
    size = begun / len(means)
    waves = max(1, round(trials / size))
    chance = math.sqrt(_CHANCE**2 + variance / size)
    level = weights @ np.log(means) + chance * math.sqrt(weights @ weights) * generator.standard_normal((_DRAWS, 1))
    steps = np.cumsum(generator.normal(_GROWTH, _DRIFT, (_DRAWS, waves)), axis=1) + _GROWTH * (weights @ ages)
    logs = level + steps + chance * generator.standard_normal((_DRAWS, waves)) - chance**2 / 2
    later: Array = trials * np.exp(logs).mean(axis=1)
    return later
