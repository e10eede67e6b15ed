"""The one rule of signs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.records.objective import Objective


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_the_best_value_is_the_one_with_the_lowest_loss(values):
    for mode, best in (("min", min), ("max", max)):
        objective = Objective("loss", mode)
        assert objective.best(values) == best(values)
        losses = [objective.to_minimise({"loss": value}) for value in values]
        assert values[losses.index(min(losses))] == best(values)


def test_nothing_is_nan():
    assert math.isnan(Objective("loss", "max").best([]))
    assert math.isnan(Objective("loss", "max").to_minimise({}))


def test_the_held_out_metric():
    assert Objective("val_rmse", "min").held_out == "test_rmse"
    assert Objective("train_loss", "min").held_out is None


@pytest.mark.parametrize(("metric", "mode"), [("", "min"), (3, "min"), ("loss", "maximum"), ("loss", None)])
def test_invalid_ones_are_refused(metric, mode):
    with pytest.raises(InputError, match="must be"):
        Objective(metric, mode)
