"""The tests behind a diagnosis hold their level, and see what is there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.insight.diagnosis.statistics import (
    LEVEL,
    PowerLaw,
    more_than,
    rank_test,
    rows_behind,
    scatter,
    trend_test,
    variance_ratio_test,
)

DRAWS = 1000
MOST = 22  # of 1,000 draws at 1%: more have a probability of 1e-4


def test_the_rank_test_holds_its_level_within_waves_that_differ():
    generator = np.random.default_rng(0)
    waves = np.repeat([0, 1, 2], 16)
    chosen = np.array([n % 16 < (2, 4, 8)[n // 16] for n in range(48)])  # more of them in waves that are better
    found = sum(rank_test(generator.random(48) - waves, waves.tolist(), chosen) < LEVEL for _ in range(DRAWS))
    assert found <= MOST


@given(st.lists(st.integers(0, 5), min_size=2, max_size=20), st.integers(0, 2**20 - 1))
def test_one_side_or_the_other_of_the_rank_test(values, bits):
    chosen = np.array([bits >> i & 1 for i in range(len(values))], bool)
    x, groups = np.array(values, float), [0] * len(values)
    p, q = rank_test(x, groups, chosen), rank_test(x, groups, ~chosen)
    assert p + q == pytest.approx(1) or p == q == 1  # nothing to compare


@pytest.mark.parametrize("reports", [8, 20])
def test_the_trend_test_holds_its_level(reports):
    generator = np.random.default_rng(1)
    assert sum(trend_test(generator.random(reports)) < LEVEL for _ in range(DRAWS)) <= MOST


def test_a_rise_is_a_trend_and_a_fall_is_not():
    rise = np.arange(8.0) + np.array([0, 1, 0, -1, 0, 1, 0, 0])
    assert trend_test(rise) < LEVEL
    assert trend_test(-rise) > 0.99


def test_long_curves_have_trends_too():
    assert trend_test(np.arange(200_000.0)) < LEVEL


def test_much_noise_is_told_from_little():
    values = np.random.default_rng(2).standard_normal(24)
    assert variance_ratio_test(1.0, 20, values, 0.25) < LEVEL
    assert variance_ratio_test(0.05, 20, values, 0.25) > 0.5


@given(st.integers(2, 2000), st.integers(0, 2**32 - 1))
def test_accuracies_give_away_their_rows(rows, seed):
    counts = np.random.default_rng(seed).integers(0, rows + 1, 30)
    found = rows_behind(counts / rows)
    assert found == rows // math.gcd(rows, *counts.tolist())


@given(st.lists(st.floats(0.01, 0.99), min_size=8, max_size=20, unique=True))
def test_a_multiple_of_the_rows_makes_every_share_whole(shares):
    rows = rows_behind(np.array(shares))
    assert rows is None or np.allclose(np.array(shares) * rows, np.round(np.array(shares) * rows))


def test_numbers_that_are_no_shares_have_no_rows():
    assert rows_behind(np.random.default_rng(0).random(20)) is None
    assert rows_behind(np.array([0.5, 1.5])) is None


@pytest.mark.parametrize("rate", [0.3, 1.0, 2.0])
def test_a_power_law_is_found_again(rate):
    epochs = np.arange(1.0, 31)
    law = PowerLaw.fit(epochs, 0.2 + 0.8 * epochs**-rate)
    assert law.gain(30) == pytest.approx(0.8 * (30**-rate - 60**-rate), rel=0.15)
    needed = law.epochs_until(0.01)
    assert law.gain(needed) == pytest.approx(0.01)


def test_a_curve_that_rises_has_no_gain():
    assert PowerLaw.fit(np.arange(1.0, 11), np.arange(10.0)).gain(10) == 0


def test_the_scatter_of_a_straight_curve_is_its_noise():
    noise = np.random.default_rng(3).standard_normal(4000)
    assert scatter(0.1 * np.arange(4000) + 0.5 * noise) == pytest.approx(0.5, rel=0.1)


def test_more_than_a_share():
    assert more_than(0.1, 3, 24) > 0.2
    assert more_than(0.1, 8, 24) < LEVEL
