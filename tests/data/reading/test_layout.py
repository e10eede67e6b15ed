"""Separators, decimals and header lines, detected from a file's first lines."""

import logging

import pytest

from caviar.data.reading.format import Format
from caviar.data.reading.layout import find_layout
from caviar.errors import InputError


def layout(text, **format):
    return find_layout(text, True, Format(**format), "data.csv")


SEPARATORS = {
    "commas": ("a,b\n1,2\n", ","),
    "semicolons": ("a;b\n1;2\n", ";"),
    "tabs": ("a\tb\n1\t2\n", "\t"),
    "bars": ("a|b\n1|2\n", "|"),
    "decimal commas": ("1,5;2,5\n3,5;4,5\n", ";"),
    "commas in quotes": ('a;b\n"x, y, z";1\n"u, v, w";2\n', ";"),
    "semicolons in cells": ("a,b\nx;y,1\nz;u,2\n", ","),
    "commas in cells": ("last, first;age\nDoe, John;5\nDoe, Jane;6\n", ";"),
    "one column": ("a\n1\n2\n", ","),
    "one column of text": ("a\nx; y\nz\n", ","),
    "lines that are too short": ("a;b;c\n1;2\n3;4;5\n", ";"),
    "a separator at each line's end": ("a;b\n1;2;\n3;4;\n", ";"),
    "line breaks in quotes": ('a\tb\n"x\ny"\t1\n', "\t"),
    "old line ends": ("a;b\r1;2\r", ";"),
    "blank lines": ("\n \na;b\n\n1;2\n", ";"),
}


@pytest.mark.parametrize("case", SEPARATORS)
def test_the_separator_is_found(case):
    text, separator = SEPARATORS[case]
    assert layout(text).separator == separator


DECIMALS = {
    "points": ("a;b\n1.5;2\n", "."),
    "commas": ("a;b\n1,5;2\n", ","),
    "commas and grouping points": ("a;b\n1.234,5;2\n", ","),
    "points and grouping commas": ('a,b\n"1,234.5",2\n', "."),
    "grouping commas": ('a,b\n"1,234",2\n', "."),
    "quoted decimal commas": ('a,b\n"1,25",2\n', ","),
    "grouping points": ("a;b\n1.234;1,5\n", ","),
    "dates": ("a;b\n01.02.2024;2\n", "."),
    "none": ("a;b\n1;2\n", "."),
}


@pytest.mark.parametrize("case", DECIMALS)
def test_the_decimal_is_found(case):
    text, decimal = DECIMALS[case]
    assert layout(text).decimal == decimal


def test_an_ambiguous_comma_is_said(caplog):
    caplog.set_level(logging.INFO, "caviar")
    assert layout("a;b\n1,234;2\n").decimal == ","
    assert "data.csv: '1,234' was read as a decimal comma; if it groups thousands, say decimal='.'" in caplog.text
    assert layout("a;b\n1,234;2\n", decimal=".").decimal == "."


WITH_HEADER = [
    "a,b\n1,2\n",
    "a,b\n",
    "1,2\n",  # a single line
    ",0,1\n0,5,6\n",  # an index that pandas wrote
    "0,1\n5,6\n7,8\n",  # the names that pandas gives
    "country,2019,2020\nFrance,1,2\n",
    "name,kind\nrose,red\n",
    "a,b\n?,1\n?,2\n",
]
WITHOUT_HEADER = [
    "1.5,2\n3.5,4\n",
    "1.5,?\n3.5,4\n",
    "5.1,rose\n4.9,rose\n4.5,daisy\n",
    "1,5;2,5\n3,5;4,5\n",
]


@pytest.mark.parametrize("text", WITH_HEADER)
def test_a_header_is_found(text, caplog):
    caplog.set_level(logging.INFO, "caviar")
    assert layout(text).header
    assert not caplog.records


@pytest.mark.parametrize("text", WITHOUT_HEADER)
def test_a_missing_header_is_said(text, caplog):
    caplog.set_level(logging.INFO, "caviar")
    found = layout(text)
    assert (found.header, found.names) == (False, ("0", "1"))
    assert "data.csv has no header line, so its columns are named 0 to 1; say header=True if it has one" in caplog.text
    assert layout(text, header=True).header


def test_names_are_stripped_and_empty_ones_named_as_pandas_does():
    assert layout(',  width , " kind "\n0,1,rose\n').names == ("Unnamed: 0", "width", "kind")


def test_separators_at_the_ends_of_lines():
    assert layout("a,b\n1,2,\n3,4,\n").names == ("a", "b", "")
    assert layout("a,b,\n1,2,\n").names == ("a", "b", "Unnamed: 2")
    assert layout("1,2,\n3,4,\n").trailing


INVALID = {
    "is empty": "",
    "is empty; it": "\n \n",
    "has two columns named 'a'; rename one": "a,b, a\n1,2,3\n",
    "its header has 1; name every column, remove lines above the header, or say": "Flowers\n\na,b\n1,2\n",
    "the first row of data.csv has 3 cells, but its header has 2; name every column": "a,b\n1,2,3\n4,5,6\n",
}


@pytest.mark.parametrize("message", INVALID)
def test_an_impossible_layout_raises_one_sentence(message):
    with pytest.raises(InputError, match=message):
        layout(INVALID[message])


def test_what_the_user_says_comes_first():
    found = layout("a,b;c\n1,5;2\n", separator=",", header=False)
    assert (found.separator, found.names) == (",", ("0", "1"))


def test_a_title_above_the_header_is_no_header():
    sheet = "Sales of 2024,,,\n,,,\nregion,units,price,shipped\nNorth,3,1.5,yes\nSouth,4,2.5,no\n"
    with pytest.raises(InputError, match="begins with 'Sales of 2024' instead of the names of its 4 columns"):
        layout(sheet)
    assert layout(sheet, header=True).names[0] == "Sales of 2024"
    assert layout("id,,\n1,,\n2,,\n").names[0] == "id"  # no other line has more
