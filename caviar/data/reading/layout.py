"""How a file of text is laid out, by its first lines: what separates its cells, its decimal, its columns' names."""

import csv
import io
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from caviar._checks import is_unicode
from caviar._interface import setting
from caviar.data.reading.cells import MISSING
from caviar.data.reading.format import Format
from caviar.data.validation import check_different
from caviar.errors import InputError

_SEPARATORS = ",;\t|"
_LINES = 100  # that are looked at
_COMPARED = 20  # to choose a separator
_CELLS = 5000  # of those lines that are looked at
_SURE = 0.9  # of the lines must have two cells, and no more than the first
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*[.,]?|[.,]\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?")  # the decimal
_POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d*)\.\d+([eE][+-]?\d+)?")
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*")  # may be thousands as well
_logger = logging.getLogger("caviar")

Record = list[str]


@dataclass(frozen=True)
class Layout:
    """What pandas' parser must know.

    Args:
        separator: between cells.
        decimal: "." or ",".
        names: of the columns; the last one is "" if rows end with a separator and the header does not.
        header: whether the first line holds the names.
        trailing: whether the last column has no name, and perhaps no cells either.
    """

    separator: str
    decimal: str
    names: tuple[str, ...]
    header: bool
    trailing: bool


def find_layout(sample: str, complete: bool, format: Format, name: str) -> Layout:
    r"""Return how a file is laid out.

    Args:
        sample: its first lines, and perhaps a part of the next.
        complete: whether that is all of the file.
        format: what the user says.
        name: of the file, for messages.

    >>> find_layout("width;kind\n1,5;rose\n", True, Format(), "flowers.csv")
    Layout(separator=';', decimal=',', names=('width', 'kind'), header=True, trailing=False)
    """
    separator = format.separator or _separator(sample, complete)
    records = _records(sample, complete, separator, _LINES)
    if not records:
        raise InputError(f"{name} is empty; it needs a line of names and rows")
    decimal = format.decimal or _decimal(records, separator, name)
    header = _has_header(records) if format.header is None else format.header
    first, rows = records[0], records[1:] if header else records
    names = [cell or f"Unnamed: {number}" for number, cell in enumerate(first)]  # as pandas calls them
    if not header:
        names = [str(number) for number in range(len(first))]
        if format.header is None:
            _logger.info(
                "%s has no header line, so its columns are named 0 to %d; say %s if it has one",
                name,
                len(names) - 1,
                setting("header", True),
            )
    elif format.header is None and _is_title(first, rows):
        raise InputError(
            f"{name} begins with {first[0]!r:.60} instead of the names of its {len(first)} columns; "
            f"remove the lines above the header, or say {setting('header', True)} if this is it"
        )
    trailing = len(first) > 1 and not any(row[-1] for row in ([first] if header else rows))
    if rows and len(rows[0]) > len(first):
        if len(rows[0]) > len(first) + 1 or rows[0][-1]:
            remedy = "" if format.separator else f", or say what separates cells: {setting('separator')}"
            raise InputError(
                f"the first row of {name} has {len(rows[0])} cells, but its header has {len(first)}; name every "
                f"column, remove lines above the header{remedy}"
            )
        names, trailing = [*names, ""], True
    check_names(names, name)
    return Layout(separator, decimal, tuple(names), header, trailing)


def check_names(names: Sequence[object], table: str) -> None:
    """Raise InputError if two columns have the same name, or one has a name that UTF-8 cannot hold."""
    check_different(names, table)
    for name in names:
        if not is_unicode(str(name)):
            raise InputError(f"{table} has a column named {name!r}, which files cannot hold; rename it")


def _records(sample: str, complete: bool, separator: str, count: int) -> list[Record]:
    """Return the cells of the first lines that are complete and not blank."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator, skipinitialspace=True)
    records = []
    try:
        for record in islice(reader, count + 1):
            records.append([cell.strip() for cell in record])
    except csv.Error:  # a cell of more than 128 KiB, because something else separates cells
        complete = True
    if len(records) > count or not complete:
        records = records[:-1]
    return [record for record in records if len(record) > 1 or any(record)]


def _separator(sample: str, complete: bool) -> str:
    """Return what splits the lines into as many cells as the first, or fewer, and most of them numbers."""
    best, chosen = (0.0, 1), ","
    for separator in _SEPARATORS:
        records = _records(sample, complete, separator, _COMPARED)
        width = len(records[0]) if records else 0
        rows = records[1:] or records
        fitting = sum(1 < len(row) <= width + (row[-1] == "") for row in rows)
        if width > 1 and fitting >= _SURE * len(rows):
            cells = [cell for row in rows for cell in row][:_CELLS]
            numbers = sum(bool(_NUMBER.fullmatch(cell)) or cell in MISSING for cell in cells) / len(cells)
            if (score := (numbers, width)) > best:
                best, chosen = score, separator
    return chosen


def _decimal(records: list[Record], separator: str, name: str) -> str:
    cells = [cell for record in records for cell in record if "," in cell or "." in cell][:_CELLS]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    points = [cell for cell in cells if _POINT.fullmatch(cell)]
    certain = [sum(not _GROUPS.fullmatch(cell) for cell in found) for found in (commas, points)]
    if any(certain):
        return "," if certain[0] > certain[1] else "."
    if separator == "," or not commas:
        return "."
    _logger.info(
        "%s: %r was read as a decimal comma; if it groups thousands, say %s", name, commas[0], setting("decimal", ".")
    )
    return ","


def _is_title(first: Record, rows: list[Record]) -> bool:
    """Return whether the first line is a text alone, above rows with three cells or more, as in exported sheets."""
    filled = [sum(map(bool, row)) for row in rows]
    alone = len(first) > 2 and bool(first[0]) and not any(first[1:])
    return alone and 2 * sum(count > 2 for count in filled) > len(filled)


def _has_header(records: list[Record]) -> bool:
    """Return False only if the first line is certainly a row: numbers above numbers, text that occurs again."""
    first, rows = records[0], records[1:]
    if not rows or not first[0] or first == [str(number) for number in range(len(first))]:  # as pandas names columns
        return True
    numeric = False
    for number, cell in enumerate(first):
        below = [row[number] for row in rows if len(row) > number]
        present = [other for other in below if other not in MISSING]
        if present and all(_NUMBER.fullmatch(other) for other in present):
            if not _NUMBER.fullmatch(cell) and cell not in MISSING:
                return True
            numeric = True
        elif present and cell not in below:
            return True
    return not numeric
