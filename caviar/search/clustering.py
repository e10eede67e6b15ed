"""The best cluster among finished trials.

One lucky trial is no evidence; several good ones close together are. Distances are weighed by the inverse
length scales of the Gaussian process, so that coordinates that don't matter don't keep good trials apart.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from caviar.search.gaussian_process import differences
from caviar.space.scales import Array

BEST = 0.15  # the share of trials that count as good
CUT = 0.6  # of the typical distance of two random points


def best_cluster(points: Array, values: Array, weights: Array, categorical: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The cluster of good trials that stands out by number and rank.

    Args:
        points: finished trials, shape (n, d).
        values: their estimated values, shape (n,), lower is better, no NaN.
        weights: how much a step along each coordinate counts, shape (d,).
        categorical: which coordinates are choices, shape (d,).

    Returns:
        Indices of the members, best first; at least one.
    """
    n, dimension = points.shape
    good = np.argsort(values, kind="stable")[: min(n, 3 * dimension + 8, max(5, round(BEST * n)))]
    if len(good) < 2 or not weights.any():
        return good
    squared = differences(points[good], points[good], categorical).T @ weights**2
    distances = np.sqrt(squared)[np.triu_indices(len(good), 1)]
    # two uniform points are sqrt(sum of w^2 / 6) apart, root mean square
    labels = fcluster(linkage(distances, "average"), CUT * np.sqrt(np.sum(weights**2) / 6), "distance")
    ranks = np.log(len(good) + 0.5) - np.log(np.arange(1, len(good) + 1))
    best = int(np.argmax(np.bincount(labels, weights=ranks)))
    members: NDArray[np.intp] = good[labels == best]
    return members
