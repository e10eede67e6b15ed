"""The path of an ablation: from a baseline to a winner, each time the change that helps most of those that are left.

Fawcett and Hoos 2016, "Analysing differences between algorithm configurations through ablation", algorithm 1.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from caviar.records.trial import Config, State, Trial
from caviar.space.conditions import names_of
from caviar.space.scales import Array
from caviar.study.outside import train_outside
from caviar.study.planner import trial_seed
from caviar.study.study import Study

_WAVE = 0  # of the seeds: no wave of a study has this number


class Ablation:
    """Trains configs between a baseline and a winner.

    Attributes:
        names: the hyperparameters that differ; one under an option of a choice changes with that choice.
        seeds: how many measure each config of the path.
        trainings: how many there were so far.
    """

    def __init__(self, study: Study, start: Config, winner: Config, seeds: int) -> None:
        self.seeds, self.trainings = seeds, 0
        self._study, self._start = study, start
        self._winner = winner
        self._groups = {name: set(names_of({name: entry})) for name, entry in study.outcome.space.items()}
        self.names = [name for name in self._groups if self._part(name, start) != self._part(name, winner)]

    def config(self, changed: Sequence[str]) -> Config:
        """Return the baseline with some changes to the winner."""
        parts = (self._part(name, self._winner if name in changed else self._start) for name in self._groups)
        return {name: value for part in parts for name, value in part.items()}

    def _part(self, name: str, config: Config) -> dict[str, Any]:
        """Return what a hyperparameter brings along in a config: itself, and those under its option."""
        return {n: value for n, value in config.items() if n in self._groups[name]}

    def path(self) -> list[str]:
        """Return the names of the changes, each the one that helps most after those before it."""
        path: list[str] = []
        left = list(self.names)
        while len(left) > 1:
            values = self.measure([self.config([*path, name]) for name in left], fresh=False).mean(axis=1)
            path.append(left.pop(int(np.argmin(np.where(np.isnan(values), np.inf, values)))))
        return path + left

    def measure(self, configs: Sequence[Config], *, fresh: bool) -> Array:
        """Return the metric of each config with each seed, to be minimised, (n, seeds); NaN if it did not finish.

        `fresh` seeds measure the path, others have found it.
        """
        objective, seed = self._study.settings.objective, self._study.settings.budget.seed
        numbers = range(self.seeds) if fresh else range(self.seeds, self.seeds + max(1, self.seeds // 2))
        pairs = itertools.product(configs, numbers)
        trials = [Trial(i, _WAVE, config, trial_seed(seed, _WAVE, n)) for i, (config, n) in enumerate(pairs)]
        results = train_outside(self._study, trials)
        self.trainings += len(trials)
        ends = [results[trial.number] for trial in trials]
        values = [objective.to_minimise(r.metrics) if r.state is State.FINISHED else math.nan for r in ends]
        return np.array(values).reshape(len(configs), -1)
