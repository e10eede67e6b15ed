"""One point at a time, for other tuners."""

from functools import partial

import numpy as np
import pytest

from caviar.search import next_point
from caviar.space import cube


def bowl(points):
    return ((points - 0.3) ** 2).sum(axis=1)


def test_the_next_point_follows_from_the_arguments_alone():
    points, pending = np.random.default_rng(0).random((12, 3)), np.full((1, 3), 0.3)
    first, again, other = (
        next_point(cube(3), points, bowl(points), pending, trials=20, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("finished", [0, 12, 40])
def test_workers_that_ask_at_the_same_moment_get_the_points_of_one_after_the_other(finished):
    points, pending = np.random.default_rng(0).random((finished, 3)), np.full((1, 3), 0.3)
    ask = partial(next_point, cube(3), points, bowl(points), trials=60)
    together = [ask(pending, skip=skip) for skip in range(4)]
    assert len(np.unique(together, axis=0)) == 4
    for point in together:
        np.testing.assert_array_equal(ask(pending), point)
        pending = np.concatenate([pending, point[None]])


def test_more_trials_may_follow_than_planned():
    points = np.random.default_rng(0).random((30, 3))
    assert next_point(cube(3), points, bowl(points), points[:2], trials=5).shape == (3,)
