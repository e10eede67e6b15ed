"""How many points of a wave are drawn inwards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from caviar.search.acquisition import choose_wave
from caviar.search.gaussian_process import GaussianProcess
from caviar.search.inwards import Inwards, bowl
from caviar.space import cube

REAL = np.zeros(6, dtype=bool)
POINTS = np.random.default_rng(3).random((16, 6))


@pytest.mark.parametrize(
    ("value", "every"),
    [(lambda points: ((points - 0.4) ** 2).sum(axis=1), 2), (lambda points: points.sum(axis=1), 4)],
    ids=["a bowl", "a slope"],
)
def test_more_points_are_drawn_inwards_in_a_bowl(value, every):
    process = GaussianProcess.fit(POINTS, value(POINTS), REAL)
    pool = np.random.default_rng(4).random((500, 6))
    batch = choose_wave(cube(6), process, POINTS[:0], pool, 16, np.random.default_rng(1))
    outward = np.mean((batch < 0.01) | (batch > 0.99), axis=1)  # the share of coordinates at a bound
    inner, others = outward[every - 1 :: every], np.delete(outward, np.s_[every - 1 :: every])
    assert np.median(others) - np.median(inner) > 0.2


@given(seed=st.integers(0, 999), slope=st.floats(-3, 3), scale=st.floats(0.1, 10))
def test_a_trend_and_the_unit_of_values_do_not_change_the_bowl(seed, slope, scale):
    values = np.random.default_rng(seed).random(16)
    assert bowl(POINTS, scale * (values + slope * POINTS[:, 2]), REAL) == pytest.approx(bowl(POINTS, values, REAL))


def test_a_bowl_is_one_wherever_its_bottom_is_and_a_hill_the_opposite():
    values = ((POINTS - [0.1, 0.4, 0.5, 0.6, 0.9, 0.3]) ** 2).sum(axis=1)
    assert bowl(POINTS, values, REAL) == pytest.approx(1)
    assert bowl(POINTS, -values, REAL) == pytest.approx(-1)


@pytest.mark.parametrize("points", [POINTS[:0], POINTS[:1], POINTS[:7], np.full((16, 6), 0.25)])
def test_it_is_zero_where_nothing_can_be_said(points):
    assert bowl(points, np.arange(len(points), dtype=float), REAL) == 0


def test_choices_are_left_free():
    kinds = REAL | (np.arange(6) == 2)
    inwards = Inwards.of(POINTS, ((POINTS - 0.4) ** 2).sum(axis=1), kinds)
    other = POINTS.copy()
    other[:, 2] = 0.9
    assert (inwards.log_density(POINTS, 1)[0] == inwards.log_density(other, 1)[0]).all()
    assert (inwards.log_density(POINTS, 0)[0] == 0).all()


def test_the_gradient_is_right():
    inwards = Inwards.of(POINTS, ((POINTS - 0.4) ** 2).sum(axis=1), REAL)
    value, gradient = (lambda x, i=i: inwards.log_density(x[None], 1)[i][0] for i in (0, 1))
    assert check_grad(value, gradient, np.full(6, 0.7)) < 1e-4
