"""No config twice: filling a batch."""

import numpy as np

from caviar.search.unique import deduplicate, fill_batch, keys
from caviar.space import Space, choice, lograndint, randint


def test_a_batch_finds_every_config_of_a_small_space():
    space = Space(units=lograndint(1, 1000), kind=choice(["a", "b"]))
    points = fill_batch(space, np.empty((0, 2)), 2000, set(), np.random.default_rng(0))
    assert len({repr(config) for config in space.configs(points)}) == 2000
    assert len(deduplicate(space, points, {*keys(points[:5])})) == 1995


def test_a_batch_takes_preferred_points_then_new_ones_then_repeats():
    space, generator = Space(units=randint(1, 6)), np.random.default_rng(0)
    points = space.snap(np.array([[0.9], [0.1]]))

    def batch(count):
        return fill_batch(space, points, count, {*keys(points[:1])}, generator)

    np.testing.assert_array_equal(batch(1), points[1:])
    assert len(np.unique(batch(5))) == 5
    assert points[0, 0] not in batch(5)
    assert batch(8).shape == (8, 1)
