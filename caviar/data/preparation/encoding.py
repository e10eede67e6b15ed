"""The columns of a table as features: written where they belong, or held small until rows are gathered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caviar.data.preparation.cells import Index, cells_of, check_empty, read_numbers
from caviar.data.preparation.columns import Category, Column, Number, one_hot
from caviar.data.preparation.scaling import Features, standardise

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it

CHUNK_CELLS = 1 << 20  # rows are encoded a few at a time, so that copies stay small and in the processor's cache
_CHUNK_ROWS = 1 << 16  # of a column of numbers, for the same reason


def encode(
    group: Sequence[Column], rows: "pd.DataFrame | NDArray[Any]", positions: list[int], index: Index, out: Features
) -> None:
    """Write the features of numbers, or of one other column, into `out`, (rows, features)."""
    if isinstance(group[0], Number):
        values = read_numbers(rows, positions, index)
        for place in np.flatnonzero(np.isnan(values).all(axis=0)).tolist():
            check_empty(cells_of(rows, positions[place], index), group[place].name, "numbers")
        standardise(group, values, out)  # type: ignore[arg-type]
    else:
        group[0].encode(cells_of(rows, positions[0], index), out)


def compact(group: Sequence[Column], table: "pd.DataFrame", positions: list[int], width: int) -> NDArray[Any]:
    """Return features by columns, (features, rows); those of a category as the places of its ones, (rows,)."""
    rows = len(table)
    if isinstance(group[0], Category):
        return group[0].places(cells_of(table, positions[0]))
    features = np.empty((width, rows), np.float32)
    step = min(rows, _CHUNK_ROWS) if isinstance(group[0], Number) else rows
    for start in range(0, rows, step):
        part = table if step == rows else table[start : start + step]
        encode(group, part, positions, None, features[:, start : start + step].T)
    return features


def gather(held: list[tuple[slice, NDArray[Any]]], part: NDArray[np.int64], width: int) -> Features:
    """Return some rows of all features, (rows, features)."""
    features = np.zeros((len(part), width), np.float32)
    step = max(1, CHUNK_CELLS // max(width, 1))
    for start in range(0, len(part), step):
        rows, out = part[start : start + step], features[start : start + step]
        for columns, values in held:
            if values.ndim == 1:
                one_hot(values[rows], out[:, columns])
            else:
                out[:, columns] = np.take(values, rows, axis=1).T
    return features
