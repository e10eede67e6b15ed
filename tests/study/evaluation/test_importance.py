"""Columns that the model does not use have no importance; wide and long tables stay affordable."""

import numpy as np

from caviar.study.evaluation.importance import column_importance


def error(y, predicted, weights):
    return float(((y - predicted) ** 2).mean())


def importance(columns, rows, decisive):
    x = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    predicted = []

    def predict(x):
        predicted.append(len(x))
        return x[:, decisive]

    before = x.copy()
    names = {f"column {i}": slice(i, i + 1) for i in range(columns)}
    found = column_importance(predict, error, x, x[:, decisive], None, names)
    assert (x == before).all()
    assert found == column_importance(predict, error, x, x[:, decisive], None, names)
    assert max(predicted) * columns <= 2_000_000
    return found, predicted


def test_only_the_decisive_column_matters():
    found, _ = importance(6, 300, decisive=4)
    assert found[0].column == "column 4"
    assert found[0].mean > 1
    assert [(each.mean, each.deviation) for each in found[1:]] == [(0, 0)] * 5


def test_a_long_table_is_sampled():
    _, predicted = importance(3, 50_000, decisive=1)
    assert sum(predicted) == 2 * (2000 + 3 * 5 * 2000)  # in two calls


def test_of_a_wide_table_the_fifty_columns_with_the_largest_first_effect_are_measured():
    found, predicted = importance(1500, 400, decisive=1234)
    assert len(found) == 50
    assert found[0].column == "column 1234"
    assert sum(predicted) < 2 * 250_000  # in two calls
