"""Learn how columns of levels become features: one for each, or the position in an order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.preparation.cells import cells_of, levels, spelling
from caviar.data.preparation.columns import Category, Column, LeftOut, Ordered
from caviar.data.preparation.raw import CONSTANT, EMPTY, Raw
from caviar.data.preparation.scaling import moments
from caviar.errors import InputError

MOST_LEVELS = 50  # that have a feature of their own
_IDENTIFIER, _FREE_TEXT = 0.9, 0.5  # different texts by rows


def fit_categories(table: pd.DataFrame, train: NDArray[np.int64], raws: Sequence[Raw]) -> dict[str, Column]:
    """Return a feature for each frequent level of the training rows, or why there is none, by column."""
    columns: dict[str, Column] = {}
    for raw in raws:
        codes, spellings = levels(cells_of(table, raw.position, train), raw.kind)
        present, different = int((codes >= 0).sum()), len(spellings)
        if not raw.wish and (reason := _why_not(len(codes), present, different)):
            columns[raw.name] = LeftOut(raw.name, reason)
        elif different < 2 and present < len(codes):  # only the gaps tell rows apart
            columns[raw.name] = Category(raw.name, (), missing=True, kind=raw.kind)
        else:
            columns[raw.name] = _category(raw, codes, spellings)
    return columns


def _category(raw: Raw, codes: NDArray[np.int64], spellings: list[str]) -> Column:
    """Return the features of a column: those that scikit-learn's OneHotEncoder would take for frequent."""
    counts = np.bincount(codes[codes >= 0], minlength=len(spellings))
    gaps = len(codes) - int(counts.sum())
    counts = np.append(counts, gaps) if gaps else counts  # a missing cell is a level like the others, and the last
    frequent = counts >= min(10, max(2, -(-len(codes) // 100)))
    if frequent.sum() > MOST_LEVELS:
        frequent[np.argsort(counts, kind="stable")[:-MOST_LEVELS]] = False
    if not raw.wish and not frequent.any():
        return LeftOut(raw.name, f"{len(spellings)} different texts, all of them rare")
    shown = tuple(level for level, own in zip(spellings, frequent.tolist(), strict=False) if own)
    return Category(raw.name, shown, not frequent.all(), bool(gaps and frequent[-1]), raw.kind)


def _why_not(rows: int, present: int, different: int) -> str:
    if not present:
        return EMPTY
    if different == 1:
        return CONSTANT if present == rows else ""
    if different > _IDENTIFIER * present:
        return "a different text in nearly every row"
    return f"free text, {different} different in {present} rows" if different > _FREE_TEXT * present else ""


def fit_ordered(table: pd.DataFrame, train: NDArray[np.int64], raw: Raw) -> Column:
    """Return the position of each level in an order; raise InputError if the order misses one."""
    order = raw.order
    _, spellings = levels(cells_of(table, raw.position), raw.kind)
    if unknown := [level for level in spellings if level not in order]:
        raise InputError(
            f"column {raw.name!r} must name every level, but lacks {', '.join(map(repr, unknown[:5]))}; "
            f"it has {', '.join(map(repr, order))}"
        )
    positions = Ordered(raw.name, order, kind=raw.kind).positions(cells_of(table, raw.position, train))
    missing = np.isnan(positions)
    if missing.all():
        return LeftOut(raw.name, EMPTY)
    fill = float(np.median(positions[~missing]))
    mean, deviation = moments(np.where(missing, fill, positions))
    if deviation == 0:
        return Category(raw.name, (), missing=True, kind=raw.kind) if missing.any() else LeftOut(raw.name, CONSTANT)
    return Ordered(raw.name, order, float(mean), float(deviation), fill, bool(missing.any()), raw.kind)


def order_of(dtype: Any) -> tuple[str, ...]:
    """Return the levels of an ordered categorical dtype, spelled; () for any other.

    >>> order_of(pd.CategoricalDtype(["low", "high"], ordered=True))
    ('low', 'high')
    """
    ordered = isinstance(dtype, pd.CategoricalDtype) and bool(dtype.ordered)
    return tuple(map(spelling, dtype.categories.tolist())) if ordered else ()
