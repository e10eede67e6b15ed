"""Squares: as a table, as plain data, as a map of points, and at the bounds of the space."""

import json

import numpy as np
import pandas as pd
import pytest

from caviar.search import Square
from caviar.search.square import bounds_reached, edges, extended_bounds, whole_space
from caviar.space import Space, choice, loguniform, randint, uniform

SPACE = Space(rate=loguniform(1e-4, 1), units=randint(50, 100), kind=choice(["a", "b"]))
SQUARE = Square((0.75, 0.0, 0.0), (1.0, 0.5, 1.0), (1.0, 0.25, 0.25), ((), (), (0.9, 0.1)), "because")


def test_a_square_survives_json():
    assert Square.from_plain(json.loads(json.dumps(SQUARE.to_plain()))) == SQUARE


def test_a_square_reads_as_a_table():
    table = pd.DataFrame(SQUARE.sides(SPACE)).set_index("name")
    assert list(table.columns) == ["low", "high", "space_low", "space_high", "share", "options"]
    assert table.loc["rate", "low"] == pytest.approx(0.1)
    assert table.loc["units", ["low", "high", "space_high"]].tolist() == [50, 75, 100]
    assert table.loc["kind", "options"] == "a 90%, b 10%"
    assert SQUARE.share == pytest.approx(0.25 * 0.5 / (2 * 0.82))


def test_which_points_lie_inside():
    points = np.array([[0.8, 0.3, 0.75], [0.7, 0.3, 0.25], [0.8, 0.6, 0.25]])
    assert SQUARE.contains(points, SPACE).tolist() == [True, False, False]
    assert whole_space(SPACE).contains(points, SPACE).all()
    assert whole_space(SPACE).share == pytest.approx(1.0)


def test_a_coordinate_that_a_point_does_not_use_is_inside():
    space = Space(optimizer=choice({"adam": Space(beta=uniform(0, 1)), "plain": None}))
    square = Square((0.0, 0.8), (1.0, 0.9), (0.25, 0.85), ((0.5, 0.5), ()))
    assert square.contains(np.array([[0.25, 0.1], [0.75, 0.1]]), space).tolist() == [False, True]


def test_only_a_centre_at_a_bound_reaches_it():
    assert bounds_reached(SQUARE, SPACE) == [("rate", True)]
    assert edges(SQUARE, SPACE) == ["rate: the best values lie at the upper bound 1; consider widening it"]
    assert edges(whole_space(SPACE), SPACE) == []


def test_a_wide_square_says_nothing_about_the_bound_that_it_reaches():
    space = Space(momentum=uniform(0.9, 0.99))
    assert edges(Square((0.0,), (0.2,), (0.02,), ((),)), space) == [
        "momentum: the best values lie at the lower bound 0.9; consider widening it"
    ]
    assert edges(Square((0.0,), (0.4,), (0.02,), ((),)), space) == []


def test_every_extended_bound_has_a_sentence():
    wider = SPACE.widened("units", upper=False).widened("rate", upper=True)
    assert extended_bounds(SPACE, wider) == [
        "rate: upper bound extended from 1 to 100",
        "units: lower bound extended from 50 to 25",
    ]
    assert extended_bounds(SPACE, SPACE) == []
