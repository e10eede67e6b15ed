"""The best cluster among finished trials."""

import numpy as np

from caviar.search.clustering import best_cluster

REAL = np.zeros(2, dtype=bool)


def test_the_cluster_has_the_best_trial_and_good_ones_near_it():
    generator = np.random.default_rng(0)
    crowd = 0.2 + 0.02 * generator.standard_normal((6, 2))
    points = np.concatenate([[[0.9, 0.9]], crowd, generator.random((60, 2))])
    values = np.concatenate([[0.15], np.linspace(0.1, 0.2, 6), generator.uniform(1, 2, 60)])
    members = best_cluster(points, values, np.ones(2), REAL)
    assert set(members) == {1, 2, 3, 4, 5, 6}  # not the good one that is far away
    assert (np.diff(values[members]) >= 0).all()


def test_a_lone_trial_is_not_a_cluster():
    points = np.random.default_rng(0).random((16, 2))
    members = best_cluster(points, np.arange(16.0), np.ones(2), REAL)
    assert members[0] == 0
    assert len(members) >= 3


def test_all_of_a_few_trials_are_a_cluster():
    assert best_cluster(np.zeros((1, 2)), np.zeros(1), np.ones(2), REAL).tolist() == [0]
    assert best_cluster(np.eye(2), np.array([2.0, 1.0]), np.ones(2), REAL).tolist() == [1, 0]
