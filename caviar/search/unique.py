"""Which points of a space are the same config, and how to fill a batch without repeating one.

Two points give the same config exactly when they snap to the same point, so snapped points are compared bit by bit.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from caviar.space import Choice, Space
from caviar.space.scales import Array

_MAX_ENUMERATED = 20_000  # larger spaces are not enumerated
_MAX_DRAWS = 20


def isin(points: Array, others: Array) -> NDArray[np.bool_]:
    """Return which snapped points, shape (n, d), are rows of `others`, shape (m, d).

    >>> isin(np.array([[0.25], [0.75]]), np.array([[0.75]]))
    array([False,  True])
    """
    keys = {row.tobytes() for row in others}
    return np.array([row.tobytes() in keys for row in points], dtype=bool)


def deduplicate(space: Space, points: Array, exclude: Array) -> Array:
    """Snap points, shape (n, d), and return each config once, in order, without those in `exclude`.

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


def fill_batch(space: Space, points: Array, count: int, exclude: Array, generator: np.random.Generator) -> Array:
    """Return exactly `count` snapped points: new ones from `points`, then new random ones, then repeats.

    Args:
        space: decides which points are the same config.
        points: the preferred points in order, shape (n, d).
        count: the number of points to return.
        exclude: snapped points that are not new, shape (m, d).
        generator: draws the random points.

    >>> from caviar.space import randint
    >>> points = np.array([[0.75], [0.25]])
    >>> fill_batch(Space(units=randint(1, 2)), points, 1, points[:1], np.random.default_rng(0))
    array([[0.25]])
    """
    batch = deduplicate(space, points, exclude)[:count]
    for _ in range(_MAX_DRAWS):
        if len(batch) == count:
            return batch
        more = deduplicate(space, generator.random((count, space.dimension)), np.concatenate([exclude, batch]))
        batch = np.concatenate([batch, more])[:count]
    if np.isfinite(space.levels).all() and space.levels.prod() <= _MAX_ENUMERATED:
        remaining = deduplicate(space, _every_point(space), np.concatenate([exclude, batch]))
        batch = np.concatenate([batch, generator.permutation(remaining)])[:count]
    return np.concatenate([batch, space.snap(generator.random((count - len(batch), space.dimension)))])


def _every_point(space: Space) -> Array:
    """Return the points of all combinations of integers and options, shape (n, d)."""
    hyperparameters = [dimension.hyperparameter for dimension in space.dimensions]
    axes = [
        h.units(h.options if isinstance(h, Choice) else h.low + np.arange(h.levels) * (h.step or 0.0))
        for h in hyperparameters
    ]
    return np.array(list(itertools.product(*axes)), dtype=float)
