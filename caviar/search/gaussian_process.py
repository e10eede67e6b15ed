"""The surrogate, a Gaussian process over the unit cube: it predicts the values of trials and their uncertainty.

Values are standardised, so the prior mean is zero. Equations are from Rasmussen and Williams (2006), "Gaussian
Processes for Machine Learning", chapters 2 and 5.4; the module `kernel` fits the kernel.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.search.kernel import Kernel, fit_kernel
from caviar.space.scales import Array

SUBSET_SIZE = 500  # the process is conditioned on at most this many trials,
_FIT_SIZE = 250  # and its kernel is fitted to at most this many
_Z_BOUNDS = (-20.0, 4.0)  # of standardised values
_PREDICTION_SIZE = 2000  # points predicted at a time, which avoids large matrices
_DETAIL_VARIANCE = 0.05  # of details finer than any length scale; residual variance beyond it counts as noise


def standardise(values: Array) -> tuple[Array, float, float]:
    """Return z, shift and scale such that value = shift + scale z, and z has mean 0 and standard deviation 1.

    NaN counts as the median: failed trials are worse than the good ones, but not ranked among the poor ones. The unit
    is the distance from the median to the 16% quantile, one standard deviation of a normal distribution, or to the next
    value if half of them are equal, so that no huge value sets it; poor trials are clipped at 4 units.

    >>> standardise(np.array([1.0, 3.0]))
    (array([-1.,  1.]), 2.0, 1.0)
    """
    finite = np.isfinite(values)
    sample = values[finite] if finite.any() else np.zeros(1)
    least, low, median, high, most = np.quantile(sample, [0, 0.16, 0.5, 0.84, 1])
    distances = (median - low, median - least, high - median, most - median)
    rounding = max(1e-13 * abs(median), 1e-200)
    unit = next((distance for distance in distances if distance > rounding), 1.0)
    z = np.clip((np.where(finite, values, median) - median) / unit, *_Z_BOUNDS)
    ordered = np.sort(z)  # a sum in another order differs in its last bits
    mean, sd = float(ordered.mean()), float(ordered.std()) or 1.0
    return (z - mean) / sd, float(median + unit * mean), float(unit * sd)


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """A Gaussian process conditioned on trials.

    Args:
        points: the trials, shape (n, d).
        values: their values, shape (n,); NaN: failed.
        z, shift, scale: of `standardise`.
        kernel: the prior covariance.
        factor: the lower Cholesky factor of the trials' covariance with noise, shape (n, n).
        alpha: covariance^-1 z, shape (n,).
    """

    points: Array
    values: Array
    z: Array
    kernel: Kernel
    factor: Array
    alpha: Array
    shift: float
    scale: float

    @classmethod
    def fit(
        cls,
        points: Array,
        values: Array,
        categorical: NDArray[np.bool_],
        *,
        subset_size: int = SUBSET_SIZE,
        kernel: Kernel | None = None,
    ) -> "GaussianProcess":
        """Return the process conditioned on the trials, or on a subset of them; their order does not matter.

        Args:
            points, values: shape (n, d) and (n,), lower is better; NaN: failed.
            categorical: which coordinates are choices, shape (d,).
            subset_size: the largest number of trials to condition on: the best half, and others of all ranks.
            kernel: the prior covariance; by default it is fitted to the trials.

        >>> points = np.array([[0.0], [0.5], [1.0]])
        >>> process = GaussianProcess.fit(points, np.array([1.0, 0.0, 1.0]), np.array([False]))
        >>> int(np.argmin(process.mean(points)))
        1
        """
        z, shift, scale = standardise(values)
        subset = _subset(values, subset_size)
        subset = subset[np.lexsort(np.vstack([points[subset].T, values[subset]]))]
        points, values, z = points[subset], values[subset], z[subset]
        if kernel is None:
            subset = _subset(values, _FIT_SIZE)
            kernel = fit_kernel(points[subset], z[subset], categorical)
        covariance = kernel.covariance(points, points)
        covariance[np.diag_indices_from(covariance)] += kernel.noise_variance
        factor = scipy.linalg.cholesky(covariance, lower=True)
        return cls(points, values, z, kernel, factor, scipy.linalg.cho_solve((factor, True), z), shift, scale)

    @property
    def constant(self) -> bool:
        """Whether several trials have finished, all with the same value."""
        finite = self.values[np.isfinite(self.values)]
        return len(finite) > 1 and bool(finite.min() == finite.max())

    def mean(self, points: Array) -> Array:
        """Return the posterior mean of z, shape (m,), at points of shape (m, d)."""
        parts = np.array_split(points, len(points) // _PREDICTION_SIZE + 1)
        return np.concatenate([self.kernel.covariance(part, self.points) @ self.alpha for part in parts])

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """Return the posterior mean of z at points, shape (m, d), and a factor of its covariance (algorithm 2.1).

        The factor is v = factor^-1 covariance(trials, points), shape (n, m): the posterior covariance is the prior one
        minus v^T v.
        """
        covariance = self.kernel.covariance(self.points, points)
        v: Array = scipy.linalg.solve_triangular(self.factor, covariance, lower=True, check_finite=False)
        return self.alpha @ covariance, v

    def marginals(self, points: Array) -> tuple[Array, Array]:
        """Return the posterior mean and variance of z at points, shape (m, d); shape (m,) each."""
        mean, v = self.posterior(points)
        return mean, np.maximum(self.kernel.signal_variance - np.square(v).sum(axis=0), 0)

    @property
    def detail_variance(self) -> float:
        """The part of the noise variance that counts as detail of the function: another measurement has it too."""
        return min(_DETAIL_VARIANCE, self.kernel.noise_variance)

    def smooth(self, points: Array, values: Array) -> Array:
        """Return what trials at points, shape (n, d), would likely reach if run again, shape (n,); NaN stays NaN.

        This is the posterior mean plus a share of the residual, the detail variance over the noise variance: functions
        have details finer than any length scale, and measurements have noise. If detail and noise are normal, this
        share of the residual is the expected detail.
        """
        z = np.clip((values - self.shift) / self.scale, self.z.min(), self.z.max())
        mean = self.mean(points)
        share = self.detail_variance / self.kernel.noise_variance
        return self.shift + self.scale * (mean + share * (z - mean))

    def expected(self, points: Array, values: Array) -> tuple[Array, Array]:
        """Return what trials would reach on average if run again, shape (n,), and its standard deviation, shape (n,).

        A residual may be detail or noise, and for the best of many trials noise is likelier than for others. So the two
        possibilities, `smooth` and the posterior mean, count half each.
        """
        smooth, (mean, variance) = self.smooth(points, values), self.marginals(points)
        gap = (smooth - self.shift) / self.scale - mean
        deviation = np.sqrt(variance + self.detail_variance / 2 + gap**2 / 4)
        return smooth - self.scale * gap / 2, self.scale * deviation


def _subset(values: Array, size: int) -> NDArray[np.intp]:
    """Return indices of at most `size` trials: the best half of the subset, and others evenly spread over the ranks."""
    if len(values) <= size:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")  # NaN is last
    half = size // 2
    others = np.linspace(half, len(values) - 1, size - half).round().astype(int)
    return np.concatenate([order[:half], order[others]])
