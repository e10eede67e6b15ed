"""Checks of arguments: what passes, and the message for what does not."""

import math
import pickle

import pytest

from caviar._checks import check_integer, check_seconds, check_seed, check_string, did_you_mean, import_optional
from caviar.errors import InputError, MissingError, PausedError


@pytest.mark.parametrize(
    ("check", "valid", "invalid", "message"),
    [
        (
            lambda v: check_integer("trials", v),
            [1, 10**9],
            [0, -1, 2.0, "3", True, None],
            "trials must be an integer >= 1",
        ),
        (check_seed, [0, 7], [-1, 0.5, False], "seed must be an integer >= 0"),
        (lambda v: check_seconds("timeout", v), [None, 1, 0.5, math.inf], [0, -1, math.nan, "1", True], "seconds > 0"),
        (lambda v: check_string("name", v), ["a"], ["", 3, None], "name must be a non-empty string"),
    ],
)
def test_a_check_returns_valid_values_and_shows_invalid_ones(check, valid, invalid, message):
    assert [check(value) for value in valid] == valid
    for value in invalid:
        with pytest.raises(InputError, match=message) as error:
            check(value)
        assert str(error.value).endswith(f"got {value!r}")


def test_an_unknown_name_suggests_the_closest_or_lists_the_first_twenty():
    assert did_you_mean("unifrom", ["uniform", "choice"]) == "; did you mean 'uniform'?"
    assert did_you_mean(3, ["uniform", "choice"]) == "; choose one of uniform, choice"
    assert did_you_mean("z", map(str, range(30))).endswith(", 19, ...")


def test_a_missing_package_names_its_extra():
    assert import_optional("math", "the test", "none").pi == math.pi
    with pytest.raises(MissingError, match=r"a figure needs no_such_package; .* 'caviar-tune\[report\]'"):
        import_optional("no_such_package.part", "a figure", "report")


@pytest.mark.parametrize(
    "error", [MissingError("a plot", "plotly", "report"), PausedError("It failed", "ValueError", 3)]
)
def test_an_error_can_be_pickled(error):
    restored = pickle.loads(pickle.dumps(error))
    assert (type(restored), str(restored), vars(restored)) == (type(error), str(error), vars(error))
