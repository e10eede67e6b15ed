"""Expected improvement in logarithms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.optimize import check_grad
from scipy.stats import norm

from caviar.search.improvement import log_expected_improvement, log_expected_improvement_bounds, log_h


@pytest.mark.parametrize("u", [-6.0, -1.5, -1.0, -0.5, 0.0, 3.0, 40.0])
def test_it_is_the_integral_of_the_improvement(u):
    integral, _ = quad(lambda z: (u - z) * norm.pdf(z), u - 50, u, epsabs=0, limit=500)
    assert log_h(np.array([u]))[0][0] == pytest.approx(np.log(integral), abs=1e-6)


@pytest.mark.parametrize("join", [-1.0, -1e3])
def test_its_parts_join(join):
    value, slope = log_h(join + np.array([-1e-9, 1e-9]) * abs(join))
    np.testing.assert_allclose(np.diff(value), slope[:1] * 2e-9 * abs(join), rtol=1e-2, atol=1e-7)
    np.testing.assert_allclose(slope[0], slope[1], rtol=1e-5)


def test_the_slopes_are_right():
    generator = np.random.default_rng(0)
    best = generator.standard_normal(5)

    def value(theta):
        return log_expected_improvement(theta[None, :5], np.exp(theta[5:]), best)[0][0]

    def gradient(theta):
        _, by_mean, by_sd = log_expected_improvement(theta[None, :5], np.exp(theta[5:]), best)
        return np.append(by_mean[0], by_sd[0] * np.exp(theta[5]))

    for shift in (0.0, 3.0, 30.0):
        assert check_grad(value, gradient, shift + generator.standard_normal(6)) < 1e-4 * np.exp(shift / 10)


@given(
    mean=arrays(float, st.tuples(st.integers(1, 4), st.just(5)), elements=st.floats(-1e3, 1e3)),
    sd=st.floats(1e-5, 1e3),
    best=arrays(float, 5, elements=st.floats(-1e3, 1e3)),
)
def test_it_is_between_its_bounds(mean, sd, best):
    sd = np.full(len(mean), sd)
    value = log_expected_improvement(mean, sd, best)[0]
    lower, upper = log_expected_improvement_bounds(mean, sd, best)
    rounding = 1e-12 * (1 + abs(value))
    assert (lower <= value + rounding).all()
    assert (value <= upper + rounding).all()
