"""Text to numbers or booleans, where all cells of a column are; "NA" is missing among them, and text elsewhere."""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset(["", "-", "?", "#N/A", "N/A", "NA", "NaN", "None", "NULL", "n/a", "na", "nan", "null"])
_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_GROUPED = {  # numbers with thousands separators, by their decimal
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}
_GROUPING = {".": ",", ",": "."}
_HEAD = 20  # cells that are tried before all others are


class Kind(StrEnum):
    """What some cells of a column can be."""

    EMPTY = "empty"  # anything
    SPELLED = "spelled"  # "NA" and the like: missing if the column's other cells are numbers or booleans
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"


def parse(column: "pd.Series", decimal: str) -> tuple[Kind, Any]:
    """Return what the cells of a part of a column are, and their values.

    Args:
        column: as pandas' parser returns it, with only empty cells as missing.
        decimal: "." or ",".

    Returns:
        Values of int64, uint64 or float64, of pandas' "boolean", or, if they are text, the column itself.

    >>> import pandas as pd
    >>> parse(pd.Series([" 13", "?", "1,000.5"]), decimal=".")
    (<Kind.NUMBER: 'number'>, array([  13. ,    nan, 1000.5]))
    """
    import pandas as pd

    if pd.api.types.is_bool_dtype(column.dtype):
        return Kind.BOOLEAN, column.array.astype("boolean")
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy()
        blank = numbers.dtype.kind == "f" and np.isnan(numbers[:_HEAD]).all() and np.isnan(numbers).all()
        return Kind.EMPTY if blank else Kind.NUMBER, numbers
    if len(column) > _HEAD and convert(_stripped(_cells(column.iloc[:_HEAD])), decimal) is None:
        return Kind.TEXT, column
    return convert(_stripped(_cells(column)), decimal) or (Kind.TEXT, column)


def convert(cells: Sequence[str], decimal: str) -> tuple[Kind, Any] | None:
    """Return what stripped cells are, and their values; None if they are text.

    >>> convert(["True", "NA"], decimal=".")
    (<Kind.BOOLEAN: 'boolean'>, <BooleanArray>
    [True, <NA>]
    Length: 2, dtype: boolean)
    """
    import pandas as pd

    present = next((cell for cell in cells if cell not in MISSING), None)
    if present is None:
        return Kind.SPELLED if any(cells) else Kind.EMPTY, np.full(len(cells), np.nan)
    if present in _BOOLEANS:
        if not all(cell in _BOOLEANS or cell in MISSING for cell in cells):
            return None
        return Kind.BOOLEAN, pd.array([_BOOLEANS.get(cell) for cell in cells], dtype="boolean")
    numbers = _numbers(cells, decimal)
    return None if numbers is None else (Kind.NUMBER, numbers)


def _numbers(cells: Sequence[str], decimal: str) -> NDArray[np.float64] | None:
    """Return cells as numbers, each to its last bit; None if one is neither a number nor missing."""
    grouping, joined = _GROUPING[decimal], "".join(cells)
    if "_" in joined or not joined.isascii():  # which `float` would accept
        return None
    if grouping in joined:
        if not all(_GROUPED[decimal].fullmatch(cell) for cell in cells if grouping in cell):
            return None
        cells = [cell.replace(grouping, "") for cell in cells]
    if decimal != ".":
        cells = [cell.replace(decimal, ".") for cell in cells]
    try:
        return np.array([math.nan if cell in MISSING else float(cell) for cell in cells])
    except ValueError:
        return None


def _cells(column: "pd.Series") -> list[Any]:
    cells: list[Any] = column.to_numpy(dtype=object, na_value="").tolist()
    return cells


def _stripped(cells: list[Any]) -> list[str]:
    try:
        return list(map(str.strip, cells))
    except TypeError:  # pandas makes some cells booleans or integers
        return [str(cell).strip() for cell in cells]


def strip(column: "pd.Series") -> "pd.Series":
    """Return a column of text without the spaces around its cells; a cell of nothing else is missing.

    >>> import pandas as pd
    >>> strip(pd.Series([" >50K", " "])).tolist()
    ['>50K', nan]
    """
    cells = _cells(column)
    if _stripped(cells) == cells:  # as in most columns; and cells are told apart by their identity, fast
        return column
    stripped = column.str.strip()
    empty = stripped == ""
    return stripped.mask(empty) if empty.any() else stripped
