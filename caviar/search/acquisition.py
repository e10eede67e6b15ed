"""Choose the points of a wave, one after the other: each has the highest expected improvement over the whole space.
Some are drawn to the inside of the space, towards the best trial; the others are free to go anywhere (`inwards`).

The improvement is over the best of all trials and of the points chosen so far, none of which is known exactly: trials
are noisy, and the others have not run. So it is averaged over samples of their values, as in Letham et al. (2019),
"Constrained Bayesian optimization with noisy experiments".
"""

from dataclasses import dataclass

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.search.gaussian_process import GaussianProcess
from caviar.search.improvement import log_expected_improvement, log_expected_improvement_bounds
from caviar.search.inwards import Inwards
from caviar.search.kernel import Kernel
from caviar.search.samplers import sobol_points
from caviar.search.unique import keys
from caviar.space import Space
from caviar.space.scales import Array

_LOCAL_SHARE = 0.5  # of the candidates: small steps from the best trials; the others cover the whole space
_ELITES = 10  # small steps start from this many of the best trials
_STEP_SIZES = (0.03, 0.1, 0.3)  # of small steps, in length scales
_STEP_SHARE = 1 / 3  # of the coordinates that a small step changes
_SAMPLES = 32  # of the values that the improvement is averaged over, an even number
_STARTS, _STEPS = 3, 30  # the candidates that are refined for each point, and the steps of L-BFGS
_REFINED = 100  # the points of larger waves are not refined
_JOINT_SIZE = 125  # larger waves are split into parts that are chosen independently
_JITTER = 1e-6  # of the variance of a value, which keeps matrices positive definite
_LEAST_VARIANCE = 1e-10
_ROUNDING = 1e-6  # more than the rounding errors of a log improvement


def candidates(space: Space, process: GaussianProcess, count: int, generator: np.random.Generator) -> Array:
    """Return `count` points to choose from, not snapped, shape (count, d).

    They are small steps from the best trials of the process, and points of the whole space.
    """
    local = round(_LOCAL_SHARE * count)
    whole = sobol_points(count - local, space.dimension, generator)
    return np.concatenate([_small_steps(space, process, local, generator), whole])


def _small_steps(space: Space, process: GaussianProcess, count: int, generator: np.random.Generator) -> Array:
    """Return small steps from the best trials along some of the coordinates, shape (count, d)."""
    d = space.dimension
    elites = process.points[np.argsort(process.mean(process.points), kind="stable")[:_ELITES]]
    start = elites[generator.integers(len(elites), size=count)]
    sd = np.minimum(process.kernel.length_scales, 1) * generator.choice(_STEP_SIZES, (count, 1))
    sd = np.maximum(sd, 0.5 / space.levels)  # otherwise integers would never change
    end = np.clip(start + sd * generator.standard_normal((count, d)), 0, 1)
    end = np.where(space.categorical, generator.random((count, d)), end)
    mask = generator.random((count, d)) < _STEP_SHARE
    if d:
        mask[np.arange(count), generator.integers(d, size=count)] = True
    return np.where(mask, end, start)


