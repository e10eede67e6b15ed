"""CSV files: floats to the last bit, and cells that a spreadsheet would run."""

import io
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.csv import escape_formula, read_csv


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_floats_are_read_to_the_last_bit(values):
    text = pd.DataFrame({"value": values}).to_csv(index=False)
    read = read_csv(io.BytesIO(text.encode()))["value"].astype(float)
    assert [value.hex() for value in read] == [value.hex() for value in values]


def test_options_are_those_of_pandas():
    assert math.isnan(read_csv(io.BytesIO(b"a\nnone\n"), na_values=["none"])["a"][0])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_is_escaped(start):
    assert escape_formula(f"{start}1") == f"'{start}1"
    assert escape_formula(f"1{start}") == f"1{start}"
