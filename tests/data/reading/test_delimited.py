"""Tables in files of text: the faults that are met, and what a cell is."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table
from caviar.errors import InputError

LONG = 600_000  # rows; many chunks


@pytest.fixture
def read(tmp_path):
    def read(text, **format):
        (tmp_path / "data.csv").write_text(text, encoding="utf-8", newline="")
        return read_table(tmp_path / "data.csv", Format(**format))

    return read


def columns(table):
    """Return the columns as lists, with None for what is missing."""
    return {name: [None if pd.isna(cell) else cell for cell in cells] for name, cells in table.items()}


FAULTS = {
    "semicolons and decimal commas": ("a;b\n1,5;rose\n-2,25;daisy\n", {"a": [1.5, -2.25], "b": ["rose", "daisy"]}),
    "tabs": ("a\tb\n1.5\trose\n", {"a": [1.5], "b": ["rose"]}),
    "no header line": ("1.5,2\n3.5,4\n", {"0": [1.5, 3.5], "1": [2, 4]}),
    "a comma at each line's end": ("a,b\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}),
    "a comma at each line's end and the header's": ("a,b,\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}),
    "a comma at each line's end without a header": ("1.5,2,\n3.5,4,\n", {"0": [1.5, 3.5], "1": [2, 4]}),
    "a last column without a name": ("a,b,\n1,2,\n3,4,5\n", {"a": [1, 3], "b": [2, 4], "Unnamed: 2": [None, 5]}),
    "spaces and question marks": ("age, pay\n 13, >50K\n ?, <=50K \n", {"age": [13, None], "pay": [">50K", "<=50K"]}),
    "thousands": ('a,b\n"1,234",x\n"1,234,567.5",y\n7,z\n', {"a": [1234, 1234567.5, 7], "b": ["x", "y", "z"]}),
    "thousands and decimal commas": ("a;b\n1.234,5;x\n7;y\n", {"a": [1234.5, 7], "b": ["x", "y"]}),
    "labels that are spelled as missing": (
        "a,b\n1,None\n2,NA\n3,null\n4,nan\n5,\n6,-\n",
        {"a": [1, 2, 3, 4, 5, 6], "b": ["None", "NA", "null", "nan", None, "-"]},
    ),
    "labels that are all spelled as missing": ("a,b\n1,None\n2,NA\n", {"a": [1, 2], "b": ["None", "NA"]}),
    "numbers and gaps": ('a,b\n1,"NA"\n,2.5\n-,n/a\n', {"a": [1, None, None], "b": [None, 2.5, None]}),
    "booleans and gaps": ("a,b\nTrue,true\n,NA\nfalse,\n", {"a": [True, None, False], "b": [True, None, None]}),
    "numbers among text": ("a,b\n007,1.0\n1e3,+5\nx,y\n", {"a": ["007", "1e3", "x"], "b": ["1.0", "+5", "y"]}),
    "booleans among text": ("a\ntrue\nTRUE\nmaybe\n", {"a": ["true", "TRUE", "maybe"]}),
    "booleans and numbers": ("a\ntrue\n1\n", {"a": ["true", "1"]}),
    "blank lines": ("\na,b\n\n1,x\n   \n2,y\n\n", {"a": [1, 2], "b": ["x", "y"]}),
    "line ends of Windows": ("a,b\r\n1,x\r\n2,y", {"a": [1, 2], "b": ["x", "y"]}),
    "line ends of old": ("a,b\r1,x\r2,y\r", {"a": [1, 2], "b": ["x", "y"]}),
    "quotes": ('"a";b\n"x; ""y""\nz";1\n', {"a": ['x; "y"\nz'], "b": [1]}),
    "an index of pandas": (",a\n0,5\n1,6\n", {"Unnamed: 0": [0, 1], "a": [5, 6]}),
    "rows that are too short": ("a,b,c\n1,2,3\n4\n", {"a": [1, 4], "b": [2, None], "c": [3, None]}),
    "nothing but empty cells": ("a,b\n1,\n2,\n", {"a": [1, 2], "b": [None, None]}),
    "infinity": ("a\ninf\n-Infinity\n1\n", {"a": [math.inf, -math.inf, 1]}),
    "comments": ("a,b\n#1,x\n2,y\n", {"a": ["#1", "2"], "b": ["x", "y"]}),
    "dates": ("a\n2024-02-29\n2025-01-01\n", {"a": ["2024-02-29", "2025-01-01"]}),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_table_is_what_its_file_says(case, read):
    text, expected = FAULTS[case]
    assert columns(read(text)) == expected


def test_each_kind_has_one_type(read):
    table = read("i,u,f,g,b,c,t\n1,18446744073709551615,1.5,1,True,,x\n-1,0,2,,False,true,\n")
    text = str(pd.Series(["x"]).dtype)
    assert [*map(str, table.dtypes)] == ["int64", "uint64", "float64", "float64", "boolean", "boolean", text]


def test_numbers_are_right_to_the_last_bit(read):
    table = read(
        "a,b,c,d\n0.1000000000000000055,9223372036854775807,18446744073709551616,18446744073709551615\n"
        "5e-324,-9223372036854775808,1,\n"
    )
    assert table["a"].tolist() == [0.1, 5e-324]
    assert table["b"].tolist() == [2**63 - 1, -(2**63)]
    assert table["c"].tolist() == [2.0**64, 1]
    assert columns(table)["d"] == [2.0**64, None]


def test_text_that_is_numbers_for_long_is_text_throughout(read):
    rows = [f"{row % 7:03},1,{row}" for row in range(LONG)]
    table = read("\n".join(["code,label,row", *rows, "x,unknown,1"]))
    assert table["code"].tolist()[:8] == ["000", "001", "002", "003", "004", "005", "006", "000"]
    assert set(table["label"]) == {"1", "unknown"}
    assert (table["row"].dtype, len(table)) == (np.int64, LONG + 1)


def test_what_is_missing_for_long_is_what_comes_later(read):
    rows = [",,NA,NA"] * LONG
    table = read("\n".join(["a,b,c,d", *rows, "rose,1.5,2,x"]), header=True)
    assert (table["a"].iloc[-1], table["a"].isna().sum()) == ("rose", LONG)
    assert (table["b"].iloc[-1], table["b"].isna().sum()) == (1.5, LONG)
    assert (table["c"].iloc[-1], table["c"].isna().sum()) == (2, LONG)
    assert set(table["d"]) == {"NA", "x"}


def test_a_late_column_of_words_stays_text(read):
    rows = ["x,1"] * LONG
    table = read("\n".join(["a,b", "unknown,1", *rows, "5,1"]))
    assert table["a"].tolist()[-1] == "5"


INVALID = {
    "line 4 of .* has 3 cells instead of 2; put quotes around cells": "a,b\n1,2\n3,4\n5,6,7\n",
    "row 3 of .* has 3 cells, one more than the header": "a,b\n1,2,\n3,4,\n5,6,7\n",
    "the first row of .* has 4 cells, but its header has 2": "a,b\n1,2,3,4\n5,6,7,8\n",
    "has two columns named 'a'": "a,a\n1,2\n",
    "ends within a quoted cell; close its quote": 'a,b\n1,x\n2,"y\n',
}


@pytest.mark.parametrize("message", INVALID)
def test_a_file_that_is_no_table_raises_one_sentence(message, read):
    with pytest.raises(InputError, match=message) as error:
        read(INVALID[message])
    assert "\n" not in str(error.value)
    assert "data.csv" in str(error.value)


def test_a_fault_far_down_raises_its_line(read):
    with pytest.raises(InputError, match=f"line {LONG + 2} of .* has 3 cells instead of 2"):
        read("a,b\n" + "1,2\n" * LONG + "1,2,3\n")


def test_what_the_user_says_is_done(read):
    assert columns(read("1;2\n3;4\n", separator=",", header=True)) == {"1;2": ["3;4"]}
    assert columns(read("a;b\n1,5;2\n", decimal=".")) == {"a": ["1,5"], "b": [2]}
    assert columns(read("a,b\nc,d\n", header=False)) == {"0": ["a", "c"], "1": ["b", "d"]}
    assert columns(read("a:b\n1:2\n", separator=":")) == {"a": [1], "b": [2]}


def test_a_wide_table_is_one_array(read):
    names = [f"x{number}" for number in range(5000)]
    values = np.random.default_rng(0).normal(size=(60, 5000))
    table = read(pd.DataFrame(values, columns=names).to_csv(index=False))
    np.testing.assert_array_equal(table, values)
    assert np.shares_memory(table.to_numpy(), table["x0"].to_numpy())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_memory_holds_the_table_once(tmp_path):
    rows = 600_000
    line = ",".join(map(repr, np.random.default_rng(0).normal(size=10).tolist()))
    (tmp_path / "small.csv").write_text(f"{line}\n" * 10, encoding="utf-8")
    (tmp_path / "large.csv").write_text(f"{line}\n" * rows, encoding="utf-8")
    program = """
