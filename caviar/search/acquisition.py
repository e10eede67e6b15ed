"""Choose the points of a wave, one after the other: each has the highest expected improvement over the whole space.

The improvement is over the best of all trials and of the points chosen so far, none of which is known exactly: trials
are noisy, and the others have not run. So it is averaged over samples of their values, as in Letham et al. (2019),
"Constrained Bayesian optimization with noisy experiments".
"""

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used

from caviar.search.gaussian_process import GaussianProcess
from caviar.search.improvement import log_expected_improvement
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
_REFINED = 100  # points of a wave that are refined; later ones are candidates
_JOINT_SIZE = 125  # larger waves are split into parts that are chosen independently
_JITTER = 1e-6  # of the variance of a value, which keeps matrices positive definite
_LEAST_VARIANCE = 1e-10


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
    parts = -(-count // _JOINT_SIZE)
    chosen = []
    for i in range(parts):
        size = len(range(i, count, parts))
        outlook = Outlook(process, pool[i::parts], len(pending) + size, generator)
        for point in pending:
            outlook.add(point)
        chosen.append(_choose(space, outlook, size, refined=_REFINED // parts))
    return np.concatenate(chosen)


def _choose(space: Space, outlook: "Outlook", count: int, refined: int) -> Array:
    """Return the next points, shape (count, d), of which the first `refined` are not bound to the candidates."""
    seen = {*keys(outlook.trials)}
    batch = outlook.pool[:0]
    for _ in range(min(count, len(outlook.pool))):
        values = outlook.pool_improvement()
        values[[key in seen for key in outlook.pool_keys]] = -np.inf
        points = outlook.pool[np.argsort(-values, kind="stable")[:_STARTS]]
        if len(batch) < refined:
            better = space.snap(outlook.refine(points, ~space.categorical))
            better = better[[key not in seen for key in keys(better)]]
            points = np.concatenate([points, better])
            points = points[[np.argmax(outlook.improvement(points)[0])]]
        outlook.add(points[0])
        seen.add(points[0].tobytes())
        batch = np.concatenate([batch, points[:1]])
    return batch


class Outlook:
    """What the values of trials and of chosen points may be: samples of the process, which share their variances.

    The covariance of the points is L L^T. `inverse` is L^-1, shape (n, n), and `whitened` is L^-1 times the samples,
    shape (n, s): so a sample's mean at a point with covariances k is (L^-1 k) . whitened, and its variance is the prior
    one minus |L^-1 k|^2.

    Args:
        process: conditioned on the finished trials.
        pool: the candidates, shape (m, d).
        capacity: the number of points that will be added.
        generator: draws the samples.
    """

    def __init__(self, process: GaussianProcess, pool: Array, capacity: int, generator: np.random.Generator) -> None:
        self.kernel, self.pool, self._generator = process.kernel, pool, generator
        self.pool_keys = keys(pool)
        n, size = len(process.points), len(process.points) + capacity
        self._n, self._jitter = n, _JITTER * self.kernel.signal_variance
        prior = self.kernel.covariance(process.points, process.points)
        v = scipy.linalg.solve_triangular(process.factor, prior, lower=True, check_finite=False)
        jitter = self._jitter * np.eye(n)
        factor, root = (scipy.linalg.cholesky(c, lower=True) for c in (prior + jitter, prior - v.T @ v + jitter))
        samples = (v.T @ (process.factor.T @ process.alpha))[:, None] + root @ self._normal(n)
        self._points = np.empty((size, pool.shape[1]))
        self._inverse, self._whitened = np.zeros((size, size)), np.empty((size, _SAMPLES))
        self._points[:n] = process.points
        self._inverse[:n, :n] = scipy.linalg.lapack.dtrtri(factor, lower=1)[0]
        self._whitened[:n] = self._inverse[:n, :n] @ samples
        self._best = samples.min(axis=0)
        self._v = np.empty((size, len(pool)))
        self._v[:n] = self._inverse[:n, :n] @ self.kernel.covariance(process.points, pool)
        self._mean = self._v[:n].T @ self._whitened[:n]
        self._variance = self.kernel.signal_variance - (self._v[:n] ** 2).sum(axis=0)

    @property
    def trials(self) -> Array:
        """The finished trials and the points that were added, shape (n, d)."""
        return self._points[: self._n]

    def _normal(self, n: int) -> Array:
        """Return normal numbers, shape (n, s); each is there with both signs."""
        half = self._generator.standard_normal((n, _SAMPLES // 2))
        return np.concatenate([half, -half], axis=1)

    def add(self, point: Array) -> None:
        """Sample the value of a point, shape (d,): from now on it counts as a trial."""
        n, inverse = self._n, self._inverse[: self._n, : self._n]
        v = inverse @ self.kernel.covariance(self.trials, point[None])[:, 0]
        sd = np.sqrt(max(self.kernel.signal_variance - v @ v, 0.0) + self._jitter)
        normal = self._normal(1)[0]
        self._best = np.minimum(self._best, v @ self._whitened[:n] + sd * normal)
        row = (self.kernel.covariance(point[None], self.pool)[0] - v @ self._v[:n]) / sd
        self._points[n], self._whitened[n], self._v[n] = point, normal, row
        self._inverse[n, :n], self._inverse[n, n] = -(v @ inverse) / sd, 1 / sd
        self._mean += np.outer(row, normal)
        self._variance -= row**2
        self._n += 1

    def pool_improvement(self) -> Array:
        """Return the log of the expected improvement of each candidate, shape (m,)."""
        sd = np.sqrt(np.maximum(self._variance, _LEAST_VARIANCE))
        return log_expected_improvement(self._mean, sd, self._best)[0]

    def improvement(self, points: Array) -> tuple[Array, Array]:
        """Return the log of the expected improvement at points, shape (k, d), and its gradient: (k,) and (k, d)."""
        inverse, whitened = self._inverse[: self._n, : self._n], self._whitened[: self._n]
        covariance, slopes = self.kernel.gradient(points, self.trials)
        v = covariance @ inverse.T
        sd = np.sqrt(np.maximum(self.kernel.signal_variance - (v**2).sum(axis=1), _LEAST_VARIANCE))
        value, by_mean, by_sd = log_expected_improvement(v @ whitened, sd, self._best)
        by_v = by_mean @ whitened.T - (by_sd / sd)[:, None] * v
        return value, np.einsum("kn,knd->kd", by_v @ inverse, slopes)

    def refine(self, starts: Array, free: Array) -> Array:
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
