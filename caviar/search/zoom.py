"""From finished trials to the square: find the best cluster, and draw the region around its best member.

The square shrinks wave by wave, and more in coordinates along which values change fast: it stays wide where
the data show that a hyperparameter hardly matters.
"""

import numpy as np

from caviar.search.clustering import best_cluster
from caviar.search.gaussian_process import GaussianProcess
from caviar.search.square import Square
from caviar.space import Space
from caviar.space.scales import Array

HALF_SIDE, SHRINK = 0.5, 0.75  # the half side is .5 x .75^(level + 1),
LONGEST = 2.0  # times the length scale (up to this) relative to the others' geometric mean,
NARROW, WIDE = 0.5, 2.0  # within these bounds


def zoom(space: Space, process: GaussianProcess, level: int) -> Square:
    """The square around the best cluster's best member.

    Args:
        space: what may vary.
        process: fitted to the finished trials, at least one of them not NaN.
        level: 1 before the first fine wave, then one more each.
    """
    finished = np.flatnonzero(np.isfinite(process.values))
    points = process.points[finished]
    members = best_cluster(points, process.mean(points), 1 / process.lengths, space.categorical)
    centre = points[members[0]]
    half = HALF_SIDE * SHRINK ** (level + 1) * _relative(process.lengths)
    low = np.where(space.categorical, 0.0, np.maximum(centre - half, 0))
    high = np.where(space.categorical, 1.0, np.minimum(centre + half, 1))
    weights = tuple(
        _proportions(points[members, j], int(space.levels[j])) if categorical else ()
        for j, categorical in enumerate(space.categorical)
    )
    reason = f"{len(members)} of {len(finished)} finished trials form the best cluster"
    return Square(tuple(low.tolist()), tuple(high.tolist()), tuple(centre.tolist()), weights, reason)


def _relative(lengths: Array) -> Array:
    """How wide the square is along each coordinate relative to the others, shape (d,)."""
    if not len(lengths):
        return lengths
    cut = np.minimum(lengths, LONGEST)
    relative: Array = np.clip(cut / np.exp(np.mean(np.log(cut))), NARROW, WIDE)
    return relative


def _proportions(coordinates: Array, levels: int) -> tuple[float, ...]:
    """The proportions of a choice's options in the cluster, with one trial more of each: never zero."""
    chosen = np.minimum((coordinates * levels).astype(int), levels - 1)
    counts = np.bincount(chosen, minlength=levels) + 1.0
    return tuple((counts / counts.sum()).tolist())
