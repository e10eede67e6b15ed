"""Coarse to fine: find the best cluster, zoom into the square around it, sample more densely there.

The first wave is a Sobol' sequence over the whole space. After each wave a Gaussian process smooths the
finished trials; the best ones that lie close together are the cluster; the square is drawn around its best
member and shrinks wave by wave. Candidates come from the square, from small steps around the best trials
and, as insurance, from the whole space; the process chooses the next wave among them.
"""

from collections.abc import Sequence

import numpy as np

from caviar.search.cluster import best_cluster
from caviar.search.gaussian_process import GaussianProcess
from caviar.search.levels import Levels
from caviar.search.sampling import random_points, share, sobol_points
from caviar.search.search import Search
from caviar.search.square import Square, lying_against
from caviar.search.waves import Waves
from caviar.space import Space
from caviar.space.scales import Array

HALF_SIDE, SHRINK = 0.5, 0.6  # the square's half side is .5 x .6^(wave + 1)
CANDIDATES = 900
WHOLE, LOCAL = 0.10, 0.35  # the shares of candidates from the whole space, and by small steps
STEPS = (0.03, 0.1, 0.3)  # of a length scale
BETA = 2.0  # the boldest confidence bound of a wave


class CoarseToFine(Search):
    """Wave after wave, denser and denser around what works.

    Arguments are those of `Search`. With `waves="continuous"` points may be asked one at a time while
    others are running; what comes then depends on the order in which trials finish, so it is reproducible
    for one worker only.

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
        self.first = max(8, trials // 4) if self.continuous else self.waves[0]

    def _next(self, count: int) -> Array:
        generator = np.random.default_rng(np.random.SeedSequence((self.seed, len(self._points), len(self._pending))))
        taken = np.concatenate([self._points, self._pending])
        levels = Levels(self.space)
        if self._opening:
            opening = np.random.default_rng(np.random.SeedSequence((self.seed, 0)))
            points = sobol_points(len(taken) + count, self.space.dimension, opening)[len(taken) :]
        else:
            points = self._picked(count, taken, generator)

        def draw(n: int) -> Array:
            return random_points(n, self.space.dimension, generator)

        return levels.filled(share(points, self.shared, self.group), count, taken, draw, generator)

    def tell(self, points: Array, values: Array, *, counted: bool = True) -> None:
        last = self.square if counted and self._counted + len(points) >= self.trials else None
        super().tell(points, values, counted=counted)
        self._square = last
        if self.space.grow and self.square is not None and not self.done:
            self._grow(lying_against(self.square, self.space))

    @property
    def square(self) -> Square | None:
        """The region of the next or last wave; None as long as there is nothing to zoom into."""
        if self._square is None and not self._opening:
            level = len(self._points) * 4 // self.trials if self.continuous else self.wave
            self._square = zoom(self.space, self._fitted(), self._points, self._values, max(level, 1))
        return self._square

    @property
    def _opening(self) -> bool:
        return len(self._points) < self.first or np.isfinite(self._values).sum() < 2

    def _grow(self, bounds: list[tuple[str, bool]]) -> None:
        """Move the bounds that the square lies against outward; trials keep their configs."""
        for name, upper in bounds:
            configs = self.space.configs(self._points)
            self.space = self.space.widened(name, upper)
            self._points = self.space.snap(self.space.points(configs))
            self._process = self._square = None

    def _picked(self, count: int, taken: Array, generator: np.random.Generator) -> Array:
        square = self.square
        assert square is not None
        found = candidates(self.space, self._fitted(), square, self._points, max(CANDIDATES, 4 * count), generator)
        found = Levels(self.space).fresh(found, taken)
        return ladder(self._fitted(), found, self._pending, count)


def zoom(space: Space, process: GaussianProcess, points: Array, values: Array, level: int) -> Square:
    """The square around the best cluster's best member.

    Args:
        points, values: all trials, shapes (n, d) and (n,).
        level: 1 for the first fine wave, then one more each.
    """
    finished = np.flatnonzero(np.isfinite(values))
    means = process.mean(points[finished])
    members = finished[best_cluster(points[finished], means, 1 / process.lengths, space.categorical)]
    centre = points[members[0]]
    half = HALF_SIDE * SHRINK ** (level + 1)
    low, high = np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
    low, high = np.where(space.categorical, 0.0, low), np.where(space.categorical, 1.0, high)
    weights = tuple(
        _weights(points[members, j], int(space.levels[j])) if space.categorical[j] else ()
        for j in range(space.dimension)
    )
    reason = (
        f"{len(members)} of {len(finished)} finished trials form the best cluster, "
        f"with a median value of {np.median(values[members]):.6g}"
    )
    return Square(tuple(low.tolist()), tuple(high.tolist()), tuple(centre.tolist()), weights, reason)


def _weights(coordinates: Array, levels: int) -> tuple[float, ...]:
    """The proportions of a choice's options in the cluster, one trial of each option added: never zero."""
    chosen = np.minimum((coordinates * levels).astype(int), levels - 1)
    counts = np.bincount(chosen, minlength=levels) + 1.0
    return tuple((counts / counts.sum()).tolist())


def candidates(
    space: Space,
    process: GaussianProcess,
    square: Square,
    points: Array,
    count: int,
    generator: np.random.Generator,
) -> Array:
    """Points to choose from, shape (count, d)."""
    d = space.dimension
    local = round(LOCAL * count)
    whole = round(WHOLE * count)
    elites = points[np.argsort(process.mean(points), kind="stable")[:10]]
    start = elites[generator.integers(len(elites), size=local)]
    sd = np.maximum(np.minimum(process.lengths, 1) * generator.choice(STEPS, (local, 1)), 0.5 / space.levels)
    changed = generator.random((local, d)) < 1 / 3
    changed[np.arange(local), generator.integers(d, size=local)] = True
    moved = np.clip(start + sd * generator.standard_normal((local, d)), 0, 1)
    moved = np.where(space.categorical, square.inside(generator.random((local, d))), moved)
    return np.concatenate(
        [
            np.where(changed, moved, start),
            square.inside(sobol_points(count - local - whole, d, generator)),
            generator.random((whole, d)),
        ]
    )


def ladder(process: GaussianProcess, found: Array, pending: Array, count: int) -> Array:
    """The best candidates by a ladder of confidence bounds, from what is safe to what is bold.

    The i-th pick minimises mean - beta_i sd, beta from 0 to 2; its variance is conditioned on before the
    next pick, so that a wave doesn't sit on one spot.

    Args:
        found: candidates, shape (m, d).
        pending: points that are being tried, shape (p, d).
    """
    everything = np.concatenate([pending, found])
    mean, basis = process.mean(everything), process.projected(everything)
    variance = process.signal - (basis**2).sum(axis=0)
    factors: list[Array] = []
    picks: list[int] = []
    betas = np.linspace(0, BETA, count) if count > 1 else np.array([1.0])
    for step in range(min(len(everything), len(pending) + count)):
        if step < len(pending):
            i = step
        else:
            bound = mean - betas[step - len(pending)] * np.sqrt(np.maximum(variance, 0))
            bound[: len(pending)] = np.inf
            bound[picks] = np.inf
            i = int(np.argmin(bound))
            picks.append(i)
        row = process.covariance(everything[i : i + 1], everything)[0] - basis[:, i] @ basis
        for factor in factors:
            row = row - factor[i] * factor
        factors.append(row / np.sqrt(max(variance[i], 0) + process.noise))
        variance = variance - factors[-1] ** 2
    return everything[picks]
