"""Functional ANOVA on a random forest: how a forest's variance over a region divides among coordinates and pairs.

A regression tree is constant on boxes, so its variance over a region, and the part that one coordinate or a pair
explains, are exact sums over its leaves (Hutter, Hoos and Leyton-Brown 2014, "An Efficient Approach for Assessing
Hyperparameter Importance"). All arrays are in the unit cube.
"""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from caviar._checks import import_optional
from caviar.space.scales import Array

MIN_SIDE = 1e-300  # keeps divisions by the sides of a flat region finite


class Boxes(NamedTuple):
    """A tree as a function that is constant on n boxes: their corners, (n, d) each, and its values, (n,)."""

    low: Array
    high: Array
    values: Array


class Shares(NamedTuple):
    """Shares of the variance: of each coordinate alone, (d,), and of each pair beyond its two members, (d, d)."""

    alone: Array
    pairs: Array


def fit_forest(
    points: Array, values: Array, trees: int, *, leaf: int = 3, seed: int = 0, score: bool = False
) -> tuple[list[Boxes], float]:
    """Fit a random forest; it has no trees if all values are equal.

    Args:
        points: points of the unit cube, shape (n, d).
        values: their values, shape (n,).
        trees: the number of trees.
        leaf: the smallest number of points in a leaf; 1 also fits the noise of single points.
        seed: the seed of the forest.
        score: whether to measure the fit.

    Returns:
        The trees, and the share of the variance of unseen points that they predict (out of bag; 0.0 if not measured).

    >>> points = np.array([[0.1], [0.2], [0.8], [0.9]])
    >>> len(fit_forest(points, points[:, 0], trees=5)[0])
    5
    """
    ensemble = import_optional("sklearn.ensemble", "importance", "report")
    if np.ptp(values) == 0:
        return [], 0.0
    forest = ensemble.RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=seed, oob_score=score)
    forest.fit(points, values)
    return [tree_boxes(tree.tree_) for tree in forest.estimators_], forest.oob_score_ if score else 0.0


def tree_boxes(tree: Any) -> Boxes:
    """Return the leaves of a scikit-learn tree (`estimator.tree_`) as boxes of the unit cube."""
    low, high = np.zeros((2, tree.node_count, tree.n_features))
    high += 1.0
    for node in range(tree.node_count):  # a parent always comes before its children
        j, threshold = tree.feature[node], tree.threshold[node]
        if j >= 0:
            lower, upper = tree.children_left[node], tree.children_right[node]
            low[[lower, upper]], high[[lower, upper]] = low[node], high[node]
            high[lower, j] = low[upper, j] = threshold
    leaves = tree.feature < 0
    return Boxes(low[leaves], high[leaves], tree.value[leaves, 0, 0])


def forest_shares(trees: list[Boxes], region: Array, *, pairs: bool = True) -> Shares:
    """Return the mean shares over a region (its corners, shape (2, d)) of the trees that are not constant there."""
    d = region.shape[1]
    shares = [share for tree in trees if (share := tree_shares(tree, region, pairs=pairs))]
    if not shares:
        return Shares(np.zeros(d), np.zeros((d, d)))
    return Shares(np.mean([s.alone for s in shares], axis=0), np.mean([s.pairs for s in shares], axis=0))


def tree_shares(tree: Boxes, region: Array, *, pairs: bool = True) -> Shares | None:
    """Return one tree's functional ANOVA over a region; None if it is constant there.

    Without `pairs`, which take the most time, the shares of pairs are 0.

    With w the volumes of the leaves and v their values: mean m = w v; variance V = w (v - m)^2; the marginal of
    coordinate j in cell c is a_j(c) = sum over the leaves that cover c of w (v - m) / side_j (Hutter et al. 2014,
    algorithm 2); V_j = sum of |c| a_j(c)^2; for a pair, V_jk = sum of |c| |c'| a_jk(c, c')^2 - V_j - V_k.

    >>> halves = Boxes(np.array([[0.0, 0.0], [0.5, 0.0]]), np.array([[0.5, 1.0], [1.0, 1.0]]), np.array([1.0, 3.0]))
    >>> tree_shares(halves, np.array([[0.0, 0.0], [1.0, 1.0]])).alone
    array([1., 0.])
    """
    low, high = np.clip(tree.low, *region), np.clip(tree.high, *region)
    sides = (high - low) / np.maximum(region[1] - region[0], MIN_SIDE)
    volumes = sides.prod(axis=1)
    kept = volumes > 0
    low, high, sides, volumes, values = low[kept], high[kept], sides[kept], volumes[kept], tree.values[kept]
    deviations = values - volumes @ values
    weighted = volumes * deviations
    variance = float(weighted @ deviations)
    if variance <= 1e-12 * float(np.abs(values).max(initial=0.0)) ** 2:
        return None
    covers: list[Array] = []  # per coordinate, (cells, leaves): 1 / side where the leaf covers the cell, else 0
    cells: list[Array] = []  # per coordinate, the widths of its cells
    for j in range(region.shape[1]):
        edges = np.unique(np.concatenate([low[:, j], high[:, j]]))
        middles = ((edges[1:] + edges[:-1]) / 2)[:, None]
        covers.append(((low[:, j] <= middles) & (middles < high[:, j])) / sides[:, j])
        cells.append(np.diff(edges) / (region[1, j] - region[0, j]))
    alone = np.array([cell @ (cover @ weighted) ** 2 for cell, cover in zip(cells, covers, strict=True)])
    together = np.zeros((len(cells), len(cells)))
    for j, k in combinations(range(len(cells)), 2) if pairs else ():
        marginal = (covers[j] * weighted) @ covers[k].T
        together[j, k] = together[k, j] = max(0.0, cells[j] @ marginal**2 @ cells[k] - alone[j] - alone[k])
    return Shares(alone / variance, together / variance)
