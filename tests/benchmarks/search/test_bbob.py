import numpy as np
import pytest

from tests.benchmarks.search.bbob import DIMENSIONS, GROUPS, bbob

pytest.importorskip("cocoex")


def test_every_function_is_in_every_dimension_and_in_one_group():
    problems = bbob(seed=0)
    assert [number for numbers in GROUPS.values() for number in numbers] == list(range(1, 25))
    assert len({problem.name for problem in problems}) == len(problems) == 24 * len(DIMENSIONS)
    assert {problem.space.dimension for problem in problems} == set(DIMENSIONS)


@pytest.mark.parametrize("problem", bbob(seed=0), ids=lambda problem: problem.name)
def test_no_point_is_better_than_the_best(problem):
    points = np.random.default_rng(0).random((200, problem.space.dimension))
    values = problem.true(points)
    assert values.shape == (200,)
    assert np.all(values >= problem.best)


def test_the_cube_is_the_domain_and_the_best_is_reached_in_it():
    # f5 falls linearly to a corner of [-5, 5]^d
    slope = next(problem for problem in bbob(seed=0) if problem.name == "bbob-f5-3")
    corners = np.stack(np.meshgrid(*3 * [[0.0, 1.0]]), axis=-1).reshape(-1, 3)
    assert slope.true(corners).min() == pytest.approx(slope.best, abs=1e-9)


def test_the_seed_chooses_the_instance():
    points = np.random.default_rng(0).random((10, DIMENSIONS[0]))
    assert all(
        not np.allclose(one.true(points), other.true(points))
        for one, other in zip(bbob(seed=0), bbob(seed=1), strict=True)
        if one.space.dimension == DIMENSIONS[0]
    )
