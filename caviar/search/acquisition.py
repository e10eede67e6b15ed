"""Which points a wave consists of: many candidates in and around the square, the best of them picked.

The Gaussian process prices candidates, so that their number, not their quality, is what a wave's cost
depends on. `ladder` spreads the picks; `grouped_ladder` lets consecutive ones share coordinates.
"""

from collections.abc import Sequence

import numpy as np

from caviar.search.gaussian_process import GaussianProcess
from caviar.search.samplers import sobol_points
from caviar.search.square import Square
from caviar.search.unique import fresh
from caviar.space import Space
from caviar.space.scales import Array

WHOLE, LOCAL = 0.10, 0.50  # the shares of candidates from the whole space, and by small steps
ELITES = 10  # small steps start from so many trials,
STEPS = (0.03, 0.1, 0.3)  # are this much of a length scale wide,
CHANGED = 1 / 3  # and change this share of the coordinates
BETA = (1.5, 2.5)  # the boldest confidence bound of a wave of 16 or less, of 48 or more,
SINGLE = 1.0  # and the bound of a single pick
MEMBERS = 100  # candidates for the rest of a group, at most (and eight a point at least)
TOGETHER = 250  # picks that know of each other


def boldness(count: int) -> Array:
    """The betas of a wave's confidence bounds, shape (count,): from 0 to the boldest; in between for a single pick.

    >>> boldness(5)
    array([0.   , 0.375, 0.75 , 1.125, 1.5  ])
    """
    return np.linspace(0, np.clip(1 + count / 32, *BETA), count) if count > 1 else np.array([SINGLE])


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


def ladder(process: GaussianProcess, found: Array, betas: Array) -> Array:
    """The best candidates by a ladder of confidence bounds, from what is safe to what is bold.

    The i-th pick minimises mean - beta_i sd; its variance is conditioned on before the next pick, so that a
    wave doesn't sit on one spot. Waves of more than `TOGETHER` are put together from several such ladders.

    Args:
        process: prices the candidates.
        found: candidates, shape (m, d).
        betas: one a pick, shape (k,).

    Returns:
        The picks in order, shape (at most k, d).
    """
    parts = -(-len(betas) // TOGETHER)
    if parts > 1:
        return np.concatenate([ladder(process, found[i::parts], betas[i::parts]) for i in range(parts)])
    mean, told = process.posterior(found)
    variance = process.signal - (told**2).sum(axis=0)
    steps = min(len(found), len(betas))
    factors = np.zeros((steps, len(found)))  # rows of a Cholesky factor: what each pick tells of the others
    picks: list[int] = []
    for step in range(steps):
        bounds = mean - betas[step] * np.sqrt(np.maximum(variance, 0))
        bounds[picks] = np.inf
        i = int(np.argmin(bounds))
        picks.append(i)
        row = process.covariance(found[i : i + 1], found)[0] - told[:, i] @ told
        row -= factors[:step, i] @ factors[:step]
        factors[step] = row / np.sqrt(max(variance[i], 0) + process.noise)
        variance = variance - factors[step] ** 2
    return found[picks]


def grouped_ladder(
    space: Space,
    process: GaussianProcess,
    found: Array,
    taken: Array,
    betas: Array,
    shared: Sequence[int],
    group: int,
) -> Array:
    """A ladder whose every `group` consecutive picks agree in the shared coordinates.

    The first of every group are picked freely. The candidates are dealt out among the groups and moved to their
    shared coordinates; the others are picked from these, knowing the first of all groups and the rest of their own.

    Returns:
        The picks in order, shape (at most k, d).
    """
    columns, picks = list(shared), found[:0]
    leaders = ladder(process, found, betas[::group])
    number = max(8 * group, min(MEMBERS, len(found) // max(len(leaders), 1)))
    process = process.believing(leaders)
    for i, leader in enumerate(leaders):
        moved = np.roll(found, -i * number, axis=0)[:number]
        moved[:, columns] = leader[columns]
        moved = fresh(space, moved, np.concatenate([taken, leaders, picks]))
        members = ladder(process, moved, betas[i * group + 1 : (i + 1) * group])
        picks = np.concatenate([picks, leader[None], members])
    return picks
