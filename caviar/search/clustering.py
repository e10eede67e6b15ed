"""The best cluster among finished trials.

A single good trial may be luck; several close together are evidence. Distances are weighted by the inverse length
scales of the Gaussian process, so that coordinates that do not matter do not separate good trials.
"""

import numpy as np
import scipy  # whose packages are slow to load; each is loaded when first used
from numpy.typing import NDArray

from caviar.search.kernel import squared_distances
from caviar.space.scales import Array

_GOOD_SHARE = 0.15  # of the trials that count as good
_CUT = 0.6  # clusters merge up to this multiple of the root mean square distance of two uniform points


def best_cluster(points: Array, values: Array, weights: Array, categorical: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the members of the cluster of good trials with the largest sum of log ranks, best first, at least one.

    Clusters are formed by average linkage.

    Args:
        points: the finished trials, shape (n, d).
        values: their estimates, shape (n,), lower is better, without NaN.
        weights: the weight of a step along each coordinate, shape (d,).
        categorical: which coordinates are choices, shape (d,).

    >>> points = np.array([[0.9], [0.1], [0.12], [0.14], [0.11]])
    >>> best_cluster(points, np.arange(5.0), np.ones(1), np.array([False]))
    array([1, 2, 3, 4])
    """
    n, dimension = points.shape
    good = np.argsort(values, kind="stable")[: min(n, 3 * dimension + 8, max(5, round(_GOOD_SHARE * n)))]
    if len(good) < 2 or not weights.any():
        return good
    squared = squared_distances(points[good], points[good], categorical).T @ weights**2
    distances = np.sqrt(squared)[np.triu_indices(len(good), 1)]
    # the root mean square distance of two uniform points is sqrt(sum of weights^2 / 6)
    tree = scipy.cluster.hierarchy.linkage(distances, "average")
    labels = scipy.cluster.hierarchy.fcluster(tree, _CUT * np.sqrt(np.sum(weights**2) / 6), "distance")
    ranks = np.log(len(good) + 0.5) - np.log(np.arange(1, len(good) + 1))
    best = int(np.argmax(np.bincount(labels, weights=ranks)))
    members: NDArray[np.intp] = good[labels == best]
    return members
