"""Which points of a space are the same config, and how to fill a batch without repeating one.

Two points give the same config exactly when they snap to the same point, so snapped points are compared bit by bit.
"""

import itertools
from collections.abc import Set

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
    known = {*keys(others)}
    return np.array([key in known for key in keys(points)], dtype=bool)


def keys(points: Array) -> list[bytes]:
    """Return a key for each snapped point, shape (n, d): equal points have equal keys, others different ones.

    >>> len(set(keys(np.array([[0.25], [0.75], [0.25]]))))
    2
    """
    return [row.tobytes() for row in points]


def deduplicate(space: Space, points: Array, seen: Set[bytes]) -> Array:
    """Snap points, shape (n, d), and return each config once, in order, without those whose keys were seen.

    >>> from caviar.space import randint
    >>> deduplicate(Space(units=randint(1, 2)), np.array([[0.1], [0.2], [0.9]]), set())
    array([[0.25],
           [0.75]])
    """
    points = space.snap(points)
    first = {key: i for i, key in reversed([*enumerate(keys(points))]) if key not in seen}
    return points[sorted(first.values())]


def fill_batch(space: Space, points: Array, count: int, seen: Set[bytes], generator: np.random.Generator) -> Array:
    """Return exactly `count` snapped points: new ones from `points`, then new random ones, then repeats.

    Args:
        space: decides which points are the same config.
        points: the preferred points in order, shape (n, d).
        count: the number of points to return.
        seen: keys of points that are not new.
        generator: draws the random points.

    >>> from caviar.space import randint
    >>> points = np.array([[0.75], [0.25]])
    >>> fill_batch(Space(units=randint(1, 2)), points, 1, {*keys(points[:1])}, np.random.default_rng(0))
    array([[0.25]])
    """
    batch = deduplicate(space, points, seen)[:count]
    if len(batch) == count:
        return batch
    seen = seen | {*keys(batch)}
    for _ in range(_MAX_DRAWS):
        more = deduplicate(space, generator.random((count, space.dimension)), seen)[: count - len(batch)]
        batch, seen = np.concatenate([batch, more]), seen | {*keys(more)}
        if len(batch) == count:
            return batch
    if np.isfinite(space.levels).all() and space.levels.prod() <= _MAX_ENUMERATED:
        remaining = deduplicate(space, _every_point(space), seen)
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
