"""The pictures for notebooks, and what a study and a space look like on a line of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError
from caviar.insight.figures.axes import coordinates, ticks
from tests.insight.studies import written
from tests.insight.test_report import EVIL, reached, space, study  # noqa: F401


def test_each_picture_speaks_of_every_trial(study):  # noqa: F811
    rows = len(study.table)
    parallel = study.plot.parallel()
    assert sum(len(t.x) / t.meta["points_per_trial"] for t in parallel.data if t.meta) == rows
    assert sum(t.name.startswith("square of wave") for t in parallel.data) == 2
    squares = study.plot.squares("rate", "units")
    assert sum(len(trace.x) for trace in squares.data) == rows
    assert len(squares.layout.shapes) == 2
    assert squares.layout.xaxis.ticktext == ("0.0001", "0.001", "0.01", "0.1", "1")
    assert len(study.plot.importance().data[0].y) == 4
    drawn = [trace.meta["trial"] for trace in study.plot.curves().data if trace.meta]
    assert drawn[::-1] == [result.trial for result in study.ranking[:10]]  # the winner last, on top
    for over in ("trials", "seconds"):
        running = study.plot.best(over).data[-1].y
        assert (np.diff(running) >= 0).all()


def test_squares_of_what_does_not_vary_are_refused(study):  # noqa: F811
    with pytest.raises(InputError, match="nothing named 'rat' varies; did you mean 'rate'"):
        study.plot.squares("rat", "units")
    with pytest.raises(InputError, match="over='hours'"):
        study.plot.best("hours")


def test_conditional_hyperparameters_have_gaps(tmp_path):
    under = caviar.Space(beta=caviar.uniform(0, 1))
    kinds = caviar.Space(kind=caviar.choice({"plain": None, "curved": under}))
    made = written(tmp_path, kinds, lambda c, _: c.get("beta", 2.0), trials=20)
    found = coordinates(made.table, made.space)
    assert (np.isnan(found[:, 1]) == (made.table["kind"] == "plain").to_numpy()).all()
    assert sum(len(t.x) for t in made.plot.squares("kind", "beta").data) == 20


KINDS = [
    caviar.uniform(-3, 7),
    caviar.loguniform(1e-5, 2),
    caviar.reverseloguniform(0.9, 0.999),
    caviar.randint(50, 100),
    caviar.lograndint(1, 300),
    caviar.choice([32, 64, "many"]),
    caviar.loguniform(0.3, 0.4),
    caviar.randint(3, 4),
]


@pytest.mark.parametrize("hyperparameter", KINDS, ids=repr)
def test_ticks_are_values_of_the_hyperparameter_in_order(hyperparameter):
    places, labels = ticks(hyperparameter)
    assert len(places) == len(labels) >= 1
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_linear_ticks_lie_inside_any_bounds(low, width):
    bounded = caviar.uniform(low, low + width)
    places, _ = ticks(bounded)
    assert 1 <= len(places) <= 12


def test_a_study_and_a_space_show_themselves_escaped(study):  # noqa: F811
    for shown in (study._repr_html_(), space()._repr_html_()):
        assert EVIL not in shown
        assert "&lt;script&gt;" in shown
    assert "reverseloguniform(0.9, 0.999)" in space()._repr_html_()
    assert reached({"rate": 0.01, "units": 1}, 1) > 0.9
