"""A Gaussian process over the unit cube: what a trial would give, and how sure that is.

Small on purpose: Matern 5/2 with a length scale per coordinate, a constant mean of zero after
standardising, hyperparameters by maximum a posteriori. Coordinates of a choice are either equal or one
apart. Rasmussen and Williams (2006), chapters 2, 4.2 and 5.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize

from caviar.space.scales import Array

FITTED = 250  # at most so many trials decide the length scales,
KEPT = 1000  # and so many the predictions: the best half of them, and others at random
ITERATIONS = 40
LENGTH, LENGTH_SD, LENGTH_BOUNDS = 0.4, 1.0, (0.03, 20.0)
SIGNAL, SIGNAL_SD, SIGNAL_BOUNDS = 1.0, 1.0, (0.1, 10.0)
NOISE, NOISE_SD, NOISE_BOUNDS = 0.02, 1.5, (1e-6, 1.0)
CLIP = (-5.0, 2.0)
BLOCK = 2**15  # correlations at a time: they stay in the cache, which takes half of the time
ROUGH = 0.05  # the variance of details finer than any length scale; what can't be explained beyond it is noise


def differences(a: Array, b: Array, categorical: NDArray[np.bool_]) -> Array:
    """Squared differences per coordinate, shape (d, n, m); of a choice 0 (same option) or 1."""
    squared: Array = (a.T[:, :, None] - b.T[:, None, :]) ** 2
    squared[categorical] = squared[categorical] > 0
    return squared


def standardised(values: Array) -> tuple[Array, float, float]:
    """Values with outliers cut, mean 0 and standard deviation 1; and the shift and scale that undo it.

    NaN counts as the median: a failed trial is worse than the good ones, and says nothing of the poor ones. The
    unit is the distance from the median to the 16% quantile (one standard deviation of a normal distribution):
    poor trials, however poor, are cut at 2 of them.

    Returns:
        z of shape (n,), shift and scale with value = shift + scale * z (where nothing was cut).
    """
    known = np.isfinite(values)
    finite = values[known] if known.any() else np.zeros(1)
    median, low = np.quantile(finite, [0.5, 0.16])
    unit = median - low
    if unit <= 1e-9 * finite.std():  # most values are equal
        unit = finite.std() or 1.0
    z = np.clip((np.where(known, values, median) - median) / unit, *CLIP)
    mean, sd = float(z.mean()), float(z.std()) or 1.0
    return (z - mean) / sd, float(median + unit * mean), float(unit * sd)


def _matern(squared: Array) -> tuple[Array, Array]:
    """The Matern 5/2 correlation at squared scaled distances r^2, and -2 times its derivative by r^2 (eq. 4.17)."""
    root = np.sqrt(5.0 * squared)
    decay = np.exp(-root)
    return (1.0 + root + 5.0 / 3.0 * squared) * decay, 5.0 / 3.0 * (1.0 + root) * decay


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process.

    Args:
        points, values: the trials it is conditioned on, shapes (n, d) and (n,), NaN: failed.
        z: their standardised values, shape (n,).
        categorical: which coordinates are choices, shape (d,).
        lengths: the length scale of each coordinate, shape (d,).
        signal, noise: variances.
        lower: the Cholesky factor of the trials' covariance, (n, n).
        alpha: covariance^-1 z, shape (n,).
        shift, scale: what brings z back to values.
    """

    points: Array
    values: Array
    z: Array
    categorical: NDArray[np.bool_]
    lengths: Array
    signal: float
    noise: float
    lower: Array
    alpha: Array
    shift: float
    scale: float

    @classmethod
    def fit(
        cls,
        points: Array,
        values: Array,
        categorical: NDArray[np.bool_],
        seed: int = 0,
        *,
        kept: int = KEPT,
        like: "GaussianProcess | None" = None,
    ) -> "GaussianProcess":
        """The process of maximum posterior density, conditioned on (a subset of) the trials.

        Args:
            points: shape (n, d).
            values: shape (n,), lower is better, NaN: failed.
            categorical: which coordinates are choices, shape (d,).
            seed: chooses the subset where there are more than `kept` trials.
            kept: at most so many trials are conditioned on.
            like: a process whose length scales and variances are taken over instead of being learned anew.
        """
        order = np.lexsort(np.vstack([points.T, values]))  # the order in which they were told is not to matter
        points, values = points[order], values[order]
        z, shift, scale = standardised(values)
        chosen = _subset(z, kept, seed)
        points, values, z = points[chosen], values[chosen], z[chosen]
        if like is None:
            fitted = _subset(z, FITTED, seed)
            lengths, signal, noise = _most_likely(points[fitted], z[fitted], categorical)
        else:
            lengths, signal, noise = like.lengths, like.signal, like.noise
        covariance = signal * _correlation(points, points, lengths, categorical)
        covariance[np.diag_indices_from(covariance)] += noise
        lower = cholesky(covariance, lower=True)
        alpha = cho_solve((lower, True), z)
        return cls(points, values, z, categorical, lengths, signal, noise, lower, alpha, shift, scale)

    def covariance(self, a: Array, b: Array) -> Array:
        """The prior covariance of the values at points a and b, shape (n, m)."""
        return self.signal * _correlation(a, b, self.lengths, self.categorical)

    def mean(self, points: Array) -> Array:
        """The posterior mean of z, shape (n,)."""
        parts = np.array_split(points, len(points) // 2000 + 1)  # no large matrix for 100,000 points
        return np.concatenate([self.covariance(part, self.points) @ self.alpha for part in parts])

    def smoothed(self, points: Array, values: Array) -> Array:
        """What finished trials are likely to give again, shape (n,), in the unit of the values.

        The posterior mean plus a share of what is left over, `ROUGH` over the noise's variance: functions have
        details finer than any length scale, measurements have noise, and only the one beyond `ROUGH` is taken for
        luck (of a detail and noise that are both normal this share is what is expected of the detail).

        Args:
            points: shape (n, d).
            values: shape (n,); NaN stays NaN.
        """
        z = np.clip((values - self.shift) / self.scale, self.z.min(), self.z.max())
        mean = self.mean(points)
        return self.shift + self.scale * (mean + min(1.0, ROUGH / self.noise) * (z - mean))

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """The posterior mean of z, shape (m,), and what the trials tell of it, shape (n, m).

        The second is lower^-1 k(trials, points): posterior covariance = prior - told.T @ told (algorithm 2.1).
        """
        covariance = self.covariance(self.points, points)
        told: Array = solve_triangular(self.lower, covariance, lower=True, check_finite=False)
        return self.alpha @ covariance, told

    def believing(self, points: Array) -> "GaussianProcess":
        """The process as if trials at these points, shape (p, d), had given what it expects: as sure as then.

        Its mean stays as it is (Ginsbourger et al. 2010, the kriging believer).
        """
        if not len(points):
            return self
        n = len(self.points)
        mean, told = self.posterior(points)
        corner = self.covariance(points, points) - told.T @ told
        corner[np.diag_indices_from(corner)] += self.noise
        lower = np.zeros((n + len(points), n + len(points)))
        lower[:n, :n], lower[n:, :n], lower[n:, n:] = self.lower, told.T, cholesky(corner, lower=True)
        return replace(
            self,
            points=np.concatenate([self.points, points]),
            values=np.concatenate([self.values, self.shift + self.scale * mean]),
            z=np.concatenate([self.z, mean]),
            lower=lower,
            alpha=np.concatenate([self.alpha, np.zeros(len(points))]),
        )


def _correlation(a: Array, b: Array, lengths: Array, categorical: NDArray[np.bool_]) -> Array:
    correlation = np.empty((len(a), len(b)))
    rows = max(1, BLOCK // max(len(b), 1))
    for start in range(0, len(a), rows):
        part = a[start : start + rows]
        squared = np.zeros((len(part), len(b)))
        difference = np.empty_like(squared)
        for j in range(a.shape[1]):
            np.subtract(part[:, j, None], b[:, j], out=difference)
            if categorical[j]:
                np.not_equal(difference, 0, out=difference)
            else:
                np.square(difference, out=difference)
            squared += np.divide(difference, lengths[j] ** 2, out=difference)
        correlation[start : start + rows] = _matern(squared)[0]
    return correlation


def _subset(z: Array, size: int, seed: int) -> NDArray[np.intp]:
    """Indices of at most `size` trials: the better half of that many, and others at random."""
    if len(z) <= size:
        return np.arange(len(z))
    order = np.argsort(z, kind="stable")
    others = np.random.default_rng(seed).choice(order[size // 2 :], size - size // 2, replace=False)
    return np.sort(np.concatenate([order[: size // 2], others]))


def _most_likely(points: Array, z: Array, categorical: NDArray[np.bool_]) -> tuple[Array, float, float]:
    """Length scales, signal and noise variance of maximum posterior density, by L-BFGS."""
    loss, centre, bounds = negative_log_posterior(points, z, categorical)
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=list(bounds), options={"maxiter": ITERATIONS})
    *lengths, signal, noise = np.exp(found.x).tolist()
    return np.array(lengths), signal, noise


def negative_log_posterior(
    points: Array, z: Array, categorical: NDArray[np.bool_]
) -> tuple[Callable[[Array], tuple[float, Array]], Array, Array]:
    """What the hyperparameters minimise: eq. 5.8 and 5.9 of Rasmussen and Williams, and a normal prior.

    Returns:
        A function of theta, the logs of d length scales, signal and noise variance, to the loss and its
        gradient, (d + 2,); the prior's centre, (d + 2,); the bounds of theta, (d + 2, 2).
    """
    n, d = points.shape
    squared = differences(points, points, categorical).reshape(d, n * n)
    length = np.log(LENGTH) + 0.5 * np.log(max(d, 4) / 4)
    centre = np.array([length] * d + [np.log(SIGNAL), np.log(NOISE)])
    spread = np.array([LENGTH_SD] * d + [SIGNAL_SD, NOISE_SD])
    bounds = np.log([LENGTH_BOUNDS] * d + [SIGNAL_BOUNDS, NOISE_BOUNDS])

    def loss(theta: Array) -> tuple[float, Array]:
        inverse_squares, signal, noise = np.exp(-2 * theta[:d]), np.exp(theta[d]), np.exp(theta[d + 1])
        correlation, slope = _matern((inverse_squares @ squared).reshape(n, n))
        covariance = signal * correlation
        covariance[np.diag_indices(n)] += noise
        lower = cholesky(covariance, lower=True, check_finite=False)
        alpha = cho_solve((lower, True), z, check_finite=False)
        inverse = dpotri(lower, lower=1)[0]  # only its lower triangle
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weight = inverse - np.outer(alpha, alpha)
        gradient = np.empty(d + 2)
        gradient[:d] = 0.5 * inverse_squares * (squared @ (weight * (signal * slope)).ravel())
        gradient[d] = 0.5 * signal * np.sum(weight * correlation)
        gradient[d + 1] = 0.5 * noise * np.trace(weight)
        away = (theta - centre) / spread
        value = 0.5 * z @ alpha + np.log(np.diag(lower)).sum() + 0.5 * away @ away
        return float(value), gradient + away / spread

    return loss, centre, bounds
