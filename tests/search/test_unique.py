"""No config twice: enumerating a space, and filling a batch."""

import numpy as np

from caviar.search.unique import deduplicate, enumerate_points, fill_batch
from caviar.space import Space, choice, lograndint, randint, uniform


def test_a_small_space_is_enumerated_without_repeats():
    space = Space(units=lograndint(1, 7), kind=choice(["a", "b"]))
    points = enumerate_points(space)
    assert len({repr(config) for config in space.configs(points)}) == 14
    assert len(deduplicate(space, points, exclude=points[:5])) == 9


def test_large_and_continuous_spaces_are_not_enumerated():
    assert enumerate_points(Space(x=uniform(0, 1))) is None
    assert enumerate_points(Space(a=randint(1, 1000), b=randint(1, 1000))) is None


def test_a_batch_takes_preferred_points_then_new_ones_then_repeats():
    space, generator = Space(units=randint(1, 6)), np.random.default_rng(0)
    points = space.snap(np.array([[0.9], [0.1]]))

    def batch(count):
        return fill_batch(space, points, count, points[:1], lambda n: generator.random((n, 1)), generator)

    np.testing.assert_array_equal(batch(1), points[1:])
    assert len(np.unique(batch(5))) == 5
    assert points[0, 0] not in batch(5)
    assert batch(8).shape == (8, 1)
