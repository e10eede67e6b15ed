"""The shares of a tree against sums over a fine grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.insight.functional_anova import fit_forest, forest_shares, tree_boxes, tree_shares


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), dimension=st.integers(1, 3))
def test_the_shares_of_a_tree_are_exact(seed, dimension):
    """No share is negative, and the shares of single coordinates and pairs sum to at most the whole variance."""
    from sklearn.tree import DecisionTreeRegressor

    generator = np.random.default_rng(seed)
    points, values = generator.random((40, dimension)), generator.random(40)
    region = np.sort(generator.random((2, dimension)), axis=0) * 0.5 + [[0.0], [0.5]]
    tree = DecisionTreeRegressor(max_leaf_nodes=8, random_state=0).fit(points, values)
    shares = tree_shares(tree_boxes(tree.tree_), region)
    if shares is None:
        return
    assert (shares.alone >= 0).all()
    assert shares.alone.sum() + np.triu(shares.pairs).sum() <= 1 + 1e-9
    steps = (np.arange(60) + 0.5) / 60
    axes = [region[0, j] + steps * (region[1, j] - region[0, j]) for j in range(dimension)]
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    if dimension < 3:
        heights = tree.predict(grid).reshape((60,) * dimension)
        marginals = [heights.mean(axis=tuple(k for k in range(dimension) if k != j)) for j in range(dimension)]
        assert shares.alone == pytest.approx([m.var() / heights.var() for m in marginals], abs=0.1)


def test_a_tree_that_is_constant_in_the_region_has_no_shares():
    points = np.linspace(0, 1, 40)[:, None]
    trees, _ = fit_forest(points, (points[:, 0] > 0.5).astype(float), trees=3)
    flat = np.array([[0.6], [0.9]])
    assert all(tree_shares(tree, flat) is None for tree in trees)
    assert forest_shares(trees, flat).alone.tolist() == [0.0]


def test_a_forest_of_equal_values_has_no_trees():
    assert fit_forest(np.zeros((5, 2)), np.ones(5), trees=3, score=True) == ([], 0.0)
