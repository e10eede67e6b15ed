"""Rivals that need packages of their own (requirements/search_rivals.txt), with Caviar's ask and tell.

Each has its documented defaults and one thread. BoTorch and TuRBO start with the Sobol' points that Caviar starts with,
see integers and choices as numbers in the unit cube that are rounded when they are tried, and leave out diverged
trials.
"""

import logging
import tempfile
import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np

from caviar.search.samplers import sobol_points
from caviar.space import Choice, Space
from caviar.space.scales import Array


class Rival(Protocol):
    """What all rivals have in common."""

    def ask(self, n: int) -> Array: ...
    def tell(self, points: Array, values: Array) -> None: ...
    def recommend(self) -> Array: ...


class _Torch:
    """What BoTorch and TuRBO share: the finished trials, the first wave, and the winner by posterior mean."""

    def __init__(self, space: Space, seed: int, trials: int) -> None:
        import torch

        warnings.filterwarnings("ignore", module="botorch|gpytorch|linear_operator")
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.space, self.seed = space, seed
        self.points, self.values = np.empty((0, space.dimension)), np.empty(0)

    def ask(self, n: int) -> Array:
        if len(self.points) < 2:
            sequence = np.random.default_rng(np.random.SeedSequence((self.seed, 0)))
            return self.space.snap(sobol_points(n, self.space.dimension, sequence))
        return self.space.snap(np.clip(self._propose(n), 0, 1))

    def tell(self, points: Array, values: Array) -> None:
        finished = np.isfinite(values)
        self.points = np.concatenate([self.points, points[finished]])
        self.values = np.concatenate([self.values, values[finished]])

    def recommend(self) -> Array:
        """Return the finished point with the lowest posterior mean."""
        import torch

        if len(self.points) < 2:
            return np.array(self.points[np.argmin(self.values)])
        model = self._fit(*self._data())
        with torch.no_grad():
            mean = model.posterior(torch.as_tensor(self.points)).mean
        return np.array(self.points[int(mean.argmax())])

    def _data(self):
        import torch

        return torch.as_tensor(self.points), -torch.as_tensor(self.values)[:, None]

    def _fit(self, x, y):
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from gpytorch.mlls import ExactMarginalLogLikelihood

        model = SingleTaskGP(x, y)  # which standardises y
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        return model

    def _propose(self, n: int) -> Array:
        raise NotImplementedError


class BoTorch(_Torch):
    """qLogNEI: SingleTaskGP, points of a wave one after the other, four restarts from 512 raw samples."""

    def _propose(self, n: int) -> Array:
        import torch
        from botorch.acquisition import qLogNoisyExpectedImprovement
        from botorch.optim import optimize_acqf

        x, y = self._data()
        improvement = qLogNoisyExpectedImprovement(self._fit(x, y), X_baseline=x)
        bounds = torch.stack([torch.zeros(x.shape[1]), torch.ones(x.shape[1])]).double()
        points, _ = optimize_acqf(improvement, bounds, q=n, num_restarts=4, raw_samples=512, sequential=True)
        return points.numpy()


class TuRBO(_Torch):
    """TuRBO-1 as in BoTorch's tutorial: Thompson samples in a trust region that grows and shrinks."""

    length, successes, failures, best = 0.8, 0, 0, np.inf

    def tell(self, points: Array, values: Array) -> None:
        super().tell(points, values)
        if not len(self.values):
            return
        improved = self.values.min() < self.best - 1e-3 * abs(self.best) if np.isfinite(self.best) else True
        self.successes, self.failures = (self.successes + 1, 0) if improved else (0, self.failures + 1)
        tolerance = int(np.ceil(max(4.0 / len(points), self.space.dimension / len(points))))
        if self.successes == 10:
            self.length, self.successes = min(2 * self.length, 1.6), 0
        elif self.failures == tolerance:
            self.length, self.failures = self.length / 2, 0
        self.best = min(self.best, self.values.min())
        if self.length < 0.5**7:
            self.length = 0.8  # the tutorial ends here

    def _propose(self, n: int) -> Array:
        import torch
        from botorch.generation import MaxPosteriorSampling

        x, y = self._data()
        d = x.shape[1]
        model = self._fit(x, y)
        centre = self.points[np.argmin(self.values)]
        kernel = getattr(model.covar_module, "base_kernel", model.covar_module)
        weights = kernel.lengthscale.squeeze().detach().numpy().reshape(-1)
        weights = weights / weights.mean()
        weights = weights / np.prod(weights ** (1.0 / d))
        low, high = (np.clip(centre + sign * weights * self.length / 2, 0, 1) for sign in (-1, 1))
        count = min(5000, max(2000, 200 * d))
        generator = np.random.default_rng((self.seed, len(self.points)))
        pert = low + (high - low) * sobol_points(count, d, generator)
        mask = generator.random((count, d)) <= min(20.0 / d, 1.0)
        mask[np.flatnonzero(~mask.any(axis=1)), generator.integers(d)] = True
        with torch.no_grad():
            chosen = MaxPosteriorSampling(model=model, replacement=False)(
                torch.as_tensor(np.where(mask, pert, centre)), num_samples=n
            )
        return chosen.numpy()


class SMAC:
    """SMAC3's facade for hyperparameter optimisation: a random forest; a wave is asked for before it is told.

    It takes the finished point with the lowest value.
    """

    def __init__(self, space: Space, seed: int, trials: int) -> None:
        import ConfigSpace
        from smac import HyperparameterOptimizationFacade, Scenario

        logging.disable(logging.WARNING)
        self.space = space
        names = [f"x{j:03}" for j in range(space.dimension)]
        configs = ConfigSpace.ConfigurationSpace(seed=seed % 2**31)
        for name, dimension in zip(names, space.dimensions, strict=True):
            if isinstance(dimension.hyperparameter, Choice):
                options = list(range(len(dimension.hyperparameter.options)))
                configs.add(ConfigSpace.CategoricalHyperparameter(name, options))
            else:
                configs.add(ConfigSpace.UniformFloatHyperparameter(name, 0.0, 1.0))
        folder = tempfile.mkdtemp()
        scenario = Scenario(configs, deterministic=True, n_trials=trials, seed=seed % 2**31, output_directory=folder)
        self.facade = HyperparameterOptimizationFacade(scenario, lambda config, seed: 0.0, logging_level=50)
        self.names = names
        self._asked: list = []
        self.points, self.values = np.empty((0, space.dimension)), np.empty(0)

    def ask(self, n: int) -> Array:
        self._asked = [self.facade.ask() for _ in range(n)]
        return self.space.snap(np.array([self._point(info.config) for info in self._asked]))

    def tell(self, points: Array, values: Array) -> None:
        from smac.runhistory import StatusType, TrialValue

        for info, value in zip(self._asked, values, strict=True):
            crashed = bool(np.isnan(value))
            status = StatusType.CRASHED if crashed else StatusType.SUCCESS
            self.facade.tell(info, TrialValue(cost=1e100 if crashed else float(value), status=status))
        self.points = np.concatenate([self.points, points])
        self.values = np.concatenate([self.values, values])

    def recommend(self) -> Array:
        return np.array(self.points[np.nanargmin(self.values)])

    def _point(self, config) -> Array:
        values = np.array([config[name] for name in self.names], dtype=float)
        return np.where(self.space.categorical, (values + 0.5) / self.space.levels, values)


RIVALS: dict[str, Callable[[Space, int, int], Rival]] = {
    "BoTorch qLogNEI": BoTorch,
    "TuRBO-1": TuRBO,
    "SMAC3": SMAC,
}
