"""What options and constants become in a journal, and that they come back equal."""

import functools
import json
import math
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError, OwnCodeError
from caviar.space import Space, choice, constant, uniform
from caviar.space.configs import config_of
from caviar.space.references import Reference, reference_to, resolved
from caviar.space.serialization import from_plain, to_plain
from caviar.space.values import check_value, decode, encode, identity
from tests.space.spaces import Activation, Colour, double, points_of, spaces, values


def written_and_read(value):
    return decode(json.loads(json.dumps(encode(value))))


def alike(one, other):
    """Whether two values are equal, of the same types at every depth."""
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return type(other) is dict and alike(list(one.items()), list(other.items()))
    return one is other or (isinstance(one, type(other)) and one == other)


@given(value=values)
def test_a_value_comes_back_equal_and_of_the_same_type(value):
    read = written_and_read(value)
    assert identity(read) == identity(value)
    assert alike(resolved(read), value)
    check_value("x", value)


@given(space=spaces())
def test_a_space_comes_back_equal(space):
    read = from_plain(json.loads(json.dumps(to_plain(space))))
    assert read == space
    assert hash(read) == hash(space)


@given(data=st.data(), space=spaces())
def test_configs_of_a_space_that_was_read_are_those_of_the_space(data, space):
    read = from_plain(json.loads(json.dumps(to_plain(space))))
    points = data.draw(points_of(space))
    configs = space.configs(points)
    assert all(alike(resolved(a), b) for a, b in zip(read.configs(points), configs, strict=True))
    assert np.array_equal(read.points(configs), space.points(configs))
    assert np.array_equal(space.snap(points), read.snap(points))


@given(data=st.data(), space=spaces())
def test_a_config_of_a_space_is_completed_to_itself(data, space):
    for config in space.configs(data.draw(points_of(space))):
        assert alike(config_of(space, config), config)


def test_reading_a_name_imports_nothing():
    reference = decode({"__caviar__": "name", "value": ["antigravity", "geohash"]})
    assert "antigravity" not in sys.modules
    assert str(reference) == "antigravity:geohash"


@pytest.mark.parametrize("value", [Colour.RED, Activation.Inner, double, math.sqrt, np.tanh])
def test_a_reference_equals_what_it_names(value):
    reference = reference_to(value)
    assert reference == value
    assert value == reference
    assert reference.resolve() is value
    assert reference != Activation


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("no_such_module", "x", "cannot be imported"),
        ("math", "no", "is not defined here"),
        ("os", "environ", "is not defined here"),  # no class, function or member of an Enum
        ("sys", "modules", "is not defined here"),
        ("os", "path.join", "is not defined here"),  # under another name than its own
        ("__main__", "Gone", "Study.open"),
    ],
)
def test_what_a_name_does_not_lead_to_is_said(module, name, words):
    with pytest.raises(InputError, match=words):
        Reference(module, name).resolve()


@pytest.mark.usefixtures("imports")
def test_an_option_whose_module_fails_is_one_sentence(tmp_path):
    (tmp_path / "failing_options.py").write_text("1 / 0\n")
    sys.path.insert(0, str(tmp_path))
    with pytest.raises(OwnCodeError, match="failing_options:x cannot be imported: ZeroDivisionError") as raised:
        Reference("failing_options", "x").resolve()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    "plain",
    [
        {"__caviar__": "tuple", "value": 3},
        {"__caviar__": "numpy", "value": ["O", "00"]},
        {"__caviar__": "numpy", "value": ["<f8", "zz"]},
        {"__caviar__": "name", "value": [1, 2]},
        {"__caviar__": "dict", "value": [[[], 1]]},
    ],
)
def test_a_damaged_value_is_an_error(plain):
    with pytest.raises(ValueError, match="not a value of kind"):
        decode(plain)


@pytest.mark.parametrize("plain", [{"__caviar__": 3}, {"__caviar__": "party", "value": 1}, {"__caviar__": "tuple"}])
def test_a_dict_that_only_looks_tagged_is_a_dict(plain):
    assert decode(plain) == plain
    assert written_and_read(plain) == plain


class Point:
    pass


def local():
    def inner(x):
        return x

    return inner


@pytest.mark.parametrize(
    "make",
    [lambda: 10**5000, lambda: np.ones(2), lambda: pd.Series([1]),
     lambda: pd.DataFrame({"a": [1]}), lambda: lambda x: x, local, Point, object,
     lambda: {1, 2}, lambda: functools.partial(double), lambda: Point().__init__, lambda: [np.ones(2)],
     lambda: {"a": {"b": Point()}}, lambda: sys],
)  # fmt: skip
def test_what_would_not_come_back_is_refused(make):
    with pytest.raises(InputError, match=r"^x must be a value that the study's journal can keep, got .*; try "):
        check_value("x", make())


def test_a_tensor_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="Tensor tensor"):
        check_value("x", torch.ones(2))


def test_a_text_that_no_file_can_hold_is_refused():
    with pytest.raises(InputError, match=r"kind must be a value that the study's journal can keep, got str '\\ud800'"):
        check_value("kind", "\ud800")


def test_equal_options_of_different_types_are_told_apart():
    space = Space(a=choice([1, 1.0, True]), b=choice([(1,), (1.0,)]), c=uniform(0, 1))
    points = np.array([[1 / 2, 0.9, 0.3], [0.1, 0.1, 0.3]])
    configs = space.configs(points)
    assert [type(config["a"]) for config in configs] == [float, int]
    assert np.array_equal(space.points(configs), space.snap(points))
    assert np.array_equal(space.configs(space.snap(points)), configs)


def test_spaces_that_differ_in_steps_or_parameters_differ():
    assert Space(a=uniform(0.0, 1.0)) != Space(a=uniform(0.0, 1.0, step=0.5))


def test_a_default_may_be_among_options_that_cannot_be_compared():
    arrays = [np.ones(2), np.zeros(2)]
    with pytest.raises(InputError, match="default must be one of"):
        choice(arrays, default=np.ones(3))
    assert choice(arrays, default=arrays[1]).index(arrays[1]) == 1
    assert constant(np.ones(2)).levels == 1
