"""The confusion matrix and the calibration count every row once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.study.evaluation.predictions import calibration, confusion_matrix, residual_quantiles, sample_of


@given(classes=st.integers(2, 45), rows=st.integers(1, 200), seed=st.integers(0, 99))
def test_every_row_is_counted_once(classes, rows, seed):
    generator = np.random.default_rng(seed)
    y, probabilities = generator.integers(classes, size=rows), generator.dirichlet(np.ones(classes), rows)
    labels, confusion = confusion_matrix(y, probabilities, [f"class {i}" for i in range(classes)])
    assert len(labels) == len(confusion) == min(classes, 30)
    assert np.sum(confusion) == rows
    correct = int((probabilities.argmax(axis=1) == y).sum())
    assert np.trace(confusion) >= correct
    if classes <= 30:
        assert np.trace(confusion) == correct
    bins, error = calibration(y, probabilities)
    assert sum(each.rows for each in bins) == rows
    assert all(each.low <= each.observed <= each.high for each in bins)
    assert 0 <= error <= 1


def test_the_rarest_classes_are_one():
    y = np.repeat(np.arange(40), np.arange(40) + 1)
    labels, confusion = confusion_matrix(y, np.eye(40)[y], range(40))
    assert labels == (*map(str, range(11, 40)), "11 others")
    assert confusion[-1][-1] == sum(range(1, 12))


def test_honest_probabilities_have_a_small_error_and_overconfident_ones_a_large_one():
    generator = np.random.default_rng(0)
    p = generator.uniform(0.5, 1, size=20_000)
    y = (generator.uniform(size=len(p)) > p).astype(int)  # class 0 with probability p
    bins, error = calibration(y, np.stack([p, 1 - p], axis=1))
    assert error < 0.01
    assert [each.predicted for each in bins] == pytest.approx([0.55, 0.65, 0.75, 0.85, 0.95], abs=0.01)
    _, bold = calibration(y, np.eye(2)[np.zeros(len(p), int)])
    assert bold == pytest.approx(0.25, abs=0.01)


def test_residuals_are_actual_minus_predicted_and_a_sample_is_even():
    y = np.arange(5000.0)
    quantiles = residual_quantiles(y, y - 2)
    assert (quantiles.q05, quantiles.q50, quantiles.q95) == (2, 2, 2)
    sample = sample_of(y, y)
    assert len(sample) == 1000
    assert sample[:3] == ((0, 0), (5, 5), (10, 10))
