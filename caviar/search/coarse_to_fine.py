"""Coarse to fine: find the best cluster, and sample more densely in the square around it.

The first wave is a Sobol' sequence over the whole space. After each wave a Gaussian process smooths the finished
trials. Each point of the next wave has the highest expected improvement over the whole space (`acquisition`). No fence
keeps it near the good trials; but most points fall into the square, in which the process expects the best (`square`).
"""

import numpy as np

from caviar._threads import one_blas_thread
from caviar.search.acquisition import candidates, choose_wave
from caviar.search.base import Search
from caviar.search.curves import Curves
from caviar.search.samplers import sobol_points
from caviar.search.schedule import Budget
from caviar.search.square import Square, bounds_reached, zoom
from caviar.search.unique import deduplicate, fill_batch, keys
from caviar.space import Space
from caviar.space.scales import Array

_CANDIDATES = 2000
_CANDIDATES_PER_POINT = 4  # the minimum for each point of the wave
_CONTINUOUS_CANDIDATES = 500  # for a continuous search, which draws them for every point
_SMALLEST_START = 8  # a continuous search zooms after a quarter of the budget, but not before this many trials


class CoarseToFine(Search):
    """A search that samples each wave more densely around the best cluster so far.

    With `waves="continuous"` points are requested one at a time while others are running. The next point then
    depends on the order in which trials finish, so the result is only reproducible with one worker.

    Args:
        space, budget: as for `Search`.
        grow: extend a bound of the space by half of its range (on its scale) when the square reaches it after a wave.
            `search.space` is then the wider space, and points are in its coordinates. A continuous search never grows.

    >>> from caviar.space import cube
    >>> search = CoarseToFine(cube(2), Budget(trials=40, waves=4))
    >>> while not search.done:
    ...     points = search.ask()
    ...     search.tell(points, ((points - 0.3) ** 2).sum(axis=1))
    >>> bool(abs(search.recommend() - 0.3).max() < 0.05)
    True
    """

    def __init__(self, space: Space, budget: Budget, *, grow: bool = False) -> None:
        super().__init__(space, budget)
        self._grow = grow
        self._square: Square | None = None
        self._start_size = (
            min(max(_SMALLEST_START, self.trials // 4), self.trials) if self.continuous else self.waves[0]
        )

    @property
    @one_blas_thread()
    def square(self) -> Square | None:
        """The square of the next wave, or of the last one when done; None before the first wave has finished."""
        if self._square is None and not self._starting:
            self._square = zoom(self.space, self._fitted_surrogate())
        return self._square

    def tell(self, points: Array, values: Array, *, counted: bool = True, curves: Curves | None = None) -> None:
        """Add finished trials, as in `Search.tell`; completing a wave moves the square."""
        last = self.square if counted and self._counted + len(points) >= self.trials else None
        super().tell(points, values, counted=counted, curves=curves)
        self._square = last
        complete = not self.continuous and self._counted in np.cumsum(self.waves)
        if self._grow and complete and not self.done and self.square is not None:
            for name, upper in bounds_reached(self.square, self.space):
                self._extend(name, upper)

    @property
    def _starting(self) -> bool:
        """True while it is too early to zoom."""
        return len(self._points) < self._start_size or np.isfinite(self._values).sum() < 2

    def _next(self, count: int) -> Array:
        n = len(self._points)
        generator = np.random.default_rng(np.random.SeedSequence((self.seed, 1, n, len(self._pending))))
        seen = self._seen
        if self._starting:
            sequence = np.random.default_rng(np.random.SeedSequence((self.seed, 0)))
            first = n + len(self._pending)
            points = sobol_points(first + count, self.space.dimension, sequence)[first:]
        else:
            process = self._fitted_surrogate()
            number = _CONTINUOUS_CANDIDATES if self.continuous else max(_CANDIDATES, _CANDIDATES_PER_POINT * count)
            pool = deduplicate(self.space, candidates(self.space, process, number, generator), seen)
            points = choose_wave(self.space, process, self._pending, pool, count, generator)
        return fill_batch(self.space, points, count, seen, generator)

    def _extend(self, name: str, upper: bool) -> None:
        """Extend a bound of the space; trials keep their configs, and the square is drawn again."""
        configs = self.space.configs(self._points)
        self.space = self.space.widened(name, upper)
        self._points = self.space.snap(self.space.points(configs))
        self._told = {*keys(self._points)}
        self._surrogate = self._square = None
