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

    >>> value, slope = log_h(np.array([-1e9, 0.0, 1e9]))
    >>> value.round(2).tolist(), slope.round(2).tolist()
    ([-5e+17, -0.92, 20.72], [1000000000.0, 1.25, 0.0])
    """
    tail = np.clip(u, _FAR, -1.0)
    ratio = np.sqrt(np.pi / 2) * scipy.special.erfcx(-tail / np.sqrt(2))  # Phi(u) / phi(u)
    rest = 1.0 + tail * ratio
    near = np.maximum(u, -1.0)
    density, below = np.exp(_LOG_NORMAL - 0.5 * near**2), scipy.special.ndtr(near)
    h = density + near * below
    far, middle = u < _FAR, u < -1.0
    square = np.minimum(u, -1.0) ** 2
    value = np.where(middle, _LOG_NORMAL - 0.5 * square + np.where(far, -np.log(square), np.log(rest)), np.log(h))
    slope = np.where(far, -u, np.where(middle, ratio / rest, below / h))
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
