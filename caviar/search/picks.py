"""Which points a wave consists of: many candidates in and around the square, the best of them picked.

The Gaussian process prices candidates, so that their number, not their quality, is what a wave's cost
depends on. `ladder` spreads the picks; `grouped` lets neighbours share coordinates that are cheap to share.
"""

from collections.abc import Sequence

import numpy as np

from caviar.search.gaussian_process import GaussianProcess
from caviar.search.sampling import sobol_points
from caviar.search.square import Square
from caviar.space import Space
from caviar.space.scales import Array

WHOLE, LOCAL = 0.10, 0.50  # the shares of candidates from the whole space, and by small steps
ELITES = 10  # small steps start from so many trials,
STEPS = (0.03, 0.1, 0.3)  # are this much of a length scale wide,
CHANGED = 1 / 3  # and change this share of the coordinates
BETA = 2.0  # the boldest confidence bound of a wave


def candidates(
    space: Space, process: GaussianProcess, square: Square, count: int, generator: np.random.Generator
) -> Array:
    """Points to choose from: small steps from the best trials, the square, and the whole space as insurance.

    Returns:
        Points of the unit cube, not snapped, shape (count, d).
    """
    local, whole = round(LOCAL * count), round(WHOLE * count)
    elites = process.points[np.argsort(process.mean(process.points), kind="stable")[:ELITES]]
    return np.concatenate(
        [
            _steps(space, process, square, elites, local, generator),
            square.inside(sobol_points(count - local - whole, space.dimension, generator)),
            generator.random((whole, space.dimension)),
        ]
    )


def _steps(
    space: Space,
    process: GaussianProcess,
    square: Square,
    elites: Array,
    count: int,
    generator: np.random.Generator,
) -> Array:
    """Small steps from the elites in some of the coordinates, shape (count, d)."""
    d = space.dimension
    start = elites[generator.integers(len(elites), size=count)]
    sd = np.minimum(process.lengths, 1) * generator.choice(STEPS, (count, 1))
    sd = np.maximum(sd, 0.5 / space.levels)  # or whole numbers would never change
    moved = np.clip(start + sd * generator.standard_normal((count, d)), 0, 1)
    moved = np.where(space.categorical, square.inside(generator.random((count, d))), moved)
    changed = generator.random((count, d)) < CHANGED
    if d:
        changed[np.arange(count), generator.integers(d, size=count)] = True
    return np.where(changed, moved, start)


def ladder(process: GaussianProcess, found: Array, pending: Array, count: int) -> Array:
    """The best candidates by a ladder of confidence bounds, from what is safe to what is bold.

    The i-th pick minimises mean - beta_i sd, beta from 0 to 2; its variance is conditioned on before the
    next pick, so that a wave doesn't sit on one spot.

    Args:
        found: candidates, shape (m, d).
        pending: points that are being tried, shape (p, d).
    """
    everything = np.concatenate([pending, found])
    mean, basis = process.mean(everything), process.projected(everything)
    variance = process.signal - (basis**2).sum(axis=0)
    betas = np.concatenate([np.zeros(len(pending)), np.linspace(0, BETA, count) if count > 1 else [BETA / 2]])
    steps = min(len(everything), len(betas))
    factors = np.zeros((steps, len(everything)))  # rows of a Cholesky factor: what each pick tells of the others
    left = np.arange(len(everything)) >= len(pending)
    picks: list[int] = []
    for step in range(steps):
        bounds = mean - betas[step] * np.sqrt(np.maximum(variance, 0))
        i = step if step < len(pending) else int(np.argmin(np.where(left, bounds, np.inf)))
        left[i] = False
        picks.append(i)
        row = process.covariance(everything[i : i + 1], everything)[0] - basis[:, i] @ basis
        row -= factors[:step, i] @ factors[:step]
        factors[step] = row / np.sqrt(max(variance[i], 0) + process.noise)
        variance = variance - factors[step] ** 2
    return everything[picks[len(pending) :]]


def grouped(points: Array, shared: Sequence[int], group: int) -> Array:
    """The points reordered, and changed so that each `group` consecutive ones agree in some coordinates.

    The first point that is left leads a group: the points nearest to it in the shared coordinates join it and
    take its values there, so that picks move as little as they can.

    >>> grouped(np.array([[0.1, 0.0], [0.2, 0.9], [0.3, 0.1]]), [1], group=2)
    array([[0.1, 0. ],
           [0.3, 0. ],
           [0.2, 0.9]])
    """
    columns, left, done = list(shared), points.copy(), []
    if not columns or group == 1:
        return points
    while len(left):
        distances = np.abs(left[:, columns] - left[0, columns]).sum(axis=1)
        near = np.argsort(distances, kind="stable")[:group]
        members = left[near]
        members[:, columns] = left[0, columns]
        done.append(members)
        left = np.delete(left, near, axis=0)
    return np.concatenate(done) if done else points
