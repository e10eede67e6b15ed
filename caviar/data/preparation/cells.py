"""The cells of a column as arrays: numbers, spelled levels, moments in time."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from caviar._interface import setting
from caviar.data.validation import Floats
from caviar.errors import InputError

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it

Kind = Literal["number", "text", "boolean", "date"]  # what the cells of a column are read as from a file
Rows = "pd.DataFrame | NDArray[Any]"
Index = NDArray[np.int64] | None  # row numbers; None: all rows

BLOCK_CELLS = 1 << 18  # columns of numbers are read a few at a time, so that copies stay small
_TRUTH = {"true": 1.0, "false": 0.0}
_AMOUNT = re.compile(r"([+-]?)([$€£¥]?)\s?([1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]*)?\s?[%$€£¥]?")


def blocks(rows: int, positions: Sequence[int]) -> Iterator[list[int]]:
    """Yield positions of columns in groups of few enough cells to be copied.

    >>> list(blocks(100_000, [0, 1, 2]))
    [[0, 1], [2]]
    """
    size = max(1, BLOCK_CELLS // max(rows, 1))
    for start in range(0, len(positions), size):
        yield list(positions[start : start + size])


def cells_of(rows: "pd.DataFrame | NDArray[Any]", position: int, index: Index = None) -> "pd.Series":
    """Return the cells of one column of a table or an array."""
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        values = rows[rows.columns[position]]  # twice as fast as `iloc`
        return values if index is None else chosen(values, index)
    return pd.Series(rows[:, position] if index is None else rows[index, position])


def chosen(values: "pd.Series", index: NDArray[np.int64]) -> "pd.Series":
    """Return some cells of a column, numbered anew."""
    import pandas as pd

    dtype = values.dtype if isinstance(values.dtype, np.dtype) else None  # other arrays say it themselves
    return pd.Series(values.array.take(index), dtype=dtype, name=values.name, copy=False)


def read_numbers(rows: "pd.DataFrame | NDArray[Any]", positions: Sequence[int], index: Index = None) -> Floats:
    """Return some columns as float64, (rows, columns), by `numbers`."""
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "biuf":
        block = rows[:, positions] if index is None else rows[index][:, positions]
        return block.astype(np.float64)
    if not isinstance(rows, np.ndarray):
        part = rows.iloc[:, list(positions)]
        if all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in part.dtypes):
            return (part if index is None else part.iloc[index]).to_numpy(np.float64)
    return np.column_stack([numbers(cells_of(rows, position, index)) for position in positions])


def numbers(values: "pd.Series") -> Floats:
    """Return cells as float64: NaN where there is no number, infinite where it is too large; durations in seconds.

    >>> import pandas as pd
    >>> numbers(pd.Series([True, "1.5", None, 10**400, "many", "12.5%", "$1,200"]))
    array([1.00e+00, 1.50e+00,      nan,      inf,      nan, 1.25e+01,
           1.20e+03])
    """
    import pandas as pd

    dtype = values.dtype
    if dtype.kind == "c":
        raise InputError(f"column {values.name!r} must be real numbers, got complex ones; split it into two columns")
    if dtype.kind == "m":
        return np.asarray(values.astype("timedelta64[us]").dt.total_seconds(), np.float64)
    if dtype.kind in "biuf" and not isinstance(dtype, pd.CategoricalDtype):
        return values.to_numpy(np.float64, na_value=np.nan)
    cells = values.astype(object)
    try:
        found = np.array(pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan))
    except (OverflowError, TypeError):
        found = np.array([_number(cell, values.name) for cell in cells])
    objects = cells.to_numpy()
    for row in np.flatnonzero(np.isnan(found) & cells.notna().to_numpy()):
        cell = objects[row]
        found[row] = _amount(cell.strip()) if isinstance(cell, str) else _number(cell, values.name)
    return found


def _amount(text: str) -> float:
    """Return the number that a text such as "12.5%", "$1,200" or "true" stands for; NaN if it is none."""
    if amount := _AMOUNT.fullmatch(text):
        sign, currency, whole, decimals = amount.groups("")
        if whole.count(",") == 1 and not (currency or decimals):
            return np.nan  # it may be a decimal comma
        return float(sign + whole.replace(",", "") + decimals)
    return _TRUTH.get(text.lower(), np.nan)


def _number(cell: Any, name: object) -> float:
    """Return a cell as a number: NaN if it is none, infinite if it does not fit into a float."""
    import pandas as pd

    if isinstance(cell, pd.Timedelta) or hasattr(cell, "total_seconds"):
        return float(cell.total_seconds())
    if hasattr(cell, "__len__") and not isinstance(cell, str):
        raise refusal(name, cell)
    try:
        return float(cell)
    except OverflowError:
        return float("inf") if cell > 0 else float("-inf")
    except (TypeError, ValueError):
        return float("nan")


def levels(values: "pd.Series", kind: Kind = "text") -> tuple[NDArray[np.int64], list[str]]:
    """Return the level of each cell as an index into a list of their spellings, which is sorted; -1: missing.

    Numbers are spelled alike, whether a table has read them as integers or, because of gaps, as floats.

    >>> import pandas as pd
    >>> levels(pd.Series(["no", None, "yes", "no"]))
    (array([ 0, -1,  1,  0]), ['no', 'yes'])
    >>> levels(pd.Series([7.0, None, 7.5]))[1]
    ['7', '7.5']
    """
    import pandas as pd

    if kind == "number":
        values = pd.Series(numbers(values))
    try:
        codes, cells = pd.factorize(values.array if isinstance(values.dtype, pd.StringDtype) else values)
    except TypeError:
        present = values.dropna()
        cell = next((cell for cell in present if type(cell).__hash__ is None), present.iloc[0])
        raise refusal(values.name, cell) from None
    if not len(cells):
        return np.full(len(values), -1), []
    spelled = [spelling(cell) for cell in cells.tolist()]
    spellings = sorted(set(spelled))
    positions = {level: position for position, level in enumerate(spellings)}
    return np.array([*(positions[level] for level in spelled), -1])[codes], spellings


def spelling(cell: Any) -> str:
    r"""Return how a level is written: whole numbers without a decimal point, lone surrogates escaped.

    >>> [spelling(cell) for cell in ("3", 3, 3.0, 3.5, True)]
    ['3', '3', '3', '3.5', 'True']
    >>> print(spelling("caf\udce9"))  # files could not hold it
    caf\udce9
    """
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return text.encode(errors="backslashreplace").decode()


def refusal(name: object, cell: object) -> InputError:
    """Return the error about a column whose cells are lists, dictionaries or other things that are no single value."""
    return InputError(
        f"column {str(name)!r} must hold single values, got {str(cell)[:60]} of type {type(cell).__name__}; "
        f"make columns of its parts, or leave it out: {setting('columns', {str(name): 'drop'})}"
    )


def check_empty(cells: "pd.Series", name: str, what: str) -> None:
    """Raise InputError unless a column is empty in which none of the numbers or dates of its training was found."""
    present = [cell for cell in cells.dropna() if not isinstance(cell, str) or cell.strip()]
    if present:
        got = present[0] if isinstance(present[0], str) else str(present[0])
        raise InputError(f"column {name!r} must hold {what}, as in training, got {got!r:.60}; correct its cells")


def instants(values: "pd.Series", form: str = "ISO8601") -> NDArray[np.datetime64]:
    """Return cells as moments in UTC, NaT where there is none.

    Args:
        values: dates, periods, or text.
        form: the format of text, as in `strptime`.

    >>> import pandas as pd
    >>> instants(pd.Series(["2024-02-29", "soon"])).astype("datetime64[D]")
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    return each_once(values, lambda cells: _instants(cells, form))


def each_once(values: "pd.Series", function: "Callable[[pd.Series], NDArray[Any]]") -> NDArray[Any]:
    """Return what a function makes of cells, (rows, ...); it is called with different texts only once."""
    import pandas as pd

    if not isinstance(values.dtype, pd.StringDtype):
        return function(values)
    codes, different = pd.factorize(values, use_na_sentinel=False)
    return function(pd.Series(different, name=values.name))[codes]


def _instants(values: "pd.Series", form: str) -> NDArray[np.datetime64]:
    import pandas as pd

    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    elif values.dtype.kind in "iuf":
        values = values.map(spelling, na_action="ignore").astype(object)
    elif isinstance(values.dtype, pd.ArrowDtype | pd.CategoricalDtype):
        values = values.astype(object)
    parsed = pd.to_datetime(values, format=form, errors="coerce", utc=True)
    return parsed.dt.tz_localize(None).to_numpy("datetime64[us]")
