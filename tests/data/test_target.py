"""The task is guessed with a reason; labels are spelled as in their source."""

import re

import numpy as np
import pandas as pd
import pytest

from caviar.data.target import read_target
from caviar.errors import InputError

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("y", "task", "reason"),
    [
        (np.array(["no", "yes"] * 20), "classification", "it holds text"),
        (np.arange(40) % 2 == 0, "classification", "it is true or false"),
        (np.arange(40) % 2, "classification", "it has two different values"),
        (np.repeat([0, 1], [990, 10]), "classification", "it has two different values"),
        (np.arange(260) % 26, "classification", "26 different integers are about equally frequent"),
        (1 + np.arange(260) % 26, "classification", "26 different integers are about equally frequent"),
        (np.repeat([1, 2, 3], [59, 71, 48]), "classification", "about equally frequent"),
        (np.repeat(range(7), [2118, 2833, 357, 27, 95, 173, 205]), "classification", "have no order"),
        (RANDOM.poisson(3, 1000), "regression", "look like counts"),
        (RANDOM.poisson(10, 5000), "regression", "look like counts"),
        (RANDOM.geometric(0.3, 1000), "regression", "look like counts"),
        (1990 + np.arange(210) % 21, "regression", "look like counts"),
        (np.arange(40), "regression", "40 different integers"),
        (np.linspace(0, 1, 40), "regression", "it has decimals"),
    ],
)
def test_the_task_is_guessed_with_a_reason(y, task, reason):
    target = read_target(y)
    assert target.task == task
    assert reason in target.reason


def test_a_task_that_was_said_needs_no_reason():
    counts = np.arange(1000) % 200
    assert read_target(counts, "classification").classes == tuple(range(200))
    numbers = read_target(counts % 2, "regression")
    assert (numbers.task, numbers.reason) == ("regression", "")


@pytest.mark.parametrize(
    "labels",
    [["None", "NA", "null", "nan"], ["1", "2", "3", "unknown"], ["", " "], [True, False], [1.5, 2.0], [10, 20]],
)
@pytest.mark.parametrize("make", [list, np.array, pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_labels_are_what_the_source_says(labels, make):
    target = read_target(make(labels * 10), "classification")
    assert sorted(map(repr, target.classes)) == sorted(map(repr, labels))
    assert [target.classes[index] for index in target.values] == labels * 10


@pytest.mark.parametrize("labels", [["low", "mid", "high"], [3, 1, 2], [True, False], [2.5, 0.5]])
def test_ordered_categories_keep_their_order(labels):
    dtype = pd.CategoricalDtype([*labels, *labels[:0]], ordered=True)
    target = read_target(pd.Series(labels[::-1] * 10, dtype=dtype))
    assert (target.classes, target.reason) == (tuple(labels), "it is categorical")
    assert [target.classes[index] for index in target.values] == labels[::-1] * 10


@pytest.mark.parametrize("task", [None, "classification", "regression"])
@pytest.mark.parametrize("start", [10**30, 2**64 - 100])
def test_integers_that_are_the_same_as_floats_are_no_constant(start, task):
    y = pd.Series([start + n for n in range(80)], dtype=object if start > 2**64 else "uint64")
    if task == "classification" and start < 2**64:
        assert read_target(y // 40, task).classes
        return
    with pytest.raises(InputError, match="float64 does not tell them apart, so subtract the smallest"):
        read_target(y, task)


@pytest.mark.parametrize(("label", "message"), [([1], "got [1] of type list"), ("a\udcff", "which files cannot hold")])
def test_labels_that_are_none(label, message):
    with pytest.raises(InputError, match=re.escape(message)):
        read_target(pd.Series([label, label] * 20, dtype=object))


@pytest.mark.parametrize(
    ("dtype", "values", "classes"),
    [
        ("boolean", [True, False], (False, True)),
        ("string", ["a", "b"], ("a", "b")),
        ("string[pyarrow]", ["a", "b"], ("a", "b")),
        ("Int64", [1, 2], (1, 2)),
        ("Float64", [1.0, 2.0], (1.0, 2.0)),
        ("bool[pyarrow]", [True, False], (False, True)),
        ("int64[pyarrow]", [1, 2], (1, 2)),
    ],
)
def test_nullable_and_arrow_columns_and_their_gaps(dtype, values, classes):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow", reason="pyarrow is a part of the extra tables")
    assert read_target(pd.Series(values * 10, dtype=dtype)).classes == classes
    with pytest.raises(InputError, match="the target 'label' has 1 missing"):
        read_target(pd.Series([*values * 10, None], dtype=dtype), name="label")


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        ([np.nan, 1.0, 2.0], None, "1 missing or infinite values; drop those rows"),
        ([np.inf, 1.0, 2.0], "regression", "1 missing or infinite"),
        ([None, "a", "b"], None, "1 missing"),
        (["1", "nan"] * 20, "regression", "20 missing"),
        (["a", "b"] * 20, "regression", "contains strings, such as 'a'; correct them, or pass task='classification'"),
        ([1, "a"] * 20, None, "mixes types of labels"),
        (["a"] * 20, None, "'a' in every row"),
        ([0.5] * 20, None, "0.5 in every row"),
        ([f"name {n}" for n in range(40)], None, "40 different labels in 40 rows; choose a column with fewer labels"),
        ([f"{n}.5" for n in range(40)], None, "40 different labels in 40 rows; pass task='regression', or choose"),
        (["?", *map(str, range(39))], None, r"correct those that are not numbers, such as '\?', or choose a column"),
        (pd.date_range("2024-01-01", periods=40), None, "must hold labels or numbers, got datetime64 values"),
        (np.zeros((40, 2)), None, r"one target for each row, got shape \(40, 2\)"),
        ([1, 2] * 20, "ranking", "task must be 'classification', 'regression' or None, got 'ranking'"),
    ],
)
def test_a_target_from_which_nothing_can_be_learned(y, task, message):
    with pytest.raises(InputError, match=message) as error:
        read_target(y, task)
    assert "\n" not in str(error.value)


def test_amounts_are_numbers_if_the_user_says_so():
    assert read_target(["$1,200.50", "$3", "7%"] * 3, "regression").values.tolist()[:3] == [1200.5, 3, 7]
