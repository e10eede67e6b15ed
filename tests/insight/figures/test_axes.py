"""Ticks of every kind of hyperparameter, and trials and squares as points of the unit cube."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.insight.figures.axes import coordinates, square_corners, ticks, wave_squares
from tests.insight.studies import outcome_of

HYPERPARAMETERS = [
    caviar.uniform(-3, 7),
    caviar.loguniform(1e-5, 2),
    caviar.reverseloguniform(0.9, 0.999),
    caviar.randint(50, 100),
    caviar.lograndint(1, 300),
    caviar.choice([32, 64, "many"]),
    caviar.loguniform(0.3, 0.4),
    caviar.randint(3, 4),
]


@pytest.mark.parametrize("hyperparameter", HYPERPARAMETERS, ids=repr)
def test_ticks_are_values_of_the_hyperparameter_in_order(hyperparameter):
    positions, labels = ticks(hyperparameter)
    assert len(positions) == len(labels) >= 1
    assert positions == sorted(positions)
    assert all(0 <= position <= 1 for position in positions)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_linear_ticks_lie_inside_any_bounds(low, width):
    assert 1 <= len(ticks(caviar.uniform(low, low + width)).positions) <= 12


def test_inactive_hyperparameters_have_no_coordinate(tmp_path):
    space = caviar.Space(kind=caviar.choice({"plain": None, "curved": caviar.Space(beta=caviar.uniform(0, 1))}))
    outcome = outcome_of(tmp_path, space, lambda c, _: c.get("beta", 2.0), trials=20)
    points = coordinates(outcome.table, outcome.space)
    assert (np.isnan(points[:, 1]) == (outcome.table["kind"] == "plain").to_numpy()).all()


def test_the_sides_of_squares_have_the_bounds_of_the_waves_table(outcome):
    squares = wave_squares(outcome.waves, outcome.space)
    assert list(squares) == [2, 3]
    rate = outcome.space["rate"]
    for sides, (_, row) in zip(squares.values(), outcome.waves.iloc[1:].iterrows(), strict=True):
        assert rate.values(sides[0]) == pytest.approx([row["rate_low"], row["rate_high"]])
        assert sides[3].tolist() == [0.0, 1.0]  # a choice keeps its whole side
    assert square_corners(outcome.square, outcome.space) == pytest.approx(squares[3].T)
