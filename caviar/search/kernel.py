"""The kernel of the Gaussian process: Matern 5/2 with a length scale per coordinate, and how it is fitted.

Its hyperparameters are maximum a posteriori estimates. Two options of a choice are at distance 0 or 1.
Equations are from Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.space.scales import Array

_MAX_ITERATIONS = 40
_BLOCK_SIZE = 2**15  # correlations computed at a time: a block fits into the cache, which halves the time


class _Prior(NamedTuple):
    """The log-normal prior of a hyperparameter of the kernel, and its bounds."""

    median: float
    log_sd: float
    low: float
    high: float


# for up to 4 dimensions; beyond, the median grows with sqrt(d) (as in Hvarfner et al. 2024, "Vanilla Bayesian
# optimization performs great in high dimensions", whose length scales are longer and differ more)
_LENGTH_SCALE = _Prior(2.0, 1.0, 0.03, 100.0)
_SIGNAL_VARIANCE = _Prior(1.0, 1.0, 0.1, 10.0)
_NOISE_VARIANCE = _Prior(np.exp(-4), 1.0, 1e-6, 1.0)


def squared_distances(a: Array, b: Array, categorical: NDArray[np.bool_]) -> Array:
    """Return the squared distances of points a, shape (n, d), and b, shape (m, d), along each coordinate, (d, n, m).

    Along a choice the distance is 0 (same option) or 1.

    >>> squared_distances(np.array([[0.5, 0.25]]), np.array([[0.0, 0.75]]), np.array([False, True])).ravel()
    array([0.25, 1.  ])
    """
    squared: Array = (a.T[:, :, None] - b.T[:, None, :]) ** 2
    squared[categorical] = squared[categorical] > 0
    return squared


@dataclass(frozen=True, eq=False)
class Kernel:
    """A Matern 5/2 kernel, eq. 4.17, and the variance of the measurement noise.

    Args:
        length_scales: shape (d,).
        signal_variance: the prior variance of a value.
        noise_variance: the variance of a measurement.
        categorical: which coordinates are choices, shape (d,).

    >>> kernel = Kernel(np.array([0.5]), signal_variance=2.0, noise_variance=0.1, categorical=np.array([False]))
    >>> kernel.covariance(np.array([[0.3]]), np.array([[0.3]]))
    array([[2.]])
    """

    length_scales: Array
    signal_variance: float
    noise_variance: float
    categorical: NDArray[np.bool_]

    def covariance(self, a: Array, b: Array) -> Array:
        """Return the prior covariance, shape (n, m), of the values at points a, shape (n, d), and b, shape (m, d)."""
        correlation = np.empty((len(a), len(b)))
        rows = max(1, _BLOCK_SIZE // max(len(b), 1))
        for start in range(0, len(a), rows):
            block = a[start : start + rows]
            squared = np.zeros((len(block), len(b)))
            distance = np.empty_like(squared)
            for j in range(a.shape[1]):
                np.subtract(block[:, j, None], b[:, j], out=distance)
                if self.categorical[j]:
                    np.not_equal(distance, 0, out=distance)
                else:
                    np.square(distance, out=distance)
                squared += np.divide(distance, self.length_scales[j] ** 2, out=distance)
            correlation[start : start + rows] = _matern(squared)[0]
        return self.signal_variance * correlation

    def gradient(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Return the covariance, shape (n, m), and its gradient by a, shape (n, m, d), which is 0 along choices."""
        difference = a[:, None, :] - b[None, :, :]
        scaled = np.where(self.categorical, difference != 0, difference) / self.length_scales
        correlation, slope = _matern((scaled**2).sum(axis=2))
        gradient = -self.signal_variance * slope[:, :, None] * (scaled / self.length_scales)
        return self.signal_variance * correlation, np.where(self.categorical, 0.0, gradient)


def fit_kernel(points: Array, z: Array, categorical: NDArray[np.bool_]) -> Kernel:
    """Return the kernel with the highest posterior density, found by L-BFGS from the prior's median.

    The arguments are those of `negative_log_posterior`.
    """
    loss, median, bounds = negative_log_posterior(points, z, categorical)
    options = {"maxiter": _MAX_ITERATIONS}
    minimum = scipy.optimize.minimize(loss, median, jac=True, method="L-BFGS-B", bounds=list(bounds), options=options)
    *length_scales, signal_variance, noise_variance = np.exp(minimum.x).tolist()
    return Kernel(np.array(length_scales), signal_variance, noise_variance, categorical)


def negative_log_posterior(
    points: Array, z: Array, categorical: NDArray[np.bool_]
) -> tuple[Callable[[Array], tuple[float, Array]], Array, Array]:
    """Return what `fit_kernel` minimises: eq. 5.8 and 5.9, and the log-normal priors.

    Args:
        points, z: the trials, shape (n, d), and their standardised values, shape (n,).
        categorical: which coordinates are choices, shape (d,).

    Returns:
        A function of theta, the logs of d length scales, signal and noise variance, that returns the loss and its
        gradient, (d + 2,); the prior's median of theta, (d + 2,); the bounds of theta, (d + 2, 2).
    """
    n, d = points.shape
    squared = squared_distances(points, points, categorical).reshape(d, n * n)
    priors = [_LENGTH_SCALE] * d + [_SIGNAL_VARIANCE, _NOISE_VARIANCE]
    median = np.array([np.log(prior.median) for prior in priors])
    median[:d] += 0.5 * np.log(max(d, 4) / 4)
    log_sd = np.array([prior.log_sd for prior in priors])
    bounds = np.log([(prior.low, prior.high) for prior in priors])

    def loss(theta: Array) -> tuple[float, Array]:
        inverse_squares, signal, noise = np.exp(-2 * theta[:d]), np.exp(theta[d]), np.exp(theta[d + 1])
        correlation, slope = _matern((inverse_squares @ squared).reshape(n, n))
        covariance = signal * correlation
        covariance[np.diag_indices(n)] += noise
        factor = scipy.linalg.cholesky(covariance, lower=True, check_finite=False)
        alpha = scipy.linalg.cho_solve((factor, True), z, check_finite=False)
        inverse = scipy.linalg.lapack.dpotri(factor, lower=1)[0]  # fills only the lower triangle
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weight = inverse - np.outer(alpha, alpha)
        gradient = np.empty(d + 2)
        gradient[:d] = 0.5 * inverse_squares * (squared @ (weight * (signal * slope)).ravel())
        gradient[d] = 0.5 * signal * np.sum(weight * correlation)
        gradient[d + 1] = 0.5 * noise * np.trace(weight)
        deviation = (theta - median) / log_sd
        value = 0.5 * z @ alpha + np.log(np.diag(factor)).sum() + 0.5 * deviation @ deviation
        return float(value), gradient + deviation / log_sd

    return loss, median, bounds


def _matern(squared: Array) -> tuple[Array, Array]:
    """Return the correlation at squared scaled distances r^2, eq. 4.17, and -2 times its derivative by r^2."""
    root = np.sqrt(5.0 * squared)
    decay = np.exp(-root)
    return (1.0 + root + 5.0 / 3.0 * squared) * decay, 5.0 / 3.0 * (1.0 + root) * decay
