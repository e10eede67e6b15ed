"""How long a run still takes, by the same model as the forecast, fed by what has trained so far instead.

The seconds of a trial follow from its config, those of later waves from the last ones; and a second of training takes
as much of the run's time as it did so far. Between waves passes as much time as it did so far, too.
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
_BETWEEN = 0.1  # seconds between two waves, before they were measured
_END = 0.2  # seconds for the winner of a network's study on the test part
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
        self._between: list[float] = []  # seconds from a wave to the next
        self._waves, self._latest = 0, 0.0  # how many had begun at the last report, and when that was
        self._span: Span | None = None
        self._at = self._next = 0.0  # when it was estimated, and will be again

    def report(self, trial: int, point: CurvePoint) -> None:
        """Take up a report of a trial, by its number."""
        now, waves = time.monotonic(), 1 if self._state.continuous else len(self._state.waves)
        if self._begun is None:
            self._begun = now - point.seconds
        elif waves > self._waves:
            self._between.append(max(0.0, now - point.seconds - self._latest))
        self._last[trial], self._waves, self._latest = point, waves, now

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
        expected = np.exp(regression.expected(features))
        expected[known] = np.exp(logs)
        left = work.left
        if not by_epoch:
            left = left * np.maximum(_LEAST_LEFT, 1 - work.seconds / expected)
            silent = len(state.running - self._last.keys())  # of what trains beside the last one, half is done
            trained += 0.5 * min(workers - 1, silent) * float(expected[known].mean())
        groups = _groups(state)
        means = np.array([(work.seconds + expected * left)[list(group)].mean() for group in groups])
        trials = total - len(left) + _trained_again(state) * again
        waves = math.ceil(trials * len(groups) / len(left))
        later = _later(means, float(np.log(expected).var()) * len(groups) / len(left), waves, generator)
        passed = (_BETWEEN + sum(self._between)) / (1 + len(self._between)) * waves * (not state.continuous)
        deviation = _PACE / math.sqrt(len(groups))
        pace = (elapsed - sum(self._between)) / trained * np.exp(deviation * generator.standard_normal(_DRAWS))
        train = np.flatnonzero(left)  # the trials that have not ended
        unit = np.exp(regression.draw(features[train], _DRAWS, generator))
        unit[:, known[train]] = expected[train[known[train]]]
        return Span.of((unit @ left[train] + trials * later) * pace + passed + _END * again)

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


def _trained_again(state: StudyState) -> int:
    """Return how many winners will be trained once more, for their weights, in a wave that has not begun."""
    confirm = state.settings.confirm
    return 0 if confirm is None or state.waves[-1].confirms else confirm.top


def _later(means: Array, variance: float, waves: int, generator: np.random.Generator) -> Array:
    """Return equally likely mean seconds of the trials in later waves, shape (draws,).

    Args:
        means: of the seconds of a trial in each wave so far.
        variance: of the log of such a mean, because trials differ.
        waves: how many there will be; 0 if there are no trials left.
        generator: of the draws.
    """
    ages = np.arange(len(means))[::-1]
    weights = _FADING**ages / (_FADING**ages).sum()
    chance = math.sqrt(_CHANCE**2 + variance)
    level = weights @ np.log(means) + chance * math.sqrt(weights @ weights) * generator.standard_normal((_DRAWS, 1))
    walk = np.cumsum(generator.normal(_GROWTH, _DRIFT, (_DRAWS, max(1, waves))), axis=1) + _GROWTH * (weights @ ages)
    logs = level + walk + chance * generator.standard_normal(walk.shape) - chance**2 / 2
    later: Array = np.exp(logs).mean(axis=1)
    return later