def choose_wave(
    space: Space,
    process: GaussianProcess,
    pending: Array,
    pool: Array,
    count: int,
    generator: np.random.Generator,
) -> Array:
    """Return the next points, snapped, shape (count, d), or fewer if the pool has fewer.

    Args:
        space: the space to search.
        process: conditioned on the finished trials.
        pending: the running trials, shape (p, d).
        pool: the candidates, snapped and new, shape (m, d).
        count: the number of points.
        generator: draws the samples of values.
    """
    trials = Trials.of(process, pending)
    parts = -(-count // _JOINT_SIZE)
    batches = [
        _choose(
            space, Outlook(trials, pool[i::parts], len(range(i, count, parts)), generator), refine=count <= _REFINED
        )
        for i in range(parts)
    ]
    return np.concatenate(batches)


def _choose(space: Space, outlook: "Outlook", *, refine: bool) -> Array:
    """Return the next points, shape (k, d); with `refine` they are not bound to the candidates."""
    seen, batch = {*keys(outlook.points)}, []
    for _ in range(outlook.capacity):
        points = outlook.best_candidates(_STARTS if refine else 1)
        if refine:
            refined = space.snap(outlook.refine(points, ~space.categorical))
            points = np.concatenate([points, refined[[key not in seen for key in keys(refined)]]])
            points = points[[np.argmax(outlook.improvement(points)[0])]]
        outlook.add(points[0])
        seen.update(keys(points))
        batch.append(points[0])
    return np.array(batch).reshape(len(batch), space.dimension)


@dataclass(frozen=True, eq=False)
class Trials:
    """The finished and the running trials, and the distribution of their values without noise.

    Args:
        kernel: the prior covariance.
        points: shape (n, d).
        mean, root: of their values; the covariance is root root^T. Shapes (n,) and (n, n).
        inverse: the inverse of the lower Cholesky factor of their prior covariance, shape (n, n).
    """

    kernel: Kernel
    points: Array
    mean: Array
    root: Array
    inverse: Array

    @classmethod
    def of(cls, process: GaussianProcess, pending: Array) -> "Trials":
        """Return the finished trials of a process, and those that are pending."""
        points, kernel = np.concatenate([process.points, pending]), process.kernel
        prior, (mean, v) = kernel.covariance(points, points), process.posterior(points)
        jitter = _JITTER * kernel.signal_variance * np.eye(len(points))
        root = scipy.linalg.cholesky(prior - v.T @ v + jitter, lower=True, check_finite=False)
        factor = scipy.linalg.cholesky(prior + jitter, lower=True, check_finite=False)
        return cls(kernel, points, mean, root, scipy.linalg.lapack.dtrtri(factor, lower=1)[0])


class Outlook:
    """What the values of trials and of chosen points may be: samples of the process, which share their variances.

    If the prior covariance of the points is L L^T, `inverse` is L^-1, shape (n, n), and `whitened` is L^-1 times the
    samples, shape (n, s). So at a point whose covariances with them are k, the means of the samples are whitened^T
    (L^-1 k), and the variance is the prior one minus |L^-1 k|^2.

    Args:
        trials: what is known.
        pool: the candidates, snapped and new, shape (m, d).
        count: the number of points to choose.
        generator: draws the samples.
    """

    def __init__(self, trials: Trials, pool: Array, count: int, generator: np.random.Generator) -> None:
        self.kernel, self.pool, self.capacity = trials.kernel, pool, min(count, len(pool))
        self._generator, n = generator, len(trials.points)
        size, self._n = n + self.capacity, n
        samples = trials.mean[:, None] + trials.root @ self._normal(n)
        self._best = samples.min(axis=0)
        self._inwards = Inwards.of(trials.points, trials.mean, trials.kernel.categorical)
        self._points, self._v = np.empty((size, pool.shape[1])), np.empty((size, len(pool)))
        self._inverse, self._whitened = np.zeros((size, size)), np.empty((size, _SAMPLES))
        self._points[:n], self._inverse[:n, :n] = trials.points, trials.inverse
        self._whitened[:n] = trials.inverse @ samples
        self._v[:n] = trials.inverse @ self.kernel.covariance(trials.points, pool)
        self._mean = self._v[:n].T @ self._whitened[:n]
        self._variance = self.kernel.signal_variance - (self._v[:n] ** 2).sum(axis=0)
        self._new = np.ones(len(pool), dtype=bool)

    @property
    def points(self) -> Array:
        """The trials and the chosen points, shape (n, d)."""
        return self._points[: self._n]

    def _normal(self, n: int) -> Array:
        """Return normal numbers, shape (n, s); each is there with both signs."""
        half = self._generator.standard_normal((n, _SAMPLES // 2))
        return np.concatenate([half, -half], axis=1)

    def add(self, point: Array) -> None:
        """Sample the value of a chosen point, shape (d,): from now on it counts as a trial."""
        n, inverse = self._n, self._inverse[: self._n, : self._n]
        v = inverse @ self.kernel.covariance(self.points, point[None])[:, 0]
        sd = np.sqrt(max(self.kernel.signal_variance - float(v @ v), 0.0) + _JITTER * self.kernel.signal_variance)
        normal = self._normal(1)[0]
        self._best = np.minimum(self._best, v @ self._whitened[:n] + sd * normal)
        row = (self.kernel.covariance(point[None], self.pool)[0] - v @ self._v[:n]) / sd
        self._points[n], self._whitened[n], self._v[n] = point, normal, row
        self._inverse[n, :n], self._inverse[n, n] = -(v @ inverse) / sd, 1 / sd
        self._mean += np.outer(row, normal)
        self._variance -= row**2
        self._new &= (self.pool != point).any(axis=1)
        self._n += 1

    def best_candidates(self, count: int) -> Array:
        """Return the candidates with the highest expected improvement that were not chosen, shape (count, d)."""
        new = np.flatnonzero(self._new)
        mean, sd = self._mean[new], np.sqrt(np.maximum(self._variance[new], _LEAST_VARIANCE))
        inwards = self._inwards.log_density(self.pool[new], self._n)[0]
        lower, upper = log_expected_improvement_bounds(mean, sd, self._best)
        enough = np.sort(lower + inwards)[-count:].min(initial=np.inf)
        rest = np.flatnonzero(upper + inwards > enough - _ROUNDING)  # among these few are the best ones
        values = log_expected_improvement(mean[rest], sd[rest], self._best)[0] + inwards[rest]
        return np.array(self.pool[new[rest[np.argsort(-values, kind="stable")[:count]]]])

    def improvement(self, points: Array) -> tuple[Array, Array]:
        """Return the log of the expected improvement at points, shape (k, d), and its gradient: (k,) and (k, d)."""
        inverse, whitened = self._inverse[: self._n, : self._n], self._whitened[: self._n]
        covariance, slopes = self.kernel.gradient(points, self.points)
        v = covariance @ inverse.T
        sd = np.sqrt(np.maximum(self.kernel.signal_variance - (v**2).sum(axis=1), _LEAST_VARIANCE))
        value, by_mean, by_sd = log_expected_improvement(v @ whitened, sd, self._best)
        by_v = by_mean @ whitened.T - (by_sd / sd)[:, None] * v
        inwards, slope = self._inwards.log_density(points, self._n)
        return value + inwards, np.einsum("kn,knd->kd", by_v @ inverse, slopes) + slope

    def refine(self, starts: Array, free: NDArray[np.bool_]) -> Array:
        """Return points with a higher improvement near the starts, shape (k, d), moved along the free coordinates."""

        def loss(flat: Array) -> tuple[float, Array]:
            points = starts.copy()
            points[:, free] = flat.reshape(len(starts), -1)
            value, gradient = self.improvement(points)
            return -float(value.sum()), -gradient[:, free].ravel()

        refined, flat = starts.copy(), starts[:, free].ravel()
        if len(flat):
            options = {"maxiter": _STEPS}
            bounds = [(0, 1)] * len(flat)
            result = scipy.optimize.minimize(loss, flat, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
            refined[:, free] = result.x.reshape(len(starts), -1)
        return refined
