"""Batches of confidence bounds."""

import numpy as np

from caviar.search.acquisition import JOINT_SIZE, batch_lcb, betas
from caviar.search.gaussian_process import GaussianProcess

REAL = np.zeros(2, dtype=bool)


def bowl():
    """A process of 30 trials of a bowl, and the generator that drew them."""
    generator = np.random.default_rng(0)
    points = generator.random((30, 2))
    return GaussianProcess.fit(points, ((points - 0.5) ** 2).sum(axis=1), REAL), generator


def test_a_batch_exploits_first_and_explores_later():
    process, generator = bowl()
    candidates = generator.random((500, 2))
    batch = batch_lcb(process, candidates, betas(20))
    assert len(np.unique(batch, axis=0)) == 20
    np.testing.assert_array_equal(batch[0], candidates[np.argmin(process.mean(candidates))])
    assert process.mean(batch[10:]).mean() > process.mean(batch[:10]).mean()


def test_a_large_batch_spreads_too():
    process, generator = bowl()
    candidates = generator.random((4 * JOINT_SIZE, 2))
    batch = batch_lcb(process, candidates, betas(2 * JOINT_SIZE + 1))
    assert len(np.unique(batch, axis=0)) == 2 * JOINT_SIZE + 1
    assert process.mean(batch).mean() < process.mean(candidates).mean()


def test_a_pending_trial_makes_its_neighbours_less_attractive():
    points = np.array([[0.0], [1.0], [0.5]])
    process = GaussianProcess.fit(points, np.array([1.0, 1.0, 1.1]), REAL[:1])
    candidates = np.array([[0.25], [0.26], [0.76]])
    assert batch_lcb(process.with_fantasies(np.array([[0.25]])), candidates, betas(1))[0, 0] == 0.76
