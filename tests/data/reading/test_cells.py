"""What the cells of a column are: numbers, booleans, or text as it is spelled."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.csv import read_csv
from caviar.data.reading.cells import MISSING, Kind, convert, parse


def kind_of(*cells, decimal="."):
    found = convert(cells, decimal)
    return found and found[0]


@pytest.mark.parametrize("spelling", sorted(MISSING))
def test_missing_is_spelled_in_many_ways_among_numbers_and_booleans(spelling):
    _, numbers = convert(["1", spelling, "2.5"], ".")
    np.testing.assert_array_equal(numbers, [1, np.nan, 2.5])
    _, booleans = convert(["true", spelling, "FALSE"], ".")
    assert booleans.tolist() == [True, pd.NA, False]
    assert convert(["rose", spelling], ".") is None


def test_only_missing_cells_are_not_yet_anything():
    assert (kind_of("", ""), kind_of("", "NA")) == (Kind.EMPTY, Kind.SPELLED)


@pytest.mark.parametrize(
    "cell", ["1_000", "٣", "1,5", "1,23", "12,34,567", "0x10", "1 000", "1e", "$1", "--1", "1.2.3"]
)
def test_what_is_not_a_number_is_text(cell):
    assert kind_of("1", cell) is None


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [
        ("1,234", ".", 1234),
        ("-12,345,678.25", ".", -12345678.25),
        ("1.234,5", ",", 1234.5),
        ("1,5", ",", 1.5),
        ("1.234", ",", 1234),
        (".5", ".", 0.5),
        ("+1e-3", ".", 0.001),
        ("-inf", ".", -math.inf),
        ("18446744073709551616", ".", 2.0**64),
        ("0.1000000000000000055", ".", 0.1),
    ],
)
def test_numbers_with_either_decimal_and_thousands(cell, decimal, number):
    kind, values = convert([cell], decimal)
    assert (kind, values.tolist()) == (Kind.NUMBER, [number])


def test_numbers_and_booleans_together_are_text():
    assert kind_of("True", "1") is None
    assert kind_of("1", "True") is None


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_numbers_beside_a_missing_one_are_what_pandas_reads_to_the_last_bit(numbers):
    lines = [repr(number) for number in numbers]
    expected = read_csv(io.BytesIO("\n".join(["x", *lines]).encode()))["x"].astype(float).tolist()
    _, values = convert([*lines, "?"], ".")
    assert values[:-1].tolist() == expected == numbers


def test_what_pandas_has_converted_is_kept():
    for values in (np.array([1, 2]), np.array([2**64 - 1], np.uint64), np.array([0.5, np.nan])):
        kind, kept = parse(pd.Series(values), ".")
        assert (kind, kept.dtype) == (Kind.NUMBER, values.dtype)
        np.testing.assert_array_equal(kept, values)
    assert parse(pd.Series([np.nan]), ".")[0] is Kind.EMPTY
    assert parse(pd.Series([True, np.nan], dtype=object), ".")[0] is Kind.BOOLEAN
    assert parse(pd.Series([2**64, 1], dtype=object), ".")[1].tolist() == [2.0**64, 1]


def test_a_late_cell_makes_a_column_text():
    assert parse(pd.Series(["?", *map(str, range(100)), "unknown"]), ".")[0] is Kind.TEXT
    assert parse(pd.Series([*["rose"] * 100, "1"]), ".")[0] is Kind.TEXT
