"""Optuna's samplers with Caviar's ask and tell, so that one loop can race them all.

They propose a whole wave before they see its values; sequential TPE proposes waves of one.
"""

import logging
import warnings
from collections.abc import Callable

import numpy as np
import optuna

from caviar.space import Choice, Integer, Space
from caviar.space.scales import Array

optuna.logging.set_verbosity(logging.ERROR)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


class Optuna:
    """An Optuna study with integers and choices as such, and real numbers in unit coordinates."""

    def __init__(self, space: Space, sampler: optuna.samplers.BaseSampler) -> None:
        self.space = space
        self.study = optuna.create_study(sampler=sampler)
        self.distributions: dict[str, optuna.distributions.BaseDistribution] = {}
        for j, dimension in enumerate(space.dimensions):
            hyperparameter = dimension.hyperparameter
            if isinstance(hyperparameter, Choice):
                options = list(range(len(hyperparameter.options)))
                self.distributions[f"x{j}"] = optuna.distributions.CategoricalDistribution(options)
            elif isinstance(hyperparameter, Integer):
                low, high, log = hyperparameter.low, hyperparameter.high, hyperparameter.kind == "lograndint"
                self.distributions[f"x{j}"] = optuna.distributions.IntDistribution(low, high, log=log)
            else:
                self.distributions[f"x{j}"] = optuna.distributions.FloatDistribution(0.0, 1.0)

    def ask(self, n: int) -> Array:
        self._trials = [self.study.ask(self.distributions) for _ in range(n)]
        return np.array([self._point(trial.params) for trial in self._trials])

    def tell(self, points: Array, values: Array) -> None:
        for trial, value in zip(self._trials, values, strict=True):
            if np.isnan(value):
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                self.study.tell(trial, float(value))

    def recommend(self) -> Array:
        return self._point(self.study.best_trial.params)

    def _point(self, params: dict[str, float]) -> Array:
        point = np.empty(self.space.dimension)
        for j, dimension in enumerate(self.space.dimensions):
            hyperparameter, value = dimension.hyperparameter, params[f"x{j}"]
            if isinstance(hyperparameter, Choice):
                point[j] = (value + 0.5) / len(hyperparameter.options)
            else:
                point[j] = hyperparameter.units([value])[0] if isinstance(hyperparameter, Integer) else value
        return point


SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "TPE": lambda seed: optuna.samplers.TPESampler(seed=seed),  # multivariate with a constant liar, Optuna 5's default
    "CMA-ES": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "Optuna GP": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "TPE sequential": lambda seed: optuna.samplers.TPESampler(seed=seed),
}
