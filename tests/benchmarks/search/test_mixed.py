import numpy as np
import pytest

from tests.benchmarks.search.mixed import DIMENSIONS, mixed


@pytest.mark.parametrize("problem", mixed(seed=0), ids=lambda problem: problem.name)
def test_half_of_the_coordinates_are_choices_and_no_point_is_better_than_the_best(problem):
    assert problem.space.categorical.sum() == problem.space.dimension / 2
    points = problem.space.snap(np.random.default_rng(0).random((500, problem.space.dimension)))
    values = problem.true(points)
    assert values.shape == (500,)
    assert np.all(values >= problem.best)


def test_the_options_are_in_another_order_for_another_seed():
    points = np.random.default_rng(0).random((10, DIMENSIONS[0]))
    one, other = (mixed(seed)[0] for seed in (0, 1))
    assert one.name == other.name
    assert not np.allclose(one.true(points), other.true(points))


def test_an_option_has_one_value():
    problem = mixed(seed=0)[0]
    options = problem.space.levels[0]
    points = np.full((2, problem.space.dimension), 0.5)
    points[:, 0] = 0.01 / options, 0.99 / options  # the first option
    assert len(set(problem.true(points))) == 1
