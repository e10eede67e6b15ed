"""Budgets, and how they are split into waves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.search import Budget


@given(st.integers(1, 300), st.integers(1, 12))
def test_wave_sizes_sum_to_the_trials(trials, dimension):
    for waves in ("auto", "continuous", 1, min(3, trials)):
        sizes = Budget(trials, waves).sizes(dimension)
        assert sum(sizes) == trials
        assert min(sizes) >= 1


def test_automatic_waves_are_several_and_at_least_as_large_as_the_dimension():
    assert len(Budget(256).sizes(dimension=6)) == 8
    assert min(Budget(256).sizes(dimension=50)) >= 50
    assert Budget(8).sizes(dimension=50) == (8,)


def test_budgets_are_values():
    assert Budget(10, [6, 4]) == Budget(10, (6, 4))
    assert hash(Budget(10, [6, 4])) == hash(Budget(10, (6, 4)))
    assert eval(repr(Budget(10, [6, 4], seed=3))) == Budget(10, [6, 4], seed=3)
    assert Budget(10, [6, 4]).sizes(dimension=2) == (6, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "trials must be an integer >= 1, got 0"),
        ({"trials": 10**23}, "trials must be an integer <= 10000000, got 1"),
        ({"trials": 2.5}, "trials must be an integer >= 1, got 2.5"),
        ({"trials": 3, "seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"trials": 3, "waves": 0}, "waves must be an integer >= 1, got 0"),
        ({"trials": 3, "waves": 4}, "waves must be <= trials=3, got 4; try waves=3"),
        ({"trials": 3, "waves": []}, "waves must be .* a list of integers >= 1, got \\[\\]"),
        ({"trials": 3, "waves": [4, -1]}, "waves must be .* got \\[4, -1\\]"),
        ({"trials": 3, "waves": [2, 2]}, "waves must sum to trials=3, got \\[2, 2\\]; try trials=4"),
        ({"trials": 3, "waves": [1.5, 1.5]}, "waves must be .* a list of integers >= 1, got \\[1.5, 1.5\\]"),
        ({"trials": 3, "waves": None}, "waves must be .* got None"),
        ({"trials": 3, "waves": "often"}, "waves must be .* got 'often'"),
    ],
)
def test_errors_show_the_value(arguments, message):
    with pytest.raises(InputError, match=message):
        Budget(**arguments)
