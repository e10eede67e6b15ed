"""A study that has not begun: its first wave as planned, studies that may follow from it, and what they train."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable
from caviar.records.early_stopping import Halving
from caviar.records.replay import StudyState
from caviar.records.settings import Settings
from caviar.space.scales import Array
from caviar.study.cost.features import stack_features, trial_features
from caviar.study.cost.picks import imitate
from caviar.study.cost.regression import Features
from caviar.study.cost.timetable import Job, Timetable, timetable
from caviar.study.planner import Planner

_CANDIDATES = 1000  # random configs, for the picks of later waves
_GROWTH = 0.15  # of the search's own time: by this share of the first wave's for each wave more


@dataclass(frozen=True, eq=False)
class Launch:
    """What is known about a study before it begins.

    Args:
        settings: of the study.
        trainable: what trains.
        points: of the first wave and of random configs behind them, shape (n, d).
        first: how many trials the first wave has.
        sizes: of all waves of the search.
    """

    settings: Settings
    trainable: Trainable
    points: Array
    first: int
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, state: StudyState, trainable: Trainable) -> "Launch":
        """Return that of a study, with the first wave as its planner plans it, the user's own configs in front."""
        settings, search = state.settings, state.settings.new_search()
        if search.continuous:
            search.expect(search.space.snap(search.space.points(state.enqueued)))
            first = np.concatenate([search.space.points(state.enqueued), search.ask(max(1, search.trials // 4))])
            return cls._with(settings, trainable, first[: search.trials], (len(first), search.trials - len(first)))
        wave = Planner(state).next_wave(search.trials)
        assert wave is not None
        return cls._with(settings, trainable, wave.points, search.waves)

    @classmethod
    def _with(cls, settings: Settings, trainable: Trainable, first: Array, sizes: tuple[int, ...]) -> "Launch":
        random = np.random.default_rng(settings.budget.seed).random((_CANDIDATES, settings.space.dimension))
        points = np.concatenate([first, settings.space.snap(random)])
        return cls(settings, trainable, points, len(first), tuple(size for size in sizes if size))

    def with_halving(self) -> "Launch":
        """Return the same study with early stopping, which changes its waves."""
        settings = replace(self.settings, early_stopping=Halving())
        search = settings.new_search()
        return Launch._with(settings, self.trainable, search.ask(), search.waves)

    @cached_property
    def configs(self) -> Sequence[Mapping[str, Any]]:
        """The configs of the points."""
        return self.settings.space.configs(self.points)

    @property
    def trials(self) -> int:
        """How many trials the study will have, with those that confirm others."""
        confirm = self.settings.confirm
        return self.settings.budget.trials + (confirm.trials if confirm else 0)

    def features(self, jobs: Sequence[Job]) -> Features:
        """Return the features of the seconds that jobs take."""
        if isinstance(self.trainable, NetworkTrainable):
            stacks = [(self.configs[job.rows[0]], len(job.rows)) for job in jobs]
            features, epochs = stack_features(stacks, self.trainable), 1
        else:
            rows = [job.rows[0] for job in jobs]
            features, epochs = trial_features(self.settings.space, self.points[rows]), self.settings.epochs
        return replace(features, offset=features.offset + np.log([job.epochs / epochs for job in jobs]))

    @cached_property
    def alone(self) -> Features:
        """The features of each candidate's whole training, alone."""
        return self.features([Job((row,), self.settings.epochs) for row in range(len(self.points))])

    def studies(self, logs: Array, workers: int, count: int, generator: np.random.Generator) -> list[Timetable]:
        """Return equally likely timetables.

        Args:
            logs: of the seconds that each candidate is expected to cost, shape (n,).
            workers: how many trainers there are.
            count: how many timetables.
            generator: of what the search may find.
        """
        zooms = self.settings.search == "coarse-to-fine"
        picks = (imitate(self.points, logs, self.first, self.sizes, zooms, generator) for _ in range(count))
        return [timetable(p, self.configs, self.settings, self.trainable, workers) for p in picks]

    def search_seconds(self) -> float:
        """Return how long the search itself takes in all, from how long it takes to choose the second wave."""
        if self.settings.search != "coarse-to-fine" or len(self.sizes) < 2:
            return 0.0
        seconds = min(self._second_wave() for _ in range(2))  # the first time, something may have to be imported
        waves = len(self.sizes) - 1
        if self.settings.budget.waves == "continuous":
            return seconds * self.sizes[1]
        return seconds * waves * (1 + _GROWTH * (waves - 1) / 2)

    def _second_wave(self) -> float:
        """Return how long a search takes to choose its second wave, or without waves the next trial."""
        search = self.settings.new_search()
        points = self.points[: self.first] if search.continuous else search.ask()
        search.tell(points, ((points - 0.4) ** 2).sum(axis=1))
        begun = time.perf_counter()
        asked = search.ask(1 if search.continuous else None)
        if not search.continuous:
            search.forecast(asked)
        return time.perf_counter() - begun