import pathlib
from caviar.data.reading.read import read_table
peak = lambda: int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
read_table("small.csv")
before = peak()
table = read_table("large.csv")
print(peak() - before)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert int(done.stdout) < 2.5 * rows * 10 * 8  # bytes of float64; pandas.read_csv needs more than 4 times as many


def test_chunks_keep_a_last_column_without_a_name_that_is_known(tmp_path):
    (tmp_path / "data.csv").write_text("a,\n1,\n2,5\n", encoding="utf-8")
    chunks = read_chunks(tmp_path / "data.csv", Format(), 1, {"a": "number", "Unnamed: 1": "number"})
    assert [chunk.columns.tolist() for chunk in chunks] == [["a", "Unnamed: 1"]] * 2


def test_chunks_drop_what_line_ends_add(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n1,2,\n3,4,\n5,6,7\n", encoding="utf-8")
    chunks = read_chunks(tmp_path / "data.csv", Format(), 2, {"a": "number", "b": "number"})
    assert next(chunks).columns.tolist() == ["a", "b"]
    with pytest.raises(InputError, match=r"row 3 of .*data\.csv has 3 cells"):
        next(chunks)


@pytest.mark.parametrize("name", ["a", '"a a"'])
@pytest.mark.parametrize("space", ["", " "])
def test_spaces_that_come_late_are_skipped(read, name, space):
    table = read(f"{name},b{space}\n" + '1,"x"\n' * LONG + '2, "y, z"\n3,w\n')
    assert table.iloc[-3:, 1].tolist() == ["x", "y, z", "w"]
    assert table.columns.tolist() == [name.strip('"'), "b"]


def test_a_space_before_a_name_in_quotes_over_two_lines_is_skipped(read):
    assert columns(read('a, "b\nc"\n1,2\n')) == {"a": [1], "b\nc": [2]}
