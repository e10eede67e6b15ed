"""Reads what a user has, a DataFrame or any file that holds a table, exactly as it says."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Literal

import pandas as pd

from caviar._checks import check_integer, check_path, did_you_mean
from caviar.data.reading.cells import Kind
from caviar.data.reading.columnar import Columnar
from caviar.data.reading.compression import decompressed
from caviar.data.reading.content import Content, content_of
from caviar.data.reading.decoding import decoding
from caviar.data.reading.delimited import Delimited
from caviar.data.reading.format import Format
from caviar.data.reading.layout import check_names
from caviar.data.reading.opening import copied, opened
from caviar.errors import InputError
from caviar.files import is_uri

_HEAD = 4096  # bytes
_KINDS = ("number", "text", "boolean")


def read_table(table: pd.DataFrame | str | Path, format: Format = Format()) -> pd.DataFrame:  # noqa: B008 (frozen)
    """Return a table as a DataFrame.

    Only an empty cell of text is missing, and no number is changed. A column is

    - int64, uint64 or float64 if all its cells are numbers, but for empty ones and those such as "NA", "None" and "?";
    - "boolean", pandas' nullable type, if all are spelled as pandas spells True and False, with the same exceptions;
    - text, as it is spelled but for spaces around it, otherwise: "str", or object before pandas 3, with NaN for
      missing.

    Parquet, Feather and DataFrames have whatever types they have: also categories, dates, times, nullable types with
    pd.NA, and Arrow's.

    Args:
        table: a DataFrame, whose columns are called by text, 3 by "3"; or the path or URL of a file of text with
            separated cells, Parquet or Feather, perhaps compressed.
        format: what is known about a file of text; the rest is detected in its first lines.

    Raises:
        InputError: for a file that cannot be read, or is no table; for two columns of the same name.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = file.write_text("width;kind\\n1,5; rose\\n?;None\\n")
    >>> read_table(file)
       width  kind
    0    1.5  rose
    1    NaN  None
    """
    if isinstance(table, pd.DataFrame):
        return _checked(table, "the table")
    with _source(table, format) as source:
        return _checked(source.table(), str(table))


def read_chunks(
    path: str | Path, format: Format, rows: int, kinds: Mapping[str, Literal["number", "text", "boolean"]]
) -> Iterator[pd.DataFrame]:
    """Return the rows of a file in chunks, each read as the whole file would be.

    In files of text, columns of kind "number" are float64, "boolean" pandas' nullable type, and all others text. In
    other files they have the file's own types.

    Args:
        path: the path or URL of the file.
        format: what is known about a file of text.
        rows: of a chunk; the last one may have fewer. The index counts the file's rows from 0.
        kinds: what columns are; those that the file lacks are ignored.

    Raises:
        InputError: as `read_table`; also if a column of numbers or booleans contains anything else.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = file.write_text("width,petals\\n1,5\\n?,many\\n")
    >>> [len(chunk) for chunk in read_chunks(file, Format(), rows=1, kinds={"width": "number"})]
    [1, 1]
    """
    check_integer("rows", rows)
    for name, kind in kinds.items():
        if kind not in _KINDS:
            raise InputError(f"unknown kind {kind!r} of column {name!r}{did_you_mean(kind, _KINDS)}")
    return _chunks(path, format, rows, {name: Kind(kind) for name, kind in kinds.items()})


def _chunks(path: str | Path, format: Format, rows: int, kinds: Mapping[str, Kind]) -> Iterator[pd.DataFrame]:
    with _source(path, format) as source:
        for chunk in source.chunks(rows, kinds):
            yield _checked(chunk, str(path))


@contextmanager
def _source(path: object, format: Format) -> Iterator[Delimited | Columnar]:
    if not isinstance(path, str | Path):
        raise InputError(
            f"a table must be a pandas DataFrame, or the path or URL of a file, got a value of type "
            f"{type(path).__name__}; try pandas.DataFrame(...) of it"
        )
    name = str(path)
    with opened(path) as file, decoding(name):

        def start() -> IO[bytes]:
            file.seek(0)
            stream: IO[bytes] = decompressed(file, name)
            return stream

        head = start().read(_HEAD)
        content = content_of(head, name, format.encoding)
        if content is Content.TEXT:
            yield Delimited(start, head, format, name)
        else:
            stream = start()
            on_disk = stream is file and not is_uri(path)
            with nullcontext(Path(check_path("table", path))) if on_disk else copied(stream) as place:
                yield Columnar(place, content, name)


def _checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    if table.columns.nlevels > 1:
        raise InputError(
            f"{name} has column names of {table.columns.nlevels} levels, such as {table.columns[0]!r}; make them one"
        )
    names = [str(column) for column in table.columns]
    check_names(names, name)
    return table if names == list(table.columns) else table.set_axis(names, axis="columns")
