"""Squares: as a table, as plain data, as a map of points, and at the bounds of the space."""

import json

import numpy as np
import pandas as pd
import pytest

from caviar.search import Square
from caviar.search.square import bounds_reached, edges, extended_bounds, whole_space
from caviar.space import Space, choice, loguniform, randint

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


def test_points_are_mapped_into_the_square():
    points = SQUARE.from_unit_cube(np.random.default_rng(0).random((1000, 3)))
    assert (points >= SQUARE.low).all()
    assert (points <= SQUARE.high).all()
    assert np.mean(points[:, 2] < 0.5) == pytest.approx(0.9, abs=0.03)
    assert whole_space(SPACE).share == pytest.approx(1.0)


def test_only_a_centre_at_a_bound_reaches_it():
    assert bounds_reached(SQUARE, SPACE) == [("rate", True)]
    assert edges(SQUARE, SPACE) == ["rate: the best values lie at the upper bound 1; consider widening it"]
    assert edges(whole_space(SPACE), SPACE) == []


def test_every_extended_bound_has_a_sentence():
    wider = SPACE.widened("units", upper=False).widened("rate", upper=True)
    assert extended_bounds(SPACE, wider) == [
        "rate: upper bound extended from 1 to 100",
        "units: lower bound extended from 50 to 25",
    ]
    assert extended_bounds(SPACE, SPACE) == []
