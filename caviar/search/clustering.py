"""The best cluster among finished trials: the best one and good ones near it.

Distances are weighted by the inverse length scales of the Gaussian process, so that coordinates that do not matter do
not separate good trials.
"""

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.search.kernel import squared_distances
from caviar.space.scales import Array

_GOOD_SHARE = 0.15  # of the trials that count as good
_CUT = 0.6  # clusters merge up to this multiple of the root mean square distance of two uniform points,
_LEAST = 3  # and further until the best trial's has this many members: fewer are points, not a cluster


def best_cluster(points: Array, values: Array, weights: Array, categorical: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the members of the cluster of the best trial, best first; at least three, if there are as many trials.

    Clusters of good trials are formed by average linkage.

    Args:
        points: the finished trials, shape (n, d).
        values: their estimates, shape (n,), lower is better, without NaN.
        weights: the weight of a step along each coordinate, shape (d,).
        categorical: which coordinates are choices, shape (d,).

    >>> points = np.array([[0.9], [0.1], [0.12], [0.14], [0.11]])
    >>> best_cluster(points, np.array([3.0, 0.0, 1.0, 2.0, 4.0]), np.ones(1), np.array([False]))
    array([1, 2, 3, 4])
    """
    n, dimension = points.shape
    good = np.argsort(values, kind="stable")[: min(n, 3 * dimension + 8, max(5, round(_GOOD_SHARE * n)))]
    if len(good) <= _LEAST or not weights.any():
        return good
    squared = squared_distances(points[good], points[good], categorical).T @ weights**2
    distances = np.sqrt(squared)[np.triu_indices(len(good), 1)]
    tree = scipy.cluster.hierarchy.linkage(distances, "average")
    # the root mean square distance of two uniform points is sqrt(sum of weights^2 / 6)
    cut = _CUT * np.sqrt(np.sum(weights**2) / 6)
    for height in (cut, *tree[tree[:, 2] > cut, 2]):
        labels = scipy.cluster.hierarchy.fcluster(tree, height, "distance")
        members: NDArray[np.intp] = good[labels == labels[0]]
        if len(members) >= _LEAST:
            break
    return members
