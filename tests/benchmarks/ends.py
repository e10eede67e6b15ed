"""Predictions of how stopped trials would have ended, from all curves of a study; a benchmark of early stopping."""

import numpy as np
from numpy.typing import NDArray

from caviar.search.kernel import Kernel
from caviar.space.scales import Array

_DOUBLINGS = 4  # the first rung is a sixteenth of the epochs
_PRIOR = 2.0  # how many curves the prior counts for, which says that every fall is half of the one before


def doublings(epochs: int) -> list[int]:
    """Return the rungs from a sixteenth of the epochs to all of them.

    >>> doublings(50)
    [3, 6, 12, 25, 50]
    """
    return [round(epochs / 2**k) for k in range(_DOUBLINGS, -1, -1)]


def predicted_ends(
    curves: Array, trained: NDArray[np.int_], points: Array | None = None, categorical: NDArray[np.bool_] | None = None
) -> Array:
    """Return predicted ends: the fall of a curve in a doubling of epochs is linear in its fall in the one before.

    Args:
        curves: measured, shape (n, epochs).
        trained: the epochs of each trial that were trained, shape (n,); each linear function is fitted to all curves
            that have its epochs.
        points, categorical: the configs, shape (n, d), and which coordinates are choices, shape (d,); with them, what
            the linear function is off by is a Gaussian process over the configs.
    """
    rungs = doublings(curves.shape[1])
    measured = [curves[:, max(0, rung - (2 if 3 < rung < rungs[-1] else 1)) : rung].mean(axis=1) for rung in rungs]
    predicted = measured.copy()
    for k in range(2, len(rungs)):
        before, falls, known = measured[k - 2] - measured[k - 1], measured[k - 1] - measured[k], trained >= rungs[k]
        unit = np.median(np.abs(before)) + 1e-9
        features = np.stack([np.ones(len(curves)), before / unit], axis=1)
        queries = np.stack([np.ones(len(curves)), (predicted[k - 2] - predicted[k - 1]) / unit], axis=1)
        inner, outer = features[known] @ features[known].T / _PRIOR, queries @ features[known].T / _PRIOR
        noise = 1.0
        if points is not None and categorical is not None:
            kernel = Kernel(np.ones(points.shape[1]), 1.0, noise := 0.3, categorical)
            inner += kernel.covariance(points[known], points[known])
            outer += kernel.covariance(points, points[known])
        surprise = falls[known] / unit - features[known, 1] / 2
        fall = queries[:, 1] / 2 + outer @ np.linalg.solve(inner + noise * np.eye(len(inner)), surprise)
        predicted[k] = np.where(trained >= rungs[k], measured[k], predicted[k - 1] - np.maximum(unit * fall, 0))
    return predicted[-1]
