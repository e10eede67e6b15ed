"""Coarse to fine: find the best cluster, zoom into the square around it, sample more densely there.

The first wave is a Sobol' sequence over the whole space. After each wave a Gaussian process smooths the
finished trials; the best ones that lie close together are the cluster; the square is drawn around its best
member and shrinks wave by wave (`zoom`). Candidates come from the square, from small steps around the best
trials and, as insurance, from the whole space; the process chooses the next wave among them (`picks`).
"""

from collections.abc import Sequence

import numpy as np

from caviar._threads import one_blas_thread
from caviar.search.acquisition import boldness, candidates, grouped_ladder, ladder
from caviar.search.base import Search
from caviar.search.samplers import random_points, share, sobol_points
from caviar.search.schedule import Waves
from caviar.search.square import Square, lying_against
from caviar.search.unique import filled, fresh
from caviar.search.zoom import zoom
from caviar.space import Space
from caviar.space.scales import Array

CANDIDATES_A_TRIAL = 20  # told: the more the process knows, the more candidates it can tell apart,
CANDIDATES = (1000, 4000)  # but at least and at most so many, and four a point of a wave;
CONTINUOUS_CANDIDATES = 400  # where every point is a wave


class CoarseToFine(Search):
    """Wave after wave, denser and denser around what works.

    Arguments are those of `Search`. With `waves="continuous"` points may be asked one at a time while
    others are running; what comes then depends on the order in which trials finish, so it is reproducible
    for one worker only. With `space.grow` the space is widened after a wave (never in the continuous form)
    where the square lies against a bound: `space` is then a new one, and points are in its coordinates.

    >>> search = CoarseToFine(2, trials=40, waves=4, seed=0)
    >>> while not search.done:
    ...     points = search.ask()
    ...     search.tell(points, ((points - 0.3) ** 2).sum(axis=1))
    >>> bool(abs(search.recommend() - 0.3).max() < 0.05)
    True
    """

    def __init__(
        self,
        space: Space | int,
        *,
        trials: int,
        waves: Waves = "auto",
        seed: int = 0,
        workers: int | None = None,
        shared: Sequence[int] = (),
        group: int = 1,
    ) -> None:
        super().__init__(space, trials, waves, seed, workers, shared, group)
        self._square: Square | None = None
        self._first = min(max(8, trials // 4), trials) if self.continuous else self.waves[0]

    @property
    @one_blas_thread()
    def square(self) -> Square | None:
        """The region of the next or last wave; None before the first wave is told."""
        if self._square is None and not self._opening:
            level = 4 * len(self._points) // self.trials if self.continuous else self.wave
            self._square = zoom(self.space, self._fitted(), max(level, 1))
        return self._square

    def tell(self, points: Array, values: Array, *, counted: bool = True) -> None:
        """Take in finished trials, as `Search.tell`; a complete wave moves the square."""
        last = self.square if counted and self._counted + len(points) >= self.trials else None
        super().tell(points, values, counted=counted)
        self._square = last
        complete = not self.continuous and self._counted in np.cumsum(self.waves)
        if self.space.grow and complete and not self.done and self.square is not None:
            self._grow(lying_against(self.square, self.space))

    @property
    def _opening(self) -> bool:
        """Whether there is nothing yet to zoom into."""
        return len(self._points) < self._first or np.isfinite(self._values).sum() < 2

    def _next(self, count: int) -> Array:
        told, running = len(self._points), len(self._pending)
        generator = np.random.default_rng(np.random.SeedSequence((self.seed, 1, told, running)))
        taken = np.concatenate([self._points, self._pending])
        square = self.square
        if square is None:
            sequence = np.random.default_rng(np.random.SeedSequence((self.seed, 0)))
            opening = sobol_points(len(taken) + count, self.space.dimension, sequence)[len(taken) :]
            points = share(opening, self.shared, self.group)
        else:
            process, betas = self._fitted(), boldness(count)
            number = CONTINUOUS_CANDIDATES if self.continuous else int(np.clip(CANDIDATES_A_TRIAL * told, *CANDIDATES))
            number = max(number, 4 * count)
            found = candidates(self.space, process, square, number, generator)
            found = generator.permutation(fresh(self.space, found, taken))
            process = process.believing(self._pending)
            if self.shared and self.group > 1:
                points = grouped_ladder(self.space, process, found, taken, betas, self.shared, self.group)
            else:
                points = ladder(process, found, betas)

        def draw(n: int) -> Array:
            return share(random_points(n, self.space.dimension, generator), self.shared, self.group)

        return filled(self.space, points, count, taken, draw, generator)

    def _grow(self, bounds: list[tuple[str, bool]]) -> None:
        """Move bounds outward; trials keep their configs, and the square is drawn anew."""
        for name, upper in bounds:
            configs = self.space.configs(self._points)
            self.space = self.space.widened(name, upper)
            self._points = self.space.snap(self.space.points(configs))
            self._process = self._square = None
