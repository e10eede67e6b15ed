"""Tables in files of text, such as CSV: whole, or in chunks; each cell as the file says."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from typing import IO, Any

import numpy as np
import pandas as pd

from caviar._interface import setting
from caviar.csv import read_csv
from caviar.data.reading.cells import Kind
from caviar.data.reading.columns import Column, as_kind, as_text
from caviar.data.reading.decoding import decoded
from caviar.data.reading.format import Format
from caviar.data.reading.layout import find_layout
from caviar.data.reading.opening import one_line
from caviar.errors import InputError

_SAMPLE = 2**20  # characters
_CELLS, _ROWS = 2**18, 1000  # of a chunk: as many cells, but not fewer rows
_NUMBERS = {np.dtype(kind) for kind in (np.int64, np.uint64, np.float64)}


class Delimited:
    """A file of text whose layout is known.

    Args:
        open: opens it, decompressed, at its start; one at a time.
        head: its first bytes.
        format: what the user says about it.
        name: of the file, for messages.

    >>> import io
    >>> Delimited(lambda: io.BytesIO(b"width,kind\\n 1.5,rose\\n"), b"width", Format(), "flowers.csv").table()
       width  kind
    0    1.5  rose
    """

    def __init__(self, open: Callable[[], IO[bytes]], head: bytes, format: Format, name: str) -> None:
        self._open, self._head, self._encoding, self._name = open, head, format.encoding, name
        with self._text() as text:
            sample = text.read(_SAMPLE)
            while sample.count("\n") < 3 and (more := text.read(_SAMPLE)):  # very long lines
                sample += more
            complete = not text.read(1)
        self._layout = find_layout(sample, complete, format, name)
        first, _, rest = sample.partition("\n")
        self._spaces = " " in rest or (" " in first and '"' in first)  # a name in quotes may be longer than a line

    def table(self) -> pd.DataFrame:
        """Return all of it."""
        try:
            return self._table(self._spaces)
        except _Spaces:
            return self._table(spaces=True)

    def _table(self, spaces: bool) -> pd.DataFrame:
        """Return all of it; raise _Spaces if it has spaces but should not."""
        columns = {name: Column(self._layout.decimal) for name in self._layout.names}
        rows = max(_CELLS // len(columns), _ROWS)
        chunks = self._parsed(rows, spaces)
        first, second = next(chunks), next(chunks, None)
        if second is None and set(first.dtypes) <= _NUMBERS:
            return self._without_trailing(first.copy())  # the copy is one array, which wide tables need to be fast
        for chunk in chain([first], [] if second is None else [second], chunks):
            for name, cells in chunk.items():
                columns[str(name)].add(cells)
        done = {name: column.finish() for name, column in columns.items() if not column.mixed}
        if mixed := [name for name in columns if name not in done]:
            done |= self._texts(rows, spaces, mixed)
        table = pd.DataFrame({name: done[name] for name in columns}, copy=second is None)
        return self._without_trailing(table)

    def _texts(self, rows: int, spaces: bool, names: list[str]) -> dict[str, pd.Series]:
        """Return columns as they are spelled, by reading the file again."""
        parts: dict[str, list[pd.Series]] = {name: [] for name in names}
        for chunk in self._parsed(rows, spaces, text=names, only=names):
            for name, cells in chunk.items():
                parts[str(name)].append(as_text(cells))
        return {name: pd.concat(cells, ignore_index=True) for name, cells in parts.items()}

    def chunks(self, rows: int, kinds: Mapping[str, Kind]) -> Iterator[pd.DataFrame]:
        """Return this many rows at a time; columns without a kind are text."""
        every = {name: kinds.get(name, Kind.TEXT) for name in self._layout.names}
        text = [name for name, kind in every.items() if kind is Kind.TEXT]
        for chunk in self._parsed(rows, spaces=True, text=text):
            columns = {
                name: as_kind(kind, chunk[name], self._layout.decimal, f"column {name!r} of {self._name}")
                for name, kind in every.items()
            }
            yield self._without_trailing(pd.DataFrame(columns, index=chunk.index), kinds)

    def _text(self) -> AbstractContextManager[IO[str]]:
        return decoded(self._open(), self._head, self._encoding)

    def _parsed(
        self, rows: int, spaces: bool, text: Collection[str] = (), only: list[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        layout = self._layout
        with (
            _parsing(self._name),
            self._text() as source,
            _reader(
                source if spaces else _Unspaced(source),
                sep=layout.separator,
                decimal=layout.decimal,
                header=0 if layout.header else None,
                names=list(layout.names),
                usecols=only,
                index_col=False,
                dtype=dict.fromkeys(text, str),
                keep_default_na=False,
                na_values=[""],
                skipinitialspace=spaces,  # which takes a quarter of the parser's time
                low_memory=False,  # else pandas converts parts of a chunk by themselves
                chunksize=rows,
            ) as reader,
        ):
            yield from _ahead(reader)

    def _without_trailing(self, table: pd.DataFrame, known: Collection[str] = ()) -> pd.DataFrame:
        """Return a table without a last column that only stems from separators at the lines' ends."""
        last = self._layout.names[-1]
        if not self._layout.trailing or last in known:
            return table
        missing = table[last].isna()
        if missing.all():
            return table.iloc[:, :-1]
        if not last:
            row = missing.index[~missing][0] + 1
            raise InputError(f"row {row} of {self._name} has {len(table.columns)} cells, one more than the header")
        return table


class _Spaces(Exception):
    """There are spaces, which the parser must skip at the start of cells."""


class _Unspaced:
    """Text that is read until a space comes, which raises _Spaces; but not in the first block, which is known."""

    def __init__(self, text: IO[str]) -> None:
        self._text, self._known = text, True

    def read(self, size: int) -> str:
        text = self._text.read(size)
        if " " in text and not self._known:
            raise _Spaces
        self._known = False
        return text

    def __iter__(self) -> Iterator[str]:  # by which pandas knows a file
        return iter(self._text)


def _reader(source: Any, **options: Any) -> Any:  # what has `read`; to what is an iterator and a context
    return read_csv(source, **options)


def _ahead(reader: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Return what an iterator does, and let it make the next item in a thread meanwhile; the parser needs no GIL."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, reader, None)
        while (chunk := following.result()) is not None:
            following = thread.submit(next, reader, None)
            yield chunk


@contextmanager
def _parsing(name: str) -> Iterator[None]:
    """Raise InputError if pandas' parser gives up."""
    try:
        yield
    except pd.errors.ParserError as error:
        if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error)):
            expected, line, saw = found.groups()
            raise InputError(
                f"line {line} of {name} has {saw} cells instead of {expected}; put quotes around cells that contain "
                f"the separator, or say what separates cells: {setting('separator')}"
            ) from None
        if "EOF inside string" in str(error):
            raise InputError(f"{name} ends within a quoted cell; close its quote, or copy the file again") from None
        raise InputError(f"{name} cannot be read as a table ({one_line(error)}); save it as a CSV file") from None
