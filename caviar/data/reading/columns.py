"""The columns of a table that is read in chunks: at the peak, memory holds the table, one column twice, and a chunk."""

from mmap import mmap
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.reading.cells import Kind, parse, strip
from caviar.errors import InputError

Numbers = NDArray[Any]  # int64, uint64 or float64
_LARGE = 2**20  # bytes; smaller arrays share pages
_TEXT = pd.Series(["text"]).dtype  # "str", or object before pandas 3


class Column:
    """The cells of a column so far.

    `mixed` is whether they are text after all, and how those that were read as numbers or booleans are spelled is lost.

    >>> column = Column(decimal=".")
    >>> column.add(pd.Series([1, 2]))
    >>> column.add(pd.Series(["?", "3.5"]))
    >>> column.finish()
    array([1. , 2. , nan, 3.5])
    """

    def __init__(self, decimal: str) -> None:
        self.mixed = False
        self._decimal = decimal
        self._rows = 0
        self._kind: Kind | None = None  # while all cells are missing, or are spelled as if they were
        self._spelled = False
        self._numbers: Numbers = np.empty(0, np.int64)  # with room for more than `_rows`
        self._parts: list[Any] = []  # of text or booleans

    def add(self, cells: pd.Series) -> None:
        """Append the cells of the next rows, as pandas' parser returns them."""
        if self.mixed:
            return
        kind, values = parse(cells, self._decimal)
        blank = kind in (Kind.EMPTY, Kind.SPELLED)
        self._spelled |= kind is Kind.SPELLED
        if not blank and self._kind is None:
            self._begin(kind)
        self.mixed = not blank and kind is not self._kind
        if self.mixed:
            self._numbers, self._parts = np.empty(0), []
        elif self._kind is Kind.NUMBER:
            self._append(values)
        elif self._kind is Kind.BOOLEAN:
            self._parts.append(pd.array(values, dtype="boolean"))
        else:
            self._parts.append(as_text(cells))
        self._rows += len(cells)

    def _begin(self, kind: Kind) -> None:
        """Decide on what the column is, now that a cell is not missing."""
        self._kind = kind
        before, self._rows = self._rows, 0
        if kind is Kind.NUMBER and before:
            self._append(np.full(before, np.nan))
        elif kind is Kind.BOOLEAN:
            self._parts = [pd.array([None] * before, dtype="boolean")]
        self._rows = before

    def _append(self, values: Numbers) -> None:
        """Write numbers where there is room; else first make four times as much, in untouched pages."""
        used, end = self._numbers[: self._rows], self._rows + len(values)
        dtype = _common_type(used, values)
        if end > len(self._numbers) or dtype != used.dtype:
            self._numbers = _room(max(end, 4 * self._rows), dtype)
            self._numbers[: self._rows] = used
        self._numbers[self._rows : end] = values

    def finish(self) -> Any:
        """Return all cells, as numbers, text, or pandas' "boolean"."""
        if self._kind is Kind.NUMBER:
            return self._numbers[: self._rows]
        if self._kind is None and not self._spelled:
            return np.full(self._rows, np.nan)
        if len(self._parts) == 1:
            return self._parts[0]
        return pd.concat([pd.Series(part) for part in self._parts], ignore_index=True)


def as_text(cells: pd.Series) -> pd.Series:
    """Return cells that pandas' parser read as text, or as missing, as stripped text."""
    return strip(cells) if cells.dtype == _TEXT else cells.astype(_TEXT)


def _room(cells: int, dtype: np.dtype[Any]) -> Numbers:
    """Return an array whose pages, if it is large, cost nothing before they are written to, nor after it is gone."""
    size = cells * dtype.itemsize
    return np.empty(cells, dtype) if size < _LARGE else np.frombuffer(mmap(-1, size), dtype, cells)


def _common_type(old: Numbers, new: Numbers) -> np.dtype[Any]:
    if not len(old):
        return new.dtype
    if {old.dtype.kind, new.dtype.kind} == {"i", "u"}:  # of which NumPy would make floats
        return np.dtype(np.uint64 if min(old.min(), new.min()) >= 0 else np.float64)
    return np.result_type(old, new)


def as_kind(kind: Kind, cells: pd.Series, decimal: str, name: str) -> Any:
    """Return cells as a known kind, as the whole column would be; raise InputError if one is not.

    Args:
        kind: NUMBER for float64, BOOLEAN, or TEXT.
        cells: as pandas' parser returns them, with text as it is spelled.
        decimal: "." or ",".
        name: of the column, for the error message.

    >>> as_kind(Kind.NUMBER, pd.Series(["1", "wide"]), ".", "column 'width'")
    Traceback (most recent call last):
    caviar.errors.InputError: column 'width' must contain only numbers, got 'wide' in row 2
    """
    if kind is Kind.TEXT:
        return as_text(cells)
    found, values = parse(cells, decimal)
    fitting = (kind, Kind.EMPTY, Kind.SPELLED)
    if found not in fitting:
        one_by_one = (parse(cells.iloc[row : row + 1], decimal)[0] for row in range(len(cells)))
        wrong = next(row for row, kind_of_cell in enumerate(one_by_one) if kind_of_cell not in fitting)
        row = int(cells.index[wrong]) + 1
        allowed = "numbers" if kind is Kind.NUMBER else "True and False"
        raise InputError(f"{name} must contain only {allowed}, got {str(cells.iloc[wrong])!r} in row {row}")
    return values.astype(np.float64) if kind is Kind.NUMBER else pd.array(values, dtype="boolean")
