"""Predictions of how stopped trials would have ended, from all curves of a study; a benchmark of early stopping."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caviar.search.gaussian_process import GaussianProcess
from caviar.space.scales import Array

_DOUBLINGS = 4  # the first rung is a sixteenth of the epochs
_PRIOR = 2.0  # how many curves the prior counts for, which says that every fall is half of the one before


def predicted_ends(curves: Array, trained: NDArray[np.int_], until: NDArray[np.int_]) -> Array:
    """Return predicted ends: the fall of a curve in a doubling of epochs is linear in its fall in the one before.

    Args:
        curves: measured, shape (n, epochs).
        trained: the epochs of each trial that were trained, shape (n,); each linear function is fitted to all curves
            that have its epochs.
        until: the epochs of each trial that its prediction is from, shape (n,).
    """
    epochs = curves.shape[1]
    rungs = [round(epochs / 2**k) for k in range(_DOUBLINGS, -1, -1)]
    measured = [curves[:, max(0, rung - (2 if 3 < rung < epochs else 1)) : rung].mean(axis=1) for rung in rungs]
    predicted = measured.copy()
    for k in range(2, len(rungs)):
        before, falls, known = measured[k - 2] - measured[k - 1], measured[k - 1] - measured[k], trained >= rungs[k]
        features = np.stack([np.ones(known.sum()), before[known]], axis=1)
        prior = _PRIOR * np.diag([1.0, np.median(np.abs(before)) ** 2 + 1e-12])
        weights = np.linalg.solve(features.T @ features + prior, features.T @ falls[known] + prior @ [0.0, 0.5])
        fall = weights[0] + weights[1] * (predicted[k - 2] - predicted[k - 1])
        predicted[k] = np.where(until >= rungs[k], measured[k], predicted[k - 1] - fall)
    return predicted[-1]


@dataclass(frozen=True, eq=False)
class ProcessOfEnds(GaussianProcess):
    """A Gaussian process over configs and log epochs, seen at the last epoch; `points` are the trials."""

    over_epochs: GaussianProcess

    def mean(self, points: Array) -> Array:
        """Return the posterior mean of z at the end, shape (m,), at points of shape (m, d)."""
        return self.over_epochs.mean(_beside(points, 1.0))

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """Return the posterior mean of z at the end, and a factor of its covariance; see `GaussianProcess`."""
        return self.over_epochs.posterior(_beside(points, 1.0))


def process_of_ends(
    points: Array, curves: Array, trained: NDArray[np.int_], categorical: NDArray[np.bool_], rungs: tuple[int, ...]
) -> ProcessOfEnds:
    """Return the process of the ends of trials; it is told what they are predicted to be after each of the rungs."""
    epochs = curves.shape[1]
    rows, values = [], []
    for rung in (*rungs, epochs):
        there = trained >= rung
        rows.append(_beside(points[there], np.log(rung) / np.log(epochs)))
        values.append(predicted_ends(curves, trained, np.minimum(trained, rung))[there])
    inner = GaussianProcess.fit(np.concatenate(rows), np.concatenate(values), np.append(categorical, False))
    kernel = replace(inner.kernel, length_scales=inner.kernel.length_scales[:-1], categorical=categorical)
    ends = predicted_ends(curves, trained, trained)
    return ProcessOfEnds(points, ends, inner.z, kernel, inner.factor, inner.alpha, inner.shift, inner.scale, inner)


def _beside(points: Array, epoch: float) -> Array:
    return np.concatenate([points, np.full((len(points), 1), epoch)], axis=1)
