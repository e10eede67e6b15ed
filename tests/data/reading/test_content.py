"""Files that hold no table, told by their first bytes."""

import json
import pickle

import numpy as np
import pytest

from caviar.data.reading.content import content_of
from caviar.data.reading.read import read_table
from caviar.errors import InputError

OTHERS = {
    "a pickle": pickle.dumps({"a": 1}),
    "a web page": b"\n<!DOCTYPE html><html><body>Not found</body></html>",
    "a web page or": b'<?xml version="1.0"?>',
    "JSON": json.dumps([{"a": 1}]).encode(),
    "JSON,": b'{"a": 1}\n{"a": 2}\n',
    "a PDF document": b"%PDF-1.7",
    "an old Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an SQLite database": b"SQLite format 3\0",
    "an HDF5 file": b"\x89HDF\r\n",
    "a NumPy array": b"\x93NUMPY\x01\x00",
    "a tar archive": b"a.csv".ljust(257, b"\0") + b"ustar",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_kind_raises_one_sentence(kind, tmp_path):
    file = tmp_path / "data.csv"
    file.write_bytes(OTHERS[kind])
    with pytest.raises(InputError, match=f"data.csv is {kind}.* not a table; ") as error:
        read_table(file)
    assert "\n" not in str(error.value)


def test_bytes_that_are_not_text_raise_one_sentence():
    head = np.arange(10.0).tobytes()
    with pytest.raises(InputError, match=r"data\.bin contains bytes that are not text; give a CSV, Parquet or Feather"):
        content_of(head, "data.bin")
    assert content_of("a,b".encode("utf-16-le"), "data.csv", "utf-16-le") == "text"


@pytest.mark.parametrize("text", ["a<b,c\n", "[1],b\n", "{x},y\n", "PAR,1\n", "BZ,h\n", "<5,>5\n"])
def test_text_that_looks_a_little_like_them_is_text(text):
    assert content_of(text.encode(), "data.csv") == "text"
