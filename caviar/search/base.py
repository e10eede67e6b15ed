"""What every search has in common: ask for a wave of points, tell their values, wave after wave.

A search is pure: what it asks next follows from its seed and from what it was told, nothing else. So a
study that is resumed tells a fresh search its earlier waves and gets the next one exactly as it would have
been. How the next points are chosen is the subject of `sampling` and `coarse_to_fine`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from caviar._threads import one_blas_thread
from caviar.errors import InputError
from caviar.search.gaussian_process import KEPT, GaussianProcess
from caviar.search.schedule import Waves, wave_sizes
from caviar.search.square import Square
from caviar.search.unique import among
from caviar.space import Space, cube
from caviar.space.scales import Array

LARGEST = 1e100  # values beyond are taken for this, so that squares stay finite
CONTINUOUS_KEPT = 400  # trials that predictions look at where every trial is a wave,
RELEARNED = 8  # and length scales are learned again whenever there is an eighth more of them


class Search(ABC):
    """Ask and tell.

    Args:
        space: a `Space`, or a whole number of dimensions for the plain unit cube.
        trials: how many trials there are in all, 1 or more.
        waves: their number (equal waves), their sizes, "auto", or "continuous" (points one by one).
        seed: 0 or more; the same seed and the same values told give the same points.
        workers: how many trials run at the same time; only "auto" looks at it.
        shared: coordinates that are drawn once for each `group` of consecutive points (network shapes).
        group: how many points share them.

    Raises:
        InputError: 0 trials, more waves than trials, or sizes that don't sum to `trials`.
    """

    def __init__(
        self,
        space: Space | int,
        trials: int,
        waves: Waves = "auto",
        seed: int = 0,
        workers: int | None = None,
        shared: Sequence[int] = (),
        group: int = 1,
    ) -> None:
        self.space = cube(space) if isinstance(space, int) else space
        self.waves = wave_sizes(trials, waves, self.space.dimension, workers)
        self.continuous = waves == "continuous"
        self.trials, self.seed = trials, seed
        self.shared, self.group = tuple(shared), group
        self._points = np.empty((0, self.space.dimension))
        self._values = np.empty(0)
        self._pending = np.empty((0, self.space.dimension))
        self._process: GaussianProcess | None = None
        self._learned: tuple[int, GaussianProcess] | None = None  # in the continuous form
        self._counted = 0
        if seed < 0:
            raise InputError(f"seed={seed}: a seed is 0 or more")
        if group < 1 or any(not 0 <= j < self.space.dimension for j in self.shared):
            raise InputError(f"{shared=}, {group=}: name coordinates below {self.space.dimension}, a group >= 1")

    @property
    def done(self) -> bool:
        """Whether all trials were told."""
        return self._counted >= self.trials

    @property
    def wave(self) -> int:
        """The index of the next wave, from 0; the number of waves when done."""
        return int(np.searchsorted(np.cumsum(self.waves), self._counted, side="right"))

    @property
    def square(self) -> Square | None:
        """The region of the next or last wave; None for a search that doesn't zoom."""
        return None

    @one_blas_thread()
    def ask(self, n: int | None = None) -> Array:
        """The next points to try.

        Asked again before anything was told, it answers with the same points; only in the continuous form
        it remembers what it has asked and goes on.

        Args:
            n: how many; if left out, the rest of the wave (one point in the continuous form).

        Returns:
            Snapped points of the unit cube, shape (n, d); no config twice while fresh ones are left.
        """
        if self.done:
            raise InputError(f"all {self.trials} trials were told; start another search for more")
        count = int(np.cumsum(self.waves)[self.wave]) - self._counted if n is None else n
        if count < 1:
            raise InputError(f"ask({n}): ask for 1 point or more")
        points = self._next(count)
        if self.continuous:
            self._pending = np.concatenate([self._pending, points])
        return points

    def expect(self, points: Array) -> None:
        """Count points, shape (n, d), as asked and running, whoever came up with them; for the continuous form.

        Those that are running already are not counted twice.
        """
        points = self.space.snap(points)
        self._pending = np.concatenate([self._pending, points[~among(points, self._pending)]])

    def tell(self, points: Array, values: Array, *, counted: bool = True) -> None:
        """Take in finished trials, whether or not they were asked for.

        Args:
            points: points of the unit cube, shape (n, d).
            values: what is to be minimised, shape (n,); NaN: failed or diverged.
            counted: False for a warm start: trials beyond the `trials` of this search.
        """
        points, values = self.space.snap(points), np.asarray(values, dtype=float)
        if values.shape != (len(points),):
            raise InputError(f"got {len(points)} points and values of shape {values.shape}; tell one value each")
        self._points = np.concatenate([self._points, points])
        values = np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), np.nan)
        self._values = np.concatenate([self._values, values])
        self._pending = self._pending[~among(self._pending, points)]
        self._counted += len(points) if counted else 0
        self._process = None

    @one_blas_thread()
    def estimates(self) -> Array:
        """The value of each trial told, smoothed over its neighbours: shape (n,), in the order told.

        A winner is chosen by these for what it is likely to reach again, not for luck (`smoothed` says how).
        NaN where NaN was told; the estimates of poor trials saturate.
        """
        if not np.isfinite(self._values).any():
            return self._values.copy()
        return self._fitted().smoothed(self._points, self._values)

    @one_blas_thread()
    def recommend(self) -> Array:
        """The finished point with the lowest estimate, shape (d,).

        Raises:
            InputError: no finished trial was told.
        """
        if not np.isfinite(self._values).any():
            raise InputError(f"none of {len(self._values)} trials finished; tell one value that is not NaN first")
        process = self._fitted()
        best = int(np.nanargmin(process.smoothed(process.points, process.values)))
        return np.array(process.points[best])

    def _fitted(self) -> GaussianProcess:
        """The Gaussian process of all that was told, fitted when first needed."""
        if self._process is None:
            told, like = len(self._points), None
            if self.continuous and (learned := milestone(told)) < told:
                if self._learned is None or self._learned[0] != learned:
                    self._learned = learned, self._fit(learned, None)
                like = self._learned[1]
            self._process = self._fit(told, like)
        return self._process

    def _fit(self, told: int, like: GaussianProcess | None) -> GaussianProcess:
        return GaussianProcess.fit(
            self._points[:told],
            self._values[:told],
            self.space.categorical,
            self.seed,
            kept=CONTINUOUS_KEPT if self.continuous else KEPT,
            like=like,
        )

    @abstractmethod
    def _next(self, count: int) -> Array:
        """The next points, snapped, shape (count, d)."""


def milestone(told: int) -> int:
    """The last number of trials, up to `told`, at which a continuous search learns its length scales again.

    >>> [milestone(told) for told in (1, 9, 16, 17, 18, 100)]
    [1, 9, 16, 16, 18, 91]
    """
    number = 1
    while (following := number + max(1, number // RELEARNED)) <= told:
        number = following
    return number
