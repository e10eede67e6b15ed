"""Expected improvement in logarithms, which has a slope even where the improvement itself underflows.

After Ament et al. (2023), "Unexpected improvements to expected improvement for Bayesian optimization".
"""

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used

from caviar.space.scales import Array

_LOG_NORMAL = -0.5 * np.log(2 * np.pi)
_FAR = -1e3  # below, an expansion is more precise


def log_h(u: Array) -> tuple[Array, Array]:
    """Return log(phi(u) + u Phi(u)), where phi and Phi are the normal density and distribution, and its derivative.

    >>> value, slope = log_h(np.array([-2000.0, 0.0, 1e9]))
    >>> value.round(2).tolist(), slope.round(2).tolist()
    ([-2000016.12, -0.92, 20.72], [2000.0, 1.25, 0.0])
    """
    value, slope = np.empty_like(u), np.empty_like(u)
    near, far = u > -1.0, u < _FAR
    x = u[near]
    h = np.exp(_LOG_NORMAL - 0.5 * x**2) + x * (below := scipy.special.ndtr(x))
    value[near], slope[near] = np.log(h), below / h
    x = u[middle := ~(near | far)]
    ratio = np.sqrt(np.pi / 2) * scipy.special.erfcx(-x / np.sqrt(2))  # Phi(x) / phi(x)
    rest = 1.0 + x * ratio  # h / phi(x)
    value[middle], slope[middle] = _LOG_NORMAL - 0.5 * x**2 + np.log(rest), ratio / rest
    x = u[far]
    value[far], slope[far] = _LOG_NORMAL - 0.5 * x**2 - 2 * np.log(-x), -x
    return value, slope


def log_expected_improvement(mean: Array, sd: Array, best: Array) -> tuple[Array, Array, Array]:
    """Return the log of the expected improvement averaged over samples, and its slopes along mean and sd.

    Args:
        mean: of each sample at each point, shape (m, s).
        sd: at each point, the same in all samples, shape (m,).
        best: the value to improve on in each sample, lower is better, shape (s,).

    Returns:
        The logs, shape (m,), their derivatives by mean, shape (m, s), and by sd, shape (m,).

    >>> log_expected_improvement(np.array([[0.0]]), np.array([1.0]), np.array([0.0]))[0].round(2)
    array([-0.92])
    """
    u = (best - mean) / sd[:, None]
    logs, slope = log_h(u)
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - top)
    total = weights.sum(axis=1, keepdims=True)
    value = np.log(sd) + top[:, 0] + np.log(total[:, 0] / mean.shape[1])
    weighted = weights / total * slope
    return value, -weighted / sd[:, None], (1.0 - (weighted * u).sum(axis=1)) / sd


def log_expected_improvement_bounds(mean: Array, sd: Array, best: Array) -> tuple[Array, Array]:
    """Return a lower and an upper bound of `log_expected_improvement`, shape (m,) each, for a tenth of its time.

    The improvement is convex in u, so its average is at least that of the average u (Jensen's inequality); it is at
    most that of the largest u, and at least its share of it.

    >>> log_expected_improvement_bounds(np.array([[0.0]]), np.array([1.0]), np.array([0.0]))
    (array([-0.91893853]), array([-0.91893853]))
    """
    u = (best - mean) / sd[:, None]
    average, largest = log_h(u.mean(axis=1))[0], log_h(u.max(axis=1))[0]
    lower = np.maximum(average, largest - np.log(u.shape[1]))
    return np.log(sd) + lower, np.log(sd) + largest
