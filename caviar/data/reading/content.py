"""What a file contains, by its first bytes: text, Parquet, Feather, or what Caviar cannot read as a table."""

import re
from enum import StrEnum

from caviar._interface import setting
from caviar.errors import InputError


class Content(StrEnum):
    """The kinds of files that hold a table."""

    TEXT = "text"
    PARQUET = "Parquet"
    FEATHER = "Feather"


_TABLES = {b"PAR1": Content.PARQUET, b"ARROW1": Content.FEATHER, b"FEA1": Content.FEATHER}
_OTHERS = {  # the start of a file: what it is, and what to do
    rb"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save its table as a CSV file"),
    rb"\x80[\x02-\x05]": ("a pickle, which could run any code", "load it yourself and pass the DataFrame"),
    rb"\x93NUMPY": ("a NumPy array", "load it with numpy.load and pass the arrays"),
    rb"\x89HDF": ("an HDF5 file", "load it with pandas.read_hdf and pass the DataFrame"),
    rb"SQLite format 3": ("an SQLite database", "load it with pandas.read_sql and pass the DataFrame"),
    rb"%PDF": ("a PDF document", "give a CSV file"),
    rb"\s*<(!|\?|html|table|div)": ("a web page or XML", "give the address of the file itself, or a CSV file"),
    rb'\s*(\{\s*["}]|\[\s*[\[{])': ("JSON", "load it with pandas.read_json and pass the DataFrame"),
}
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # byte-order marks of encodings in which text has zero bytes


def content_of(head: bytes, name: str, encoding: str | None = None) -> Content:
    """Return what a file contains; raise InputError if that is no table.

    Args:
        head: its first bytes, decompressed.
        name: of the file, for error messages.
        encoding: of its text, if that is known.

    >>> content_of(b"a,b", "letters.csv")
    <Content.TEXT: 'text'>
    >>> content_of(b"%PDF-1.7", "letters.csv")
    Traceback (most recent call last):
    caviar.errors.InputError: letters.csv is a PDF document, not a table; give a CSV file
    """
    for magic, content in _TABLES.items():
        if head.startswith(magic):
            return content
    for pattern, (kind, remedy) in _OTHERS.items():
        if re.match(pattern, head.removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE):
            raise InputError(f"{name} is {kind}, not a table; {remedy}")
    if head[257:262] == b"ustar":
        raise InputError(f"{name} is a tar archive, not a table; unpack it and give a file in it")
    if b"\0" in head and encoding is None and not head.startswith(_WIDE):
        raise InputError(
            f"{name} contains bytes that are not text; give a CSV, Parquet or Feather file, or the text's encoding: "
            f"{setting('encoding')}"
        )
    return Content.TEXT
