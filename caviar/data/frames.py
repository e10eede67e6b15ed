"""One DataFrame from what a user passes as a table: a file, a DataFrame or a pair, and a second one for validation."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from caviar._checks import did_you_mean
from caviar._interface import setting
from caviar.data.reading.format import Format
from caviar.data.reading.read import read_table
from caviar.data.target import flat
from caviar.data.validation import FEWEST_ROWS, as_array, as_columns, check_pair
from caviar.errors import InputError, printable

Table = pd.DataFrame | tuple[Any, ArrayLike] | str | Path  # a pair is (x, y), x a DataFrame or an array


def table_of(table: Table, target: str | None, form: Format) -> tuple[pd.DataFrame, str]:
    """Return a table with the name of its target, which a pair may leave out."""
    if hasattr(target, "__len__") and not isinstance(target, str | tuple):
        raise InputError(
            f"target must name the column to predict, got a value of type {type(target).__name__}; "
            "for an array, pass a pair (x, y) instead of the table"
        )
    if isinstance(table, tuple):
        return _paired(*_two(table), target)
    if not isinstance(table, pd.DataFrame | str | Path):
        raise InputError(
            f"table must be a file, a URL, a DataFrame or a pair (x, y), got a value of type {type(table).__name__}"
        )
    if target is None:
        raise InputError("target must name the column to predict, got None; try target='label'")
    return read_table(table, form), str(target)


def _two(pair: tuple[Any, ...]) -> tuple[Any, ArrayLike]:
    if len(pair) != 2:
        raise InputError(f"a pair must be (x, y), got {len(pair)} values")
    return pair[0], pair[1]


def _paired(x: Any, y: ArrayLike, target: str | None) -> tuple[pd.DataFrame, str]:
    """Return x with y as its last column; the columns of an array are "0", "1", ..."""
    if isinstance(x, pd.DataFrame):
        frame = read_table(x).copy(deep=False)
    else:
        if hasattr(x, "toarray"):
            raise InputError("x must be a table or a dense array, got a sparse one; try x.toarray()")
        values = as_array(x, None if isinstance(x, np.ndarray) else object)
        if values.dtype.names:
            raise InputError("x must be a table or an array of cells, got a structured one; try pandas.DataFrame(x)")
        values = as_columns(values)
        frame = pd.DataFrame(values, columns=[str(number) for number in range(values.shape[1])]).infer_objects()
    check_pair(y, len(frame))
    y = y.iloc[:, 0] if isinstance(y, pd.DataFrame) and y.shape[1] == 1 else y
    name = str(target or getattr(y, "name", None) or "target")
    while name in frame:
        name += "_"
    column = y.array if isinstance(y, pd.Series) else flat(y)
    frame[name] = pd.Series(column, index=frame.index).infer_objects()
    return frame, name


def append(table: pd.DataFrame, target: str, other: Any, form: Format) -> tuple[pd.DataFrame, int]:
    """Return a table with the rows of another one at its end, and how many they are."""
    if isinstance(other, tuple):
        rows = _paired(*_two(other), target)[0]
    elif isinstance(other, pd.DataFrame | str | Path):
        rows = read_table(other, form)
    else:
        raise InputError(
            f"validation must be a fraction, a number of folds, a table or a dict, got {_shown(other)}; try 0.2"
        )
    if not len(rows):
        raise InputError("the table for validation has no rows")
    for name in map(str, table.columns):
        if name not in rows:
            raise InputError(f"the table for validation has no column {name!r}{did_you_mean(name, map(str, rows))}")
        dtype = table.dtypes[name]
        if isinstance(dtype, pd.CategoricalDtype) and rows[name].dtype != dtype:
            known = dtype.categories
            new = known if dtype.ordered else known.union(rows[name].dropna().unique().tolist(), sort=False)
            levels = pd.CategoricalDtype(new, dtype.ordered)
            table = table.astype({name: levels})
            known_cells = rows[name].astype(object).where(rows[name].isin(levels.categories))
            rows = rows.assign(**{name: known_cells.astype(levels)})
    return pd.concat([table, rows[table.columns]], ignore_index=True), len(rows)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, bool | int | float) else f"a value of type {type(value).__name__}"


def check_columns(table: pd.DataFrame, names: list[str]) -> None:
    """Raise InputError unless a table has some columns, others as features, and rows."""
    for name in names:
        if name not in table.columns:
            if name in map(str, table.index.names):
                raise InputError(f"{name!r} is the index of the table, not a column; try table.reset_index()")
            if len(table.columns) == 1 and re.search(r"\W", table.columns[0]):
                raise InputError(
                    f"the table has a single column, {table.columns[0]!r}, and no {name!r}; if that is several, "
                    f"say what separates cells: {setting('separator')}"
                )
            raise InputError(f"the table has no column {name!r}{did_you_mean(name, map(str, table.columns))}")
    features = len(table.columns) - len(set(names))
    if len(table) < FEWEST_ROWS or not features:
        raise InputError(
            f"the table has {len(table)} rows and {features} feature columns; it needs at least {FEWEST_ROWS} rows "
            "and one feature"
        )


def with_target(table: pd.DataFrame, target: str, second: int) -> tuple[pd.DataFrame, int, list[str]]:
    """Return the rows whose target is known, how many of them are of the second table, and a note if any are not."""
    missing = table[target].isna().to_numpy()
    if not missing.any():
        return table, second, []
    given = second
    second -= int(missing[len(missing) - second :].sum())
    if second == 0 < given:
        raise InputError(f"the table for validation has no row in which {printable(target)} is known")
    target = printable(target)
    if (known := len(table) - missing.sum()) < FEWEST_ROWS:
        raise InputError(f"{target} is known in {known} of {len(table)} rows; it needs at least {FEWEST_ROWS}")
    note = f"{missing.sum()} of {len(table)} rows are left out: their {target} is empty"
    return table[~missing].reset_index(drop=True), second, [note]
