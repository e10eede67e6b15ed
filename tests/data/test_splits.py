"""Every row is in one part, nothing of a group or a later time is in two, and every fold is complete."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.data.split_settings import Validation
from caviar.data.splits import split
from caviar.data.target import read_target
from caviar.errors import InputError

NOTHING = pd.DataFrame()


def target_of(rows=200, classes=3):
    return read_target(np.arange(rows) % classes, "classification")


def everything(parts):
    return sorted(np.concatenate([parts.train, parts.val, parts.test]).tolist())


@settings(deadline=None)
@given(st.integers(40, 300), st.integers(2, 5), st.floats(0.05, 0.5), st.integers(0, 5))
def test_a_fraction_is_stratified(rows, classes, fraction, seed):
    target = target_of(rows, classes)
    parts = split(target, Validation.of(fraction), NOTHING, seed)
    assert everything(parts) == list(range(rows))
    shares = np.bincount(target.values[parts.val], minlength=classes) / np.bincount(target.values)
    assert np.abs(shares - fraction).max() <= 1 / (rows // classes) + 1e-9


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.integers(0, 5), st.booleans())
def test_every_row_that_is_not_for_the_test_is_validated_once(folds, seed, grouped):
    columns = pd.DataFrame({"patient": np.arange(200) // 5})
    validation = Validation.of({"folds": folds, **({"group": "patient"} if grouped else {})})
    parts = split(target_of(), validation, columns, seed)
    rest = np.setdiff1d(np.arange(200), parts.test)
    assert len(parts.folds) == folds
    assert sorted(np.concatenate([val for _, val in parts.folds])) == rest.tolist()
    for train, val in parts.folds:
        assert sorted([*train, *val]) == rest.tolist()
        if grouped:
            assert not set(train // 5) & set(val // 5)


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 60), st.integers(0, 5), st.sampled_from(["classification", "regression"]))
def test_groups_stay_together(groups, seed, task):
    columns = pd.DataFrame({"patient": np.random.default_rng(seed).integers(0, groups, 300)})
    columns.iloc[:groups, 0] = np.arange(groups)
    target = read_target(np.arange(300) % 3, task)
    parts = split(target, Validation.of({"group": "patient"}), columns, seed)
    assert everything(parts) == list(range(300))
    members = [set(columns["patient"].iloc[part]) for part in (parts.train, parts.val, parts.test)]
    assert all(members)
    assert not members[0] & members[1]
    assert not members[0] & members[2]
    assert not members[1] & members[2]


@pytest.mark.parametrize("text", [True, False])
def test_the_last_rows_by_time_are_for_the_test(text):
    days = pd.date_range("2024-01-01", periods=50).repeat(4)
    order = np.random.default_rng(0).permutation(200)
    times = pd.Series(days[order]).dt.strftime("%Y-%m-%d") if text else pd.Series(days[order])
    parts = split(target_of(), Validation.of({"time": "day"}), pd.DataFrame({"day": times}), 0)
    assert everything(parts) == list(range(200))
    stamps = pd.to_datetime(times)
    assert stamps[parts.train].max() < stamps[parts.val].min()
    assert stamps[parts.val].max() < stamps[parts.test].min()
    assert abs(len(parts.test) - 30) <= 4
    assert abs(len(parts.val) - 30) <= 4


@pytest.mark.parametrize(
    "cells", [["train", "val", "test"], ["Train ", "Validation", "TEST"], ["training", "dev", "holdout"]]
)
def test_a_column_names_the_parts(cells):
    columns = pd.DataFrame({"split": np.array(cells)[np.arange(200) % 3]})
    parts = split(target_of(), Validation.of({"column": "split"}), columns, 0)
    assert [part[0] for part in (parts.train, parts.val, parts.test)] == [0, 1, 2]
    assert everything(parts) == list(range(200))


def test_a_column_of_flags_says_which_rows_validate():
    for flags in (np.arange(200) % 4 == 0, (np.arange(200) % 4 == 0).astype(float)):
        parts = split(target_of(), Validation.of({"column": "held"}), pd.DataFrame({"held": flags}), 0)
        assert sorted(parts.val) == list(range(0, 200, 4))
        assert everything(parts) == list(range(200))


def test_a_second_table_is_all_for_validation():
    parts = split(target_of(), Validation(table="b.csv"), NOTHING, 0, second=50)
    assert parts.val.tolist() == list(range(150, 200))
    assert everything(parts) == list(range(200))


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    target = read_target(np.arange(40.0), "regression")
    only_one = pd.DataFrame({"part": ["train", *["validation"] * 39]})
    for validation, columns, second in [
        (Validation(column="part"), only_one, 0),
        (Validation(table="b.csv"), NOTHING, 39),
    ]:
        with pytest.raises(InputError, match="have all 40 rows, so none is left to train on; leave more"):
            split(target, validation, columns, 0, second)


def test_a_class_with_a_single_row_is_for_training():
    for single in range(40):
        labels = np.arange(40) % 2
        labels[single] = 2
        assert single in split(read_target(labels, "classification"), Validation(), NOTHING, 0).train


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (np.int64(5), 5),
        ({"folds": np.int64(5)}, {"folds": 5}),
        ({"fraction": np.float32(0.25)}, {"fraction": 0.25}),
        (Fraction(1, 4), 0.25),
        ({"fraction": Decimal("0.25")}, {"fraction": 0.25}),
        ({"group": np.int64(3), "folds": np.uint8(4)}, {"group": 3, "folds": 4}),  # a column without a name
    ],
)
def test_numbers_of_other_types_are_plain_ones(value, same):
    chosen = Validation.of(value)
    assert chosen == Validation.of(same)
    assert {type(each) for each in chosen.to_plain().values()} <= {int, float, str}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.7, r"fraction must be in \(0, 0.5\], got 0.7"),
        ({"fold": 5}, "no option 'fold'; did you mean 'folds'"),
        (1, "folds must be an integer >= 2, got 1"),
        ({"group": ["a"]}, "group must name a column"),
        ({"group": "a", "time": "b"}, "cannot combine group and time"),
        ({"folds": 3, "fraction": 0.2}, "cannot combine folds and fraction"),
        ({}, "must say one of fraction, folds, group"),
    ],
)
def test_what_nobody_can_mean_is_refused(value, message):
    with pytest.raises(InputError, match=message):
        Validation.of(value)


@pytest.mark.parametrize(
    ("validation", "cells", "message"),
    [
        ({"column": "a"}, ["train", "x"], "must say train, validation or test, got 'x'"),
        ({"column": "a"}, ["train", "test"], "names 100 training and 0 validation rows"),
        ({"time": "a"}, ["yesterday", "today"], "must hold times such as 2024-01-31"),
        ({"time": "a"}, [1, 2], "too few different times"),
        ({"time": "a"}, [1.0, None], "100 empty cells"),
        ({"group": "a"}, ["x", None], "100 empty cells"),
        ({"group": "a"}, ["x", "y"], "must have 3 groups or more, got 2"),
        ({"group": "a", "folds": 5}, ["x", "y", "z", "u"], "at most the number of groups, 3, got 5"),
    ],
)
def test_a_column_that_does_not_split(validation, cells, message):
    columns = pd.DataFrame({"a": [cells[i % len(cells)] for i in range(200)]})
    with pytest.raises(InputError, match=message):
        split(target_of(), Validation.of(validation), columns, 0)


def test_rare_classes_in_groups_give_no_warning_of_another_package(recwarn):
    rows = pd.DataFrame({"x": np.arange(60) % 7 + 0.5, "who": np.arange(60) // 4, "kind": ["a", "b"] * 29 + ["a", "c"]})
    data = caviar.load_table(rows, target="kind", validation={"group": "who"})
    assert not recwarn.list
    assert "class 'c' of kind has a single row" in " ".join(data.notes)
