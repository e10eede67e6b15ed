"""Learn how the columns of a table become features, from its training rows alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar._interface import setting
from caviar.data.preparation.categories import MOST_LEVELS, fit_categories, fit_ordered, order_of
from caviar.data.preparation.cells import cells_of, chosen, numbers
from caviar.data.preparation.columns import Column, Date, LeftOut
from caviar.data.preparation.dates import are_dates, fit_date
from caviar.data.preparation.description import detail
from caviar.data.preparation.kinds import kind_of
from caviar.data.preparation.numbers import fit_numbers
from caviar.data.preparation.overrides import Override, check_overrides
from caviar.data.preparation.preparation import Preparation, column_names
from caviar.data.preparation.raw import Note, Raw, sentences
from caviar.data.preparation.suspects import find_suspects
from caviar.data.validation import Targets
from caviar.errors import InputError

AS_ASKED = "as you said"
_STRAY = 0.1  # of the different texts of a column of numbers need not be numbers


@dataclass(frozen=True)
class Fitted:
    """A preparation, and a sentence for each thing that its user should know."""

    preparation: Preparation
    notes: tuple[str, ...]


def fit_preparation(
    table: pd.DataFrame,
    train: NDArray[np.int64],
    target: Targets | None = None,
    overrides: Mapping[str, Override] | None = None,
) -> Fitted:
    """Learn how the columns of a table become features.

    Args:
        table: the columns without the target.
        train: the row numbers of the training part; nothing is learned from others.
        target: (rows of the table,), int64 indices of classes, or float64 numbers, to find columns that tell it;
            None: such columns are not looked for.
        overrides: "keep", "drop", "number", "category", "date", or a list of levels in order, by column.

    >>> table = pd.DataFrame({"width": [1.0, None, 3.0, 5.0] * 9, "kind": ["a", "b", "b", "a"] * 9, "unit": "mm"})
    >>> fitted = fit_preparation(table, np.arange(36))
    >>> fitted.preparation.features
    ('width', 'width=(missing)', 'kind=a', 'kind=b')
    >>> fitted.notes
    ('unit: left out, the same value in every training row; columns={"unit": "keep"} keeps it',)
    """
    names = column_names(table)
    wishes = check_overrides(overrides or {}, names)
    raws = [
        _raw(table, train, position, wishes.get(name, ""))
        for position, name in enumerate(names)
        if wishes.get(name) != "drop"
    ]
    columns, notes = _fit(table, train, raws)
    if target is not None:
        suspects = [raw for raw in raws if not raw.wish and columns[raw.name].features]
        certain, likely = find_suspects(table, train, target, suspects)
        if len(certain) < sum(bool(column.features) for column in columns.values()):
            columns |= {name: LeftOut(name, reason) for name, reason in certain.items()}
        else:
            likely += [Note(name, reason) for name, reason in certain.items()]
        notes += likely
    every = tuple(columns.get(name, LeftOut(name, AS_ASKED)) for name in names)
    left_out = [column for column in every if isinstance(column, LeftOut) and column.reason != AS_ASKED]
    if len(names) and not any(column.features for column in every):
        reasons = "; ".join(sentences(Note(column.name, column.reason) for column in left_out))
        raise InputError(
            f"the table has no column to learn from ({reasons or 'all are dropped'}); "
            f"add one, or keep one: {setting('columns', {names[0]: 'keep'})}"
        )
    gone = {column.name for column in left_out}
    said = [Note(column.name, f"left out, {column.reason}", "keep", "keeps it") for column in left_out]
    return Fitted(Preparation(every), sentences([*said, *(note for note in notes if note.name not in gone)]))


def _raw(table: pd.DataFrame, train: NDArray[np.int64], position: int, wish: str | tuple[str, ...]) -> Raw:
    values = cells_of(table, position)
    name, categorical = str(values.name), isinstance(values.dtype, pd.CategoricalDtype)
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind != "O"
    kind = kind_of(values if plain else chosen(values, train))
    if isinstance(wish, tuple):
        return Raw(name, position, kind, "keep", order=wish)
    return Raw(name, position, kind, wish, order_of(values.dtype) if wish in ("", "keep") else (), categorical)


def _fit(table: pd.DataFrame, train: NDArray[np.int64], raws: Sequence[Raw]) -> tuple[dict[str, Column], list[Note]]:
    numeric, categories, columns, notes = [], [], {}, []
    for raw in raws:
        free = raw.wish in ("", "keep")
        if raw.order:
            columns[raw.name] = fit_ordered(table, train, raw)
        elif raw.wish == "date" or (raw.kind == "date" and free):
            columns[raw.name] = dated = fit_date(table, train, raw)
            if isinstance(dated, Date):
                notes.append(Note(raw.name, f"dates, so {detail(dated)}", "category", "takes each as a level"))
        elif raw.wish == "number" or (raw.kind in ("number", "boolean") and free and not raw.categorical):
            numeric.append(raw)
        else:
            categories.append(raw)
    learned, said = fit_numbers(table, train, numeric, only=len(numeric) == len(raws))
    columns |= learned | fit_categories(table, train, categories)
    notes += said
    for raw in categories:
        if raw.wish or raw.kind != "text":
            continue
        different = cells_of(table, raw.position, train).dropna().drop_duplicates()
        too_many = isinstance(columns[raw.name], LeftOut) or (len(different) > MOST_LEVELS and not raw.categorical)
        if too_many and (word := _word_for(different)):
            found, said = _fit(table, train, [replace(raw, wish=word)])
            columns |= found
            notes += said
    return columns, notes


def _word_for(different: pd.Series) -> str:
    """Return what the different texts of a column with too many levels can be read as: "number", "date", or ""."""
    if are_dates(different):
        return "date"
    return "number" if len(different) and np.isnan(numbers(different)).mean() <= _STRAY else ""
