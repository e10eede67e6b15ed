"""The interface of all searches: ask for a wave of points, tell their values, wave after wave.

A search is deterministic: its next points depend only on its seed and the values it was told. A study that resumes
tells a new search the earlier waves and gets the same next wave.
"""

from abc import ABC, abstractmethod

import numpy as np

from caviar._checks import check_integer
from caviar._threads import one_blas_thread
from caviar.errors import InputError
from caviar.search.curves import LARGEST_VALUE, Curves, predicted_ends
from caviar.search.forecast import Forecast, forecast
from caviar.search.gaussian_process import SUBSET_SIZE, GaussianProcess
from caviar.search.kernel import Kernel
from caviar.search.schedule import Budget
from caviar.search.square import Square
from caviar.search.unique import isin, keys
from caviar.space import Space
from caviar.space.scales import Array

_CONTINUOUS_SUBSET_SIZE = 300  # a continuous search predicts from fewer trials, because it does so before each one
_REFIT_GROWTH = 1 / 8  # a continuous search refits its length scales when the number of trials has grown by this share


class Search(ABC):
    """An ask-and-tell search; `waves` holds the sizes of its waves.

    Args:
        space: the space to search; `caviar.space.cube(d)` is the plain unit cube.
        budget: the trials, their waves and the seed.

    >>> from caviar.search import Random
    >>> from caviar.space import cube
    >>> search = Random(cube(2), Budget(trials=8, waves=2))
    >>> while not search.done:
    ...     points = search.ask()
    ...     search.tell(points, points.sum(axis=1))
    >>> search.recommend().shape
    (2,)
    """

    def __init__(self, space: Space, budget: Budget) -> None:
        import scipy.linalg  # noqa: F401 - slow; its BLAS must be loaded before `one_blas_thread` can limit it

        self.space = space
        self.trials, self.seed = budget.trials, budget.seed
        self.waves = budget.sizes(space.dimension)
        self.continuous = budget.waves == "continuous"
        self._points = np.empty((0, space.dimension))
        self._values = np.empty(0)  # where trials were stopped early, their predicted ends
        self._curves = Curves.unknown(0)
        self._told: set[bytes] = set()  # the keys of the points
        self._pending = np.empty((0, space.dimension))
        self._counted = 0
        self._surrogate: GaussianProcess | None = None  # fitted to all trials; None until it is needed
        self._last_refit: tuple[int, Kernel] | None = None  # for a continuous search: the number of trials, the kernel

    @property
    def done(self) -> bool:
        """True if the budget is used up."""
        return self._counted >= self.trials

    @property
    def wave(self) -> int:
        """The index of the next wave, from 0; the number of waves when done."""
        return int(np.searchsorted(np.cumsum(self.waves), self._counted, side="right"))

    @property
    def square(self) -> Square | None:
        """The square of the next wave, or of the last one when done; None for a search that does not zoom."""
        return None

    @one_blas_thread()
    def ask(self, n: int | None = None) -> Array:
        """Return the next points to try.

        They are snapped points of the unit cube, shape (n, d); configs repeat only when no new ones are left. Calls
        without `tell` in between return the same points, except in a continuous search, which counts them as pending.

        Args:
            n: the number of points, >= 1; default: the rest of the wave (one point in a continuous search).
        """
        if self.done:
            raise InputError(f"the budget of {self.trials} trials is used up; create a new search")
        count = int(np.cumsum(self.waves)[self.wave]) - self._counted if n is None else check_integer("n", n)
        points = self._next(count)
        if self.continuous:
            self._pending = np.concatenate([self._pending, points])
        return points

    def expect(self, points: Array, *, only: bool = False) -> None:
        """Mark running trials as pending in a continuous search, whether or not it proposed them.

        Args:
            points: of the unit cube, shape (n, d).
            only: whether all others have ended or were given up.
        """
        points = self.space.snap(points)
        self._pending = self._pending[:0] if only else self._pending
        self._pending = np.concatenate([self._pending, points[~isin(points, self._pending)]])

    def tell(self, points: Array, values: Array, *, counted: bool = True, curves: Curves | None = None) -> None:
        """Add ended trials, whether or not this search proposed them.

        Args:
            points: points of the unit cube, shape (n, d).
            values: their values, lower is better, shape (n,); NaN: failed or diverged.
            counted: False for a warm start, whose trials are not part of the budget.
            curves: of these trials, with the same epochs in each call. The search then predicts how those that were
                stopped early would have ended, anew with each call (`predicted_ends`).
        """
        points, values = self.space.snap(points), np.asarray(values, dtype=float)
        if values.shape != (len(points),):
            raise InputError(
                f"values must have shape ({len(points)},), got {values.shape}; try one value per point, NaN if failed"
            )
        self._points = np.concatenate([self._points, points])
        self._told.update(keys(points))
        values = np.where(np.isfinite(values), np.clip(values, -LARGEST_VALUE, LARGEST_VALUE), np.nan)
        self._curves = self._curves.followed_by(curves or Curves.unknown(len(points)))
        self._values = self._predicted(self._points, np.concatenate([self._values, values]), self._curves)
        self._pending = self._pending[~isin(self._pending, points)]
        self._counted += len(points) if counted else 0
        self._surrogate = None

    def predicted_ends(self, points: Array, curves: Curves) -> Array:
        """Return how running trials are likely to end, shape (n,), from their curves and all trials so far.

        They are the last values of the curves if no whole trial has been told with its curve.

        Args:
            points: points of the unit cube, shape (n, d).
            curves: of the trials; each counts as stopped.
        """
        points, ends = np.concatenate([self._points, points]), np.concatenate([self._values, curves.last])
        return self._predicted(points, ends, self._curves.followed_by(curves))[len(self._points) :]

    @one_blas_thread()
    def _predicted(self, points: Array, ends: Array, curves: Curves) -> Array:
        """Return the ends, where those of stopped trials are predicted."""
        return predicted_ends(points, ends, curves, self.space.categorical) if curves.stopped.any() else ends

    @one_blas_thread()
    def estimates(self) -> Array:
        """Return the smoothed value of each trial, shape (n,), in the order of `tell`.

        Each estimates what the trial would reach if it ran again, so that the best one does not win by luck
        (`GaussianProcess.smooth`). NaN for trials without a finite value; estimates of poor trials saturate.
        """
        if not np.isfinite(self._values).any():
            return self._values.copy()
        return self._fitted_surrogate().smooth(self._points, self._values)

    @property
    def values(self) -> Array:
        """The value of each trial, shape (n,), in the order of `tell`; those of stopped trials are predicted."""
        return self._values.copy()

    @property
    @one_blas_thread()
    def surrogate(self) -> GaussianProcess | None:
        """The Gaussian process of all trials so far; None if no trial has a finite value."""
        return self._fitted_surrogate() if np.isfinite(self._values).any() else None

    @one_blas_thread()
    def forecast(self, points: Array) -> Forecast | None:
        """Return what points to try next, shape (k, d), are likely to gain; None if no trial has a finite value."""
        if not np.isfinite(self._values).any():
            return None
        return forecast(self._fitted_surrogate(), self._points, points, self.seed)

    @one_blas_thread()
    def recommend(self) -> Array:
        """Return the finished point with the lowest estimate, shape (d,)."""
        if not np.isfinite(self._values).any():
            raise InputError(
                f"values must include a finite one, got none in {len(self._values)}; try tell() with a finished trial"
            )
        surrogate = self._fitted_surrogate()
        best = int(np.nanargmin(surrogate.smooth(surrogate.points, surrogate.values)))
        return np.array(surrogate.points[best])

    @property
    def _seen(self) -> set[bytes]:
        """The keys of the points that are not new."""
        return self._told.union(keys(self._pending)) if len(self._pending) else self._told

    def _fitted_surrogate(self) -> GaussianProcess:
        """Return the Gaussian process of all trials, fitted on first use."""
        if self._surrogate is None:
            n, kernel = len(self._points), None
            if self.continuous and (refit := _last_refit_size(n)) < n:
                if self._last_refit is None or self._last_refit[0] != refit:
                    self._last_refit = refit, self._fit(refit, None).kernel
                kernel = self._last_refit[1]
            self._surrogate = self._fit(n, kernel)
        return self._surrogate

    def _fit(self, n: int, kernel: Kernel | None) -> GaussianProcess:
        """Return a Gaussian process of the first n trials; fit the kernel too if it is None."""
        points, values = self._points[:n], self._values[:n]
        size = _CONTINUOUS_SUBSET_SIZE if self.continuous else SUBSET_SIZE
        return GaussianProcess.fit(points, values, self.space.categorical, subset_size=size, kernel=kernel)

    @abstractmethod
    def _next(self, count: int) -> Array:
        """Return the next points, snapped, shape (count, d)."""


def _last_refit_size(n: int) -> int:
    """Return the largest number of trials, up to n, at which a continuous search refits its length scales."""
    refit = 1
    while (following := refit + max(1, int(_REFIT_GROWTH * refit))) <= n:
        refit = following
    return refit
