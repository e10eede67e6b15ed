"""CSV files: floats to the last bit, and cells that a spreadsheet would run."""

import ast
import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.csv import escape_cells, escape_formula, read_csv, to_csv


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_floats_are_read_to_the_last_bit(values):
    text = pd.DataFrame({"value": values}).to_csv(index=False)
    read = read_csv(io.BytesIO(text.encode()))["value"].astype(float)
    assert [value.hex() for value in read] == [value.hex() for value in values]


def test_floats_are_written_to_the_last_bit_however_numpy_prints():
    with np.printoptions(legacy="1.13", precision=3):
        assert to_csv(pd.DataFrame({"value": [0.1 + 0.2]})) == b"value\n0.30000000000000004\n"


def test_options_are_those_of_pandas():
    assert math.isnan(read_csv(io.BytesIO(b"a\nnone\n"), na_values=["none"])["a"][0])


STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


@pytest.mark.parametrize("start", STARTS)
def test_a_formula_is_escaped(start):
    assert escape_formula(f"{start}A1") == f"'{start}A1"
    assert escape_formula(f"1{start}") == f"1{start}"


@pytest.mark.parametrize("cell", ["+", "-", "-1", "+0.5", "-1e-3", "", "1=1", -1, None])
def test_signs_numbers_and_what_is_no_text_stay_as_they_are(cell):
    assert escape_formula(cell) == cell


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_and_no_name_of_a_csv_file_begins_with_a_formula(start):
    cell = f"{start}HYPERLINK(A1)"
    table = pd.DataFrame([[cell, 1], ["fine", cell]], columns=[cell, cell], dtype=object)
    cells = [*csv.reader(io.StringIO(to_csv(table).decode(), newline=""))]
    escaped = f"'{cell}".replace("\r", "\n")
    assert cells == [[escaped, escaped], [escaped, "1"], ["fine", escaped]]


@pytest.mark.parametrize("name", ["results.csv", "history.csv", "confirmation.csv"])
def test_a_csv_file_that_caviar_wrote_stays_as_it_is_when_it_is_made_safe(name):
    content = (Path(__file__).parent / "records" / "formats" / "1" / name).read_bytes()
    assert escape_cells(content) == content


@given(st.lists(st.lists(st.text("=-+1ae.,\"'\n\r\t\0 "), min_size=2, max_size=2)))
def test_what_to_csv_writes_stays_as_it_is_when_it_is_made_safe(rows):
    content = to_csv(pd.DataFrame(rows, columns=["a", "b"], dtype=object))
    assert escape_cells(content) == content


def test_every_csv_file_is_written_by_one_function():
    callers = {
        path.name
        for path in Path(caviar.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "to_csv"
    }
    assert callers == {"csv.py"}
