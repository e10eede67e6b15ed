"""The best cluster among finished trials."""

import numpy as np

from caviar.search.clustering import best_cluster

REAL = np.zeros(2, dtype=bool)


def test_the_cluster_is_where_several_good_trials_are():
    generator = np.random.default_rng(0)
    crowd = 0.2 + 0.02 * generator.standard_normal((6, 2))
    points = np.concatenate([[[0.9, 0.9]], crowd, generator.random((60, 2))])
    values = np.concatenate([[0.0], np.linspace(0.1, 0.2, 6), generator.uniform(1, 2, 60)])
    members = best_cluster(points, values, np.ones(2), REAL)
    assert set(members) >= {1, 2, 3, 4, 5, 6}
    assert 0 not in members  # the single best one stands alone
    assert (np.diff(values[members]) >= 0).all()


def test_a_single_trial_is_a_cluster():
    assert best_cluster(np.zeros((1, 2)), np.zeros(1), np.ones(2), REAL).tolist() == [0]
