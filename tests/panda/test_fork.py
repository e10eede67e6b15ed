"""The variations of a fork."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.errors import InputError
from caviar.panda.fork import variations


@settings(max_examples=30)
@given(
    rate=st.floats(1e-5, 1.0),
    momentum=st.floats(0.1, 0.99),
    factor=st.floats(1.1, 10.0),
    n=st.integers(2, 9),
    seed=st.integers(0, 9),
)
def test_copies_stay_within_the_factor_and_the_first_is_not_varied(rate, momentum, factor, n, seed):
    first, *others = variations({"learning_rate": rate, "momentum": momentum}, n, factor, seed)
    assert first == {}
    assert len(others) == n - 1
    slack = 1 + 1e-6
    for copy in others:
        assert rate / factor / slack <= copy["learning_rate"] <= rate * factor * slack
        assert 0 <= copy["momentum"] < 1
        assert (1 - copy["momentum"]) * factor * slack >= 1 - momentum


def test_a_fork_in_which_nothing_varies_is_refused():
    with pytest.raises(InputError, match="needs a learning rate or momentum > 0"):
        variations({"learning_rate": 0.0, "momentum": 0.0}, 3, 2.0, seed=0)
