"""Which hyperparameters make one winner better than another, by the process of both studies' trials."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caviar._threads import one_blas_thread
from caviar.insight.estimate import Z_95, Estimate
from caviar.records.outcome import Outcome
from caviar.records.search_log import Observed
from caviar.search.gaussian_process import GaussianProcess
from caviar.space import Space
from caviar.space.scales import Array

_MOST_CHANGES = 10  # 2^10 configs between the winners


@dataclass(frozen=True)
class HyperparameterGain:
    """What the step from one winner's value of a hyperparameter to the other's gains, with a 95% interval."""

    hyperparameter: str
    a: object
    b: object
    gain: Estimate  # > 0 if the value of b is better, in the unit of the metric


@one_blas_thread()
def gains_between(a: Outcome, b: Outcome) -> tuple[HyperparameterGain, ...]:
    """Return what each hyperparameter gains between the winners of two studies, the largest gain first.

    These are Shapley values (Shapley 1953) of the posterior mean: the gain of a change, averaged over all orders in
    which the winner of a can become that of b; they sum to the difference that the process sees. The process is fitted
    to the trials of both studies, and its covariance gives the intervals. A choice and its sub-space change together.

    Returns () where this would say nothing: other spaces, data or code; more than ten changes; equal winners.
    """
    space = a.settings.space
    if a.space != space or b.space != space or not _same_function(a, b):
        return ()
    start, end = (space.snap(space.points([outcome.best.config]))[0] for outcome in (a, b))
    roots = _roots(space)
    changed = [name for name in dict.fromkeys(roots) if (start != end)[roots == name].any()]
    if not 1 <= len(changed) <= _MOST_CHANGES:
        return ()
    observed = [entry for outcome in (a, b) for entry in outcome.search_log if isinstance(entry, Observed)]
    points = space.snap(np.concatenate([entry.points for entry in observed]))
    process = GaussianProcess.fit(points, np.concatenate([e.values for e in observed]), space.categorical)
    masks = np.array([*itertools.product([False, True], repeat=len(changed))])
    # which coordinates each config takes from b's winner; where the winners agree, it does not matter
    taken = np.array([masks[:, changed.index(name)] if name in changed else masks[:, 0] for name in roots]).T
    mean, v = process.posterior(corners := np.where(taken, end, start))
    covariance = process.kernel.covariance(corners, corners) - v.T @ v
    weights = _shapley_weights(masks)
    gains = -process.scale * (weights @ mean)
    margins = Z_95 * process.scale * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", weights, covariance, weights), 0))
    found = [
        HyperparameterGain(str(name), a.best.config.get(name), b.best.config.get(name), Estimate(g, g - m, g + m))
        for name, g, m in zip(changed, gains.tolist(), margins.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: -abs(each.gain.value)))


def _same_function(a: Outcome, b: Outcome) -> bool:
    """Whether a config and a seed give the same value in both studies."""
    one, other = (
        (s.source.kind, s.source.fingerprint, s.source.function, s.source.target, s.space, s.objective, s.epochs)
        for s in (a.settings, b.settings)
    )
    return one == other


def _roots(space: Space) -> NDArray[np.str_]:
    """Return for each coordinate the hyperparameter outside of all sub-spaces that it belongs to, shape (d,)."""
    roots: list[str] = []
    for dimension in space.dimensions:
        roots.append(dimension.name if dimension.parent is None else roots[dimension.parent])
    return np.array(roots)


def _shapley_weights(masks: NDArray[np.bool_]) -> Array:
    """Return the matrix that turns values of all subsets, (2^m,), into the Shapley value of each change, (m, 2^m)."""
    m, sizes = masks.shape[1], masks.sum(axis=1)
    factorial = np.array([math.factorial(k) for k in range(m + 1)], dtype=float)
    others = np.where(masks.T, sizes - 1, sizes)  # how many of the other changes have been made
    weights: Array = factorial[others] * factorial[m - 1 - others] / factorial[m]
    return np.where(masks.T, weights, -weights)
