"""What measurements make of expected seconds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.study.cost.regression import Features, Regression


def rows(x, offset=0.0, noise=0.1):
    columns = np.column_stack([np.ones(len(x)), x])
    return Features(np.full(len(x), offset), columns, np.zeros(2), np.array([10.0, 1.0]), noise)


def test_without_measurements_the_prior_holds():
    features = rows(np.array([-1.0, 1.0]), offset=2.0)
    prior = Regression.fit(features[np.arange(0)], np.zeros(0))
    assert prior.expected(features) == pytest.approx([2.0, 2.0])


@given(st.floats(-3, 3), st.floats(-2, 2))
def test_many_exact_measurements_are_reproduced(level, slope):
    x = np.linspace(-1, 1, 50)
    regression = Regression.fit(rows(x, noise=0.01), level + slope * x)
    assert regression.expected(rows(np.array([0.5])))[0] == pytest.approx(level + 0.5 * slope, abs=0.02)


def test_draws_spread_more_where_nothing_was_measured():
    generator = np.random.default_rng(0)
    regression = Regression.fit(rows(np.array([0.0, 0.1])), np.array([1.0, 1.0]))
    near, far = regression.draw(rows(np.array([0.05, 3.0])), 500, generator).std(axis=0)
    assert far > 3 * near


def test_noise_that_was_measured_replaces_the_expected_one():
    generator = np.random.default_rng(0)
    x = generator.random(300)
    assert Regression.fit(rows(x), generator.normal(0, 0.5, 300)).noise == pytest.approx(0.5, rel=0.15)
