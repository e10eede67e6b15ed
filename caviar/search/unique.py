"""Which points of a space are the same config, and how to fill a batch without repeating one.

Two points give the same config exactly when they snap to the same point, so snapped points are compared bit by bit.
"""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from caviar.space import Choice, Space
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

MAX_ENUMERATED = 20_000  # larger spaces are not enumerated
MAX_DRAWS = 20


def isin(points: Array, others: Array) -> NDArray[np.bool_]:
    """Return which snapped points, shape (n, d), are rows of `others`, shape (m, d).

    >>> isin(np.array([[0.25], [0.75]]), np.array([[0.75]]))
    array([False,  True])
    """
    keys = {row.tobytes() for row in others}
    return np.array([row.tobytes() in keys for row in points], dtype=bool)


def deduplicate(space: Space, points: Array, exclude: Array) -> Array:
    """Return the points snapped, in order, each config once and none of `exclude`.

    Args:
        space: decides which points are the same config.
        points: points of the unit cube, shape (n, d).
        exclude: snapped points, shape (m, d).

    >>> from caviar.space import randint
    >>> deduplicate(Space(units=randint(1, 2)), np.array([[0.1], [0.2], [0.9]]), np.empty((0, 1)))
    array([[0.25],
           [0.75]])
    """
    points = space.snap(points)
    keys = {row.tobytes() for row in exclude}
    rows = []
    for i, row in enumerate(points):
        if (key := row.tobytes()) not in keys:
            keys.add(key)
            rows.append(i)
    return points[rows]


def enumerate_points(space: Space) -> Array | None:
    """Return every config of a space as a snapped point, shape (n, d); None if there are more than `MAX_ENUMERATED`.

    >>> from caviar.space import choice
    >>> enumerate_points(Space(kind=choice(["a", "b"])))
    array([[0.25],
           [0.75]])
    """
    levels = space.levels
    if not np.isfinite(levels).all() or levels.prod() > MAX_ENUMERATED:
        return None
    axes = [_interval_middles(dimension.hyperparameter) for dimension in space.dimensions]
    points = np.array(list(itertools.product(*axes)), dtype=float)
    return deduplicate(space, points, points[:0])


def fill_batch(
    space: Space,
    points: Array,
    count: int,
    exclude: Array,
    draw: Callable[[int], Array],
    generator: np.random.Generator,
) -> Array:
    """Return exactly `count` snapped points: new ones of `points`, then new ones of `draw`, then repeats.

    Args:
        space: decides which points are the same config.
        points: the preferred points in order, shape (n, d).
        count: the number of points to return.
        exclude: snapped points that are not new, shape (m, d).
        draw: a function of n that returns n more points, shape (n, d).
        generator: shuffles the remaining configs of a small space.
    """
    batch = deduplicate(space, points, exclude)[:count]
    for _ in range(MAX_DRAWS):
        if len(batch) == count:
            return batch
        more = deduplicate(space, draw(count), np.concatenate([exclude, batch]))
        batch = np.concatenate([batch, more])[:count]
    configs = enumerate_points(space)
    if configs is not None:
        remaining = deduplicate(space, configs, np.concatenate([exclude, batch]))
        batch = np.concatenate([batch, generator.permutation(remaining)])[:count]
    return np.concatenate([batch, space.snap(draw(count - len(batch)))])


def _interval_middles(hyperparameter: Hyperparameter) -> Array:
    """Return the snapped coordinate of every value of a choice or an integer, shape (levels,)."""
    if isinstance(hyperparameter, Choice):
        return hyperparameter.units(hyperparameter.options)
    return hyperparameter.units(np.arange(hyperparameter.low, hyperparameter.high + 1))
