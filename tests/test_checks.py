"""Checks of arguments: what passes, and the message for what does not."""

import math
import os
import pickle

import numpy as np
import pytest

from caviar._checks import (
    check_integer,
    check_path,
    check_seconds,
    check_seed,
    check_string,
    did_you_mean,
    import_optional,
    plain_number,
)
from caviar.errors import InputError, MissingError, PausedError


@pytest.mark.parametrize(
    ("check", "valid", "invalid", "message"),
    [
        (
            lambda v: check_integer("trials", v),
            [1, 10**9, np.int8(3)],
            [0, -1, 2.0, "3", True, None, np.int64(0), np.float64(2.0), np.True_],
            "trials must be an integer >= 1",
        ),
        (check_seed, [0, 7], [-1, 0.5, False], "seed must be an integer >= 0"),
        (lambda v: check_seconds("timeout", v), [None, 1, 0.5, math.inf], [0, -1, math.nan, "1", True], "seconds > 0"),
        (lambda v: check_path("out", v), ["a", "s3://b/c"], ["", 5, None, b"a", "a\0b", ["a"]], "out must be a path"),
        (lambda v: check_string("name", v), ["a"], ["", 3, None], "name must be a non-empty string"),
    ],
)
def test_a_check_returns_valid_values_and_shows_invalid_ones(check, valid, invalid, message):
    assert [check(value) for value in valid] == valid
    for value in invalid:
        with pytest.raises(InputError, match=message) as error:
            check(value)
        assert str(error.value).endswith(f"got {value!r}")


@pytest.mark.parametrize(
    ("check", "value", "words"),
    [
        (check_path, "s3://", "'s3://', which names no place; try"),
        (check_path, "gs:///", "which names no place"),
        (check_path, "a\ud800", "which cannot be the name of a file"),
        (check_string, "a\udcff", "must be valid Unicode"),
    ],
)
def test_a_name_that_nothing_can_have_is_refused(check, value, words):
    with pytest.raises(InputError, match=words):
        check("it", value)


def test_a_path_may_begin_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert check_path("out", "~/runs") == str(tmp_path / "runs") or os.name == "nt"
    assert check_path("out", "a/~") == "a/~"


@pytest.mark.parametrize("number", [np.int8(100), np.uint64(100), np.float32(100), np.float64(100)])
def test_a_number_of_numpy_becomes_one_of_python_which_does_not_overflow(number):
    assert type(check_seconds("timeout", number)) is type(number.item())
    assert plain_number(number) * 2 == 200


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
