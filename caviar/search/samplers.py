"""Searches that don't learn: random, Sobol' and grid points; what Caviar is compared with.

All points are drawn when the search is made, so the number of waves doesn't change them.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import qmc

from caviar.search.base import Search
from caviar.search.schedule import Waves
from caviar.search.unique import among, filled, fresh
from caviar.space import Space
from caviar.space.scales import Array


def random_points(n: int, dimension: int, generator: np.random.Generator) -> Array:
    """Independent uniform points of the unit cube, shape (n, d)."""
    return generator.random((n, dimension))


def sobol_points(n: int, dimension: int, generator: np.random.Generator) -> Array:
    """The first n points of a scrambled Sobol' sequence, shape (n, d) (Owen 1998; scipy.stats.qmc).

    >>> sobol_points(4, 2, np.random.default_rng(0)).shape
    (4, 2)
    """
    if n == 0 or dimension == 0:
        return np.empty((n, dimension))
    exponent = int(np.ceil(np.log2(n)))  # balanced only for whole powers of two
    points: Array = qmc.Sobol(dimension, rng=generator).random_base2(exponent)
    return points[:n]


def grid_points(levels: Iterable[int]) -> Array:
    """The middles of the cells of a Cartesian grid, shape (product of levels, d).

    >>> grid_points([2, 1])
    array([[0.25, 0.5 ],
           [0.75, 0.5 ]])
    """
    axes = np.meshgrid(*[(np.arange(k) + 0.5) / k for k in levels], indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def share(points: Array, shared: Sequence[int], group: int) -> Array:
    """The points with some coordinates drawn once for each group of consecutive points.

    Args:
        points: shape (n, d).
        shared: the coordinates that a group has in common: those of its first point.
        group: how many points make a group; 1 leaves all as it is.

    >>> share(np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), [1], group=2)
    array([[0.1, 0.2],
           [0.3, 0.2],
           [0.5, 0.6]])
    """
    points = points.copy()
    first = np.arange(len(points)) // group * group
    columns = list(shared)
    points[:, columns] = points[first][:, columns]
    return points


class Sampled(Search):
    """A search whose points are all drawn at the start."""

    def __init__(
        self,
        space: Space | int,
        trials: int,
        waves: Waves = 1,
        seed: int = 0,
        workers: int | None = None,
        shared: Sequence[int] = (),
        group: int = 1,
    ) -> None:
        super().__init__(space, trials, waves, seed, workers, shared, group)
        generator = np.random.default_rng(np.random.SeedSequence((seed, 0)))

        def draw(n: int) -> Array:
            return share(random_points(n, self.space.dimension, generator), self.shared, self.group)

        drawn = share(self._draw(trials, generator), self.shared, self.group)
        self._plan = filled(self.space, drawn, trials, self._points, draw, generator)

    def _next(self, count: int) -> Array:
        left = self._plan[~among(self._plan, np.concatenate([self._points, self._pending]))]
        again = self._plan[len(self._plan) - max(0, count - len(left)) :]  # of a space that is used up
        return np.concatenate([left, again])[:count]

    @abstractmethod
    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        """All points, shape (count or more, d)."""


class Random(Sampled):
    """Independent uniform points.

    >>> Random(2, trials=3).ask().shape
    (3, 2)
    """

    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        return random_points(count, self.space.dimension, generator)


class Sobol(Sampled):
    """A scrambled Sobol' sequence: as random, but evenly spread in every few dimensions."""

    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        return sobol_points(count, self.space.dimension, generator)


class Grid(Sampled):
    """The points of the smallest near-even grid that has enough of them, in random order."""

    def _draw(self, count: int, generator: np.random.Generator) -> Array:
        most = self.space.levels
        levels = np.ones(self.space.dimension, dtype=int)
        points = grid_points(levels) if len(levels) else np.empty((1, 0))
        while len(points) < count and (levels < most).any():
            levels[np.argmin(np.where(levels < most, levels, np.inf))] += 1
            if levels.prod() >= count:
                points = fresh(self.space, grid_points(levels), points[:0])
        return generator.permutation(points)
