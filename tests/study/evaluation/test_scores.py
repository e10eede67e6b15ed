"""Intervals contain the truth as often as they say, and the baseline ignores the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.dataset import from_arrays
from caviar.study.evaluation.scores import accuracy, baseline, interval, scores, wilson


@given(st.integers(1, 500).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_an_interval_of_a_share_contains_it(pair):
    low, high = wilson(*pair)
    assert 0 <= low <= pair[0] / pair[1] + 1e-12
    assert pair[0] / pair[1] - 1e-12 <= high <= 1
    assert low < high


def test_an_accuracy_lies_in_its_interval_as_often_as_promised():
    hits = np.random.default_rng(0).binomial(270, 0.97, size=2000)
    inside = [low <= 0.97 <= high for low, high in (wilson(int(n), 270) for n in hits)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_an_error_lies_in_its_interval_about_as_often_as_promised():
    generator = np.random.default_rng(0)
    rmse = scores(from_arrays(np.ones((40, 1)), generator.normal(size=40)))["test_rmse"]
    inside = []
    for _ in range(100):
        low, high = interval(rmse, generator.normal(size=100), np.zeros(100), None)
        inside.append(low <= 1 <= high)
    assert 0.88 <= np.mean(inside) <= 0.98


def test_a_metric_that_some_draws_do_not_define_has_an_interval_and_one_that_none_defines_has_none():
    def both(y, predicted, weights):
        if len(set(y.tolist())) < 2:
            raise ValueError("one class only")
        return accuracy(y, predicted, weights)

    y, predicted = np.array([0, 0, 0, 1]), np.eye(2)[[0, 0, 1, 1]]
    low, high = interval(both, y, predicted, None)
    assert 0 < low < high <= 1
    assert np.isnan(interval(both, y[:3], predicted[:3], None)).all()


def test_weighted_accuracy_has_the_interval_of_its_weights():
    y, predicted = np.zeros(50, int), np.eye(2)[[0] * 25 + [1] * 25]
    weights = np.array([1.0] * 25 + [0.01] * 25)
    low, _ = interval(accuracy, y, predicted, weights)
    assert low > 0.9


def test_the_baseline_is_the_most_frequent_class_or_the_mean():
    labels = from_arrays(np.arange(40.0)[:, None], ["a"] * 10 + ["b"] * 30)
    assert labels.classes[baseline(labels, 3).argmax(axis=1)[0]] == "b"
    assert baseline(labels, 3).sum(axis=1) == pytest.approx(1)
    numbers = from_arrays(np.arange(40.0)[:, None], np.arange(40) / 7)
    assert baseline(numbers, 2).tolist() == [numbers.target_mean] * 2
