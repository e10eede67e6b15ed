"""Columns that arrive in chunks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.reading.cells import Kind
from caviar.data.reading.columns import Column, as_kind
from caviar.errors import InputError


def joined(*chunks):
    column = Column(".")
    for chunk in chunks:
        column.add(chunk if isinstance(chunk, pd.Series) else pd.Series(chunk))
    return column


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), min_size=1))
def test_integers_stay_as_they_are_however_they_arrive(chunks):
    values = joined(*(np.array(chunk, np.int64) for chunk in chunks)).finish()
    assert (values.dtype, values.tolist()) == (np.int64, [value for chunk in chunks for value in chunk])


@given(st.lists(st.lists(st.floats() | st.integers(-(2**53), 2**53), min_size=1), min_size=1))
def test_numbers_become_floats_if_one_is(chunks):
    values = joined(np.array([0.5]), *(np.array(chunk) for chunk in chunks)).finish()
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values[1:], np.array([value for chunk in chunks for value in chunk], float))


def test_large_integers_stay_integers_beside_small_ones():
    large, small = np.array([2**64 - 1], np.uint64), np.array([1])
    for chunks in ((large, small), (small, large)):
        values = joined(*chunks).finish()
        assert values.dtype == np.uint64
        assert values.max() == 2**64 - 1
    assert joined(large, np.array([-1])).finish().tolist() == [2.0**64, -1]


EMPTY, SPELLED = pd.Series([np.nan]), pd.Series(["NA"])


def test_missing_cells_may_come_first():
    np.testing.assert_array_equal(joined(EMPTY, SPELLED, [1], SPELLED).finish(), [np.nan, np.nan, 1, np.nan])
    booleans = joined(EMPTY, SPELLED, [True], EMPTY).finish()
    assert (str(booleans.dtype), booleans.isna().tolist()) == ("boolean", [True, True, False, True])
    assert joined(EMPTY, SPELLED, [" rose"], SPELLED).finish().fillna("").tolist() == ["", "NA", "rose", "NA"]
    assert joined(EMPTY, SPELLED).finish().fillna("").tolist() == ["", "NA"]
    assert np.isnan(joined(EMPTY, EMPTY).finish()).all()


@pytest.mark.parametrize("chunks", [([1], ["rose"]), (["rose"], [1]), ([True], ["rose"]), ([True], [1])])
def test_a_column_of_text_that_was_partly_converted_is_mixed(chunks):
    assert joined(*chunks, [1]).mixed


def test_a_known_kind_is_kept():
    numbers = as_kind(Kind.NUMBER, pd.Series([1, 2]), ".", "x")
    assert (numbers.dtype, numbers.tolist()) == (np.float64, [1, 2])
    assert np.isnan(as_kind(Kind.NUMBER, pd.Series(["NA"]), ".", "x")).all()
    assert as_kind(Kind.BOOLEAN, pd.Series([np.nan]), ".", "x").tolist() == [pd.NA]
    with pytest.raises(InputError, match="x must contain only True and False, got '1' in row 8"):
        as_kind(Kind.BOOLEAN, pd.Series([1], index=[7]), ".", "x")
