"""Searches that do not learn: random, Sobol' and grid points, the baselines that Caviar is compared with.

All points are drawn when the search is created, so the waves do not change them.
"""

import itertools
from abc import abstractmethod
from collections.abc import Iterable

import numpy as np

from caviar.search.base import Search
from caviar.search.schedule import Budget
from caviar.search.unique import deduplicate, fill_batch, keys
from caviar.space import Space
from caviar.space.scales import Array


def sobol_points(n: int, dimension: int, generator: np.random.Generator) -> Array:
    """Return the first n points of a scrambled Sobol' sequence, shape (n, d) (Owen 1998; scipy.stats.qmc).

    >>> sobol_points(4, 2, np.random.default_rng(0)).shape
    (4, 2)
    """
    if n == 0 or dimension == 0:
        return np.empty((n, dimension))
    from scipy.stats import qmc  # takes longer to import than all of Caviar

    exponent = int(np.ceil(np.log2(n)))  # the sequence is balanced at powers of two
    points: Array = qmc.Sobol(dimension, rng=generator).random_base2(exponent)
    return points[:n]


class _Sampled(Search):
    """A search that draws all of its points at the start."""

    def __init__(self, space: Space, budget: Budget) -> None:
        super().__init__(space, budget)
        generator = np.random.default_rng(np.random.SeedSequence((budget.seed, 0)))
        points = self._draw(budget.trials, generator)
        self._plan = fill_batch(space, points, budget.trials, set(), generator)
        self._plan_keys = keys(self._plan)

    def _next(self, count: int) -> Array:
        seen = self._seen
        remaining = self._plan[[key not in seen for key in self._plan_keys]]
        repeats = self._plan[len(self._plan) - max(0, count - len(remaining)) :]  # once the space is used up
        return np.concatenate([remaining, repeats])[:count]

    @abstractmethod
    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        """Return all points, shape (count or more, d)."""


class Random(_Sampled):
    """Independent uniform points.

    >>> from caviar.space import cube
    >>> Random(cube(2), Budget(trials=3)).ask().shape
    (3, 2)
    """

    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        return generator.random((count, self.space.dimension))


class Sobol(_Sampled):
    """A scrambled Sobol' sequence: more evenly spread than random points.

    >>> from caviar.space import cube
    >>> Sobol(cube(2), Budget(trials=4)).ask().shape
    (4, 2)
    """

    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        return sobol_points(count, self.space.dimension, generator)


class Grid(_Sampled):
    """The smallest near-even grid with at least `trials` points, in random order.

    >>> from caviar.space import cube
    >>> sorted(Grid(cube(1), Budget(trials=2)).ask().tolist())
    [[0.25], [0.75]]
    """

    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        limits = self.space.levels
        levels = np.ones(self.space.dimension, dtype=int)
        points = _grid_points(levels)
        while len(points) < count and (levels < limits).any():
            levels[np.argmin(np.where(levels < limits, levels, np.inf))] += 1
            if levels.prod() >= count:
                points = deduplicate(self.space, _grid_points(levels), set())
        return generator.permutation(points)


def _grid_points(levels: Iterable[int]) -> Array:
    """Return the middles of the cells of a Cartesian grid, shape (product of levels, d)."""
    return np.array(list(itertools.product(*[(np.arange(k) + 0.5) / k for k in levels])), dtype=float)
