"""Choose the points of a wave: draw many candidates in and around the square, and pick the best batch."""

import numpy as np

from caviar.search.gaussian_process import GaussianProcess
from caviar.search.samplers import sobol_points
from caviar.search.square import Square
from caviar.space import Space
from caviar.space.scales import Array

_WHOLE_SHARE, _LOCAL_SHARE = 0.10, 0.50  # of the candidates: from the whole space, and from local steps
_ELITES = 10  # local steps start from this many of the best trials
_STEP_SIZES = (0.03, 0.1, 0.3)  # of local steps, in length scales
_STEP_SHARE = 1 / 3  # of the coordinates that a local step changes
_LARGEST_BETA = (1.5, 2.5)  # for waves of up to 16 trials, and of 48 or more
_SINGLE_BETA = 1.0  # for a wave of one trial
JOINT_SIZE = 250  # larger batches are split into parts that are chosen independently


def betas(count: int) -> Array:
    """Return the weight of the standard deviation in each point's bound, shape (count,), from 0 (exploit) upwards.

    >>> betas(5)
    array([0.   , 0.375, 0.75 , 1.125, 1.5  ])
    """
    return np.linspace(0, np.clip(1 + count / 32, *_LARGEST_BETA), count) if count > 1 else np.array([_SINGLE_BETA])


def candidates(
    space: Space, process: GaussianProcess, square: Square, count: int, generator: np.random.Generator
) -> Array:
    """Return `count` points to choose from, not snapped, shape (count, d).

    They are local steps from the best trials of the process, points from the square, and some from the whole space.
    """
    local, whole = round(_LOCAL_SHARE * count), round(_WHOLE_SHARE * count)
    return np.concatenate(
        [
            _local_steps(space, process, square, local, generator),
            square.from_unit_cube(sobol_points(count - local - whole, space.dimension, generator)),
            generator.random((whole, space.dimension)),
        ]
    )


def _local_steps(
    space: Space, process: GaussianProcess, square: Square, count: int, generator: np.random.Generator
) -> Array:
    """Return small steps from the best trials along some of the coordinates, shape (count, d)."""
    d = space.dimension
    elites = process.points[np.argsort(process.mean(process.points), kind="stable")[:_ELITES]]
    start = elites[generator.integers(len(elites), size=count)]
    sd = np.minimum(process.kernel.length_scales, 1) * generator.choice(_STEP_SIZES, (count, 1))
    sd = np.maximum(sd, 0.5 / space.levels)  # otherwise integers would never change
    end = np.clip(start + sd * generator.standard_normal((count, d)), 0, 1)
    end = np.where(space.categorical, square.from_unit_cube(generator.random((count, d))), end)
    mask = generator.random((count, d)) < _STEP_SHARE
    if d:
        mask[np.arange(count), generator.integers(d, size=count)] = True
    return np.where(mask, end, start)


def batch_lcb(process: GaussianProcess, points: Array, betas: Array) -> Array:
    """Return a batch of points with the lowest confidence bounds, from exploitation to exploration.

    The i-th point minimises mean - betas[i] sd. The variance is then conditioned on that point, so that the batch
    spreads out (as in GP-BUCB: Desautels et al. 2014, "Parallelizing exploration-exploitation tradeoffs"). Batches
    of more than `JOINT_SIZE` points are chosen in several independent parts.

    Args:
        process: predicts mean and variance.
        points: the candidates, shape (m, d).
        betas: one per point of the batch, shape (k,), in the order of the batch; at most m are used.
    """
    parts = -(-len(betas) // JOINT_SIZE)
    if parts > 1:
        return np.concatenate([batch_lcb(process, points[i::parts], betas[i::parts]) for i in range(parts)])
    mean, v = process.posterior(points)
    variance = process.kernel.signal_variance - (v**2).sum(axis=0)
    steps = min(len(points), len(betas))
    factors = np.zeros((steps, len(points)))  # rows of the Cholesky factor of the posterior covariance
    batch: list[int] = []
    for step in range(steps):
        bounds = mean - betas[step] * np.sqrt(np.maximum(variance, 0))
        bounds[batch] = np.inf
        i = int(np.argmin(bounds))
        batch.append(i)
        row = process.kernel.covariance(points[i : i + 1], points)[0] - v[:, i] @ v
        row -= factors[:step, i] @ factors[:step]
        factors[step] = row / np.sqrt(max(variance[i], 0) + process.kernel.noise_variance)
        variance = variance - factors[step] ** 2
    return points[batch]
