"""What random search would reach, by the process."""

import numpy as np
import pytest

from caviar.search.gaussian_process import GaussianProcess
from caviar.search.random_search import DRAWS, random_searches


def process_of(values, noise=0.0, n=48, seed=0):
    generator = np.random.default_rng(seed)
    points = generator.random((n, 2))
    return GaussianProcess.fit(points, values(points) + noise * generator.standard_normal(n), np.zeros(2, dtype=bool))


def bowl(points):
    return ((points - 0.4) ** 2).sum(axis=1)


def test_it_reaches_what_random_searches_of_the_function_reach():
    generator = np.random.default_rng(3)
    told = random_searches(process_of(bowl), generator.random((512, 2)), generator)
    for size in (4, 16, 64):
        truth = np.median([bowl(generator.random((size, 2))).min() for _ in range(2000)])
        assert np.median(told[:, size - 1]) == pytest.approx(truth, abs=0.01)


def test_more_trials_reach_as_much_or_more_where_nothing_is_noise():
    generator = np.random.default_rng(0)
    told = random_searches(process_of(bowl), generator.random((300, 2)), generator, detail=None)
    assert told.shape == (DRAWS, 300)
    assert (np.diff(np.median(told, axis=0)) <= 1e-12).all()


def test_confirmed_searches_pick_better_trials_out_of_noise():
    process = process_of(bowl, noise=0.1)
    points = np.random.default_rng(1).random((256, 2))
    once, often = (
        random_searches(process, points, np.random.default_rng(2), detail=0.0, measurements=n)[:, -1].mean()
        for n in (1, 50)
    )
    assert often < once


def test_the_same_generator_gives_the_same_searches_and_large_sets_are_split():
    process, points = process_of(bowl), np.random.default_rng(1).random((2500, 2))
    first, again = (random_searches(process, points, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == (DRAWS, 2500)
