"""Predicted ends: near the true ones, of stopped trials only, whatever the order, and unharmed by a huge value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.search import Budget, CoarseToFine, Random
from caviar.search.curves import Curves, predicted_ends
from caviar.space import cube

EPOCHS = np.array([3, 6, 12, 25])
NUMBERS = np.array([False, False])


def late(points, epochs):
    """Values that fall later the larger the first coordinate is, and then lower."""
    floor, speed = 2 - points[:, :1], 8 * (1.2 - points[:, :1])
    return floor + (5 + points[:, 1:]) * np.exp(-speed * np.asarray(epochs) / 25)


def trials(n, stopped, seed=0):
    """Points, ends and curves of n trials, of which the last ones were stopped at the first rung."""
    points = np.random.default_rng(seed).random((n, 2))
    values = late(points, EPOCHS)
    is_stopped = np.arange(n) >= n - stopped
    values[is_stopped, 2:] = np.nan
    ends = late(points, [50])[:, 0]
    return points, ends, Curves(values, is_stopped)


def test_predicted_ends_are_closer_to_the_true_ones_than_the_last_values():
    points, ends, curves = trials(60, stopped=20)
    predicted = predicted_ends(points, np.where(curves.stopped, curves.last, ends), curves, NUMBERS)
    off, before = (np.abs(values - ends)[curves.stopped].mean() for values in (predicted, curves.last))
    assert off < before / 4
    assert np.array_equal(predicted[~curves.stopped], ends[~curves.stopped])


@given(seed=st.integers(0, 100))
def test_the_order_of_the_trials_does_not_matter(seed):
    points, ends, curves = trials(30, stopped=10)
    order = np.random.default_rng(seed).permutation(30)
    moved = Curves(curves.values[order], curves.stopped[order])
    shuffled = predicted_ends(points[order], ends[order], moved, NUMBERS)
    assert shuffled == pytest.approx(predicted_ends(points, ends, curves, NUMBERS)[order])


def test_no_end_is_predicted_above_the_last_value():
    points, ends, curves = trials(40, stopped=20, seed=3)
    assert np.all(predicted_ends(points, ends, curves, NUMBERS) <= curves.last + 1e-12)


def test_without_a_whole_trial_stopped_ones_keep_what_is_known():
    points, _, curves = trials(10, stopped=10)
    assert np.array_equal(predicted_ends(points, curves.last, curves, NUMBERS), curves.last)


def test_a_huge_value_a_failed_trial_and_a_missing_one_change_little():
    points, ends, curves = trials(60, stopped=20)
    plain = predicted_ends(points, ends, curves, NUMBERS)
    values = curves.values.copy()
    values[0], values[2, 0] = 1e90, np.nan
    ends = np.where(np.arange(60) == 1, np.nan, ends)
    ends[0] = 1e90
    predicted = predicted_ends(points, ends, Curves(values, curves.stopped), NUMBERS)
    assert np.isnan(predicted[1])
    assert np.median(np.abs(predicted - plain)[curves.stopped]) < 0.2


def test_a_search_predicts_anew_whenever_it_is_told():
    points, ends, curves = trials(40, stopped=20)
    search = CoarseToFine(cube(2), Budget(60, waves=3))
    few = Curves(curves.values[20:], curves.stopped[20:])
    search.tell(points[20:], few.last, curves=few)
    assert search.estimates() == pytest.approx(few.last, abs=1)  # there is nothing to learn from
    search.tell(points[:20], ends[:20], curves=Curves(curves.values[:20], curves.stopped[:20]))
    assert np.abs(search.estimates()[:20] - ends[20:]).mean() < np.abs(few.last - ends[20:]).mean() / 3


def test_ends_of_running_trials_are_those_that_the_search_would_be_told():
    points, ends, curves = trials(40, stopped=10)
    search = Random(cube(2), Budget(40))
    search.tell(points[:30], ends[:30], curves=Curves(curves.values[:30], curves.stopped[:30]))
    running = Curves(curves.values[30:, :2], np.ones(10, dtype=bool))
    expected = predicted_ends(search.space.snap(points), ends, curves, NUMBERS)[30:]
    assert search.predicted_ends(search.space.snap(points[30:]), running) == pytest.approx(expected)


def test_trials_of_a_warm_start_have_no_curves():
    points, ends, curves = trials(40, stopped=10)
    search = Random(cube(2), Budget(40))
    search.tell(np.random.default_rng(5).random((7, 2)), np.arange(7.0), counted=False)
    search.tell(points, ends, curves=curves)
    assert search.estimates().shape == (47,)
    assert np.isfinite(search.estimates()).all()


@pytest.mark.filterwarnings("error")
def test_curves_near_the_largest_number_are_predicted_without_overflow():
    points, _, curves = trials(12, stopped=6)
    values = np.where(np.isfinite(curves.values), 1.7e308 * np.sign(points[:, :1] - 0.5) * [1, -1, 1, -1], np.nan)
    search = Random(cube(2), Budget(24))
    search.tell(points, values[:, -1], curves=Curves(values, curves.stopped))
    running = Curves(-values[:3], np.ones(3, dtype=bool))
    assert np.isfinite(search.predicted_ends(points[:3], running)).all()
