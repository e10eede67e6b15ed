"""Which points of a space are the same config, and how to get fresh ones as long as there are any.

Points are told apart snapped: two points give the same config exactly when they snap to the same point.
"""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from caviar.space import Choice, Space
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

COUNTABLE = 20_000  # configs of spaces up to this size are listed where chance finds no fresh one
TRIES = 20


def among(points: Array, taken: Array) -> NDArray[np.bool_]:
    """Which of the snapped points, shape (n, d), are among the snapped points taken, shape (m, d)."""
    known = {row.tobytes() for row in taken}
    return np.array([row.tobytes() in known for row in points], dtype=bool)


def fresh(space: Space, points: Array, taken: Array) -> Array:
    """The points snapped, in order, each config once and none of those taken.

    >>> from caviar.space import randint
    >>> fresh(Space(units=randint(1, 2)), np.array([[0.1], [0.2], [0.9]]), np.empty((0, 1)))
    array([[0.25],
           [0.75]])
    """
    points = space.snap(points)
    known = {row.tobytes() for row in taken}
    keep = []
    for i, row in enumerate(points):
        if (key := row.tobytes()) not in known:
            known.add(key)
            keep.append(i)
    return points[keep]


def every(space: Space) -> Array | None:
    """Every config of a space once, as snapped points, shape (n, d); None where there are too many."""
    levels = space.levels
    if not np.isfinite(levels).all() or levels.prod() > COUNTABLE:
        return None
    axes = [_middles(dimension.hyperparameter) for dimension in space.dimensions]
    points = np.array(list(itertools.product(*axes)), dtype=float)
    return fresh(space, points, points[:0])


def filled(
    space: Space,
    points: Array,
    count: int,
    taken: Array,
    draw: Callable[[int], Array],
    generator: np.random.Generator,
) -> Array:
    """Exactly `count` snapped points: fresh ones of those given, then fresh ones drawn, then repeats.

    Args:
        space: tells which points are the same config.
        points: the points preferred, in order, shape (n, d).
        count: how many to return.
        taken: snapped points that count as used, shape (m, d).
        draw: gives n more points, shape (n, d).
        generator: orders the configs left of a small space.
    """
    chosen = fresh(space, points, taken)[:count]
    for _ in range(TRIES):
        if len(chosen) == count:
            return chosen
        more = fresh(space, draw(count), np.concatenate([taken, chosen]))
        chosen = np.concatenate([chosen, more])[:count]
    configs = every(space)
    if configs is not None:
        left = fresh(space, configs, np.concatenate([taken, chosen]))
        chosen = np.concatenate([chosen, generator.permutation(left)])[:count]
    return np.concatenate([chosen, space.snap(draw(count - len(chosen)))])


def _middles(hyperparameter: Hyperparameter) -> Array:
    """The points of [0, 1] that stand for the values of a choice or a whole number, shape (levels,)."""
    if isinstance(hyperparameter, Choice):
        return hyperparameter.units(hyperparameter.options)
    return hyperparameter.units(np.arange(hyperparameter.low, hyperparameter.high + 1))
