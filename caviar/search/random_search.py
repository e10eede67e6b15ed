"""What random search would reach, by the process: random configs on functions that are drawn from its posterior."""

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar._threads import one_blas_thread
from caviar.search.gaussian_process import GaussianProcess
from caviar.space.scales import Array

DRAWS = 256  # random searches, each on a function of its own
_JOINT_SIZE = 1024  # configs whose values are drawn jointly; larger sets are split into parts that are independent
_JITTER = 1e-6  # of the variance of a value, which keeps matrices positive definite


@one_blas_thread()
def random_searches(
    process: GaussianProcess,
    points: Array,
    generator: np.random.Generator,
    *,
    detail: float | None = None,
    measurements: int = 1,
) -> Array:
    """Return what random searches reach after each of their trials, shape (DRAWS, m), lower is better.

    Each search tries the points in a random order on a function drawn from the posterior (Rasmussen and Williams 2006,
    eq. 2.24), with details that are finer than any length scale. It sees measurements with noise, estimates the
    values from these and the process, and picks the trial with the best estimate, as a study does; what it reaches is
    that trial's value without noise.

    Args:
        process: of all trials.
        points: random configs, all different, shape (m, d).
        generator: draws the functions, the noise and the orders.
        detail: the variance of z by details; by default `process.detail_variance`. The rest of the noise is luck.
        measurements: of each trial that is picked: more than one if the best trials are confirmed.

    >>> x = np.linspace(0, 1, 9)[:, None]
    >>> process = GaussianProcess.fit(x, (x[:, 0] - 0.3) ** 2, np.array([False]))
    >>> reached = random_searches(process, np.random.default_rng(0).random((64, 1)), np.random.default_rng(1))
    >>> reached.shape, bool(np.median(reached[:, 3]) > np.median(reached[:, 63]))
    ((256, 64), True)
    """
    parts = np.array_split(points, -(-len(points) // _JOINT_SIZE))
    detail = process.detail_variance if detail is None else detail
    drawn = [_functions(process, part, detail, generator) for part in parts]
    values, mean, variance = (np.concatenate(pieces, axis=-1) for pieces in zip(*drawn, strict=True))
    noise = (process.kernel.noise_variance - detail) / measurements
    measured = values + np.sqrt(noise) * generator.standard_normal(values.shape)
    estimates = mean + variance / (variance + noise) * (measured - mean)
    order = _orders([len(part) for part in parts], generator)
    values, estimates = (np.take_along_axis(a, order, axis=1) for a in (values, estimates))
    is_best = estimates == np.minimum.accumulate(estimates, axis=1)
    picked = np.maximum.accumulate(np.where(is_best, np.arange(len(points)), 0), axis=1)
    return process.shift + process.scale * np.take_along_axis(values, picked, axis=1)


def _functions(
    process: GaussianProcess, points: Array, detail: float, generator: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Return z of functions at points, (DRAWS, m), and its posterior mean and variance, (m,)."""
    mean, v = process.posterior(points)
    covariance = process.kernel.covariance(points, points) - v.T @ v
    covariance[np.diag_indices_from(covariance)] += _JITTER * process.kernel.signal_variance
    factor = scipy.linalg.cholesky(covariance, lower=True, check_finite=False)
    values = mean + generator.standard_normal((DRAWS, len(points))) @ factor.T
    values += np.sqrt(detail) * generator.standard_normal(values.shape)
    return values, mean, np.diag(covariance) + detail


def _orders(sizes: list[int], generator: np.random.Generator) -> NDArray[np.intp]:
    """Return an order of all points for each search, (DRAWS, m): part after part, and each part shuffled.

    The searches begin with different parts, so that the short ones do not all try the same configs.
    """
    part = np.repeat(np.arange(len(sizes)), sizes)
    rank = (part - np.arange(DRAWS)[:, None]) % len(sizes) + generator.random((DRAWS, len(part)))
    return np.argsort(rank, axis=1)
