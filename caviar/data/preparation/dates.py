"""Learn how columns of dates become features."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from caviar.data.preparation.cells import cells_of, instants, spelling
from caviar.data.preparation.columns import Category, Column, Date, LeftOut, days, in_cycle
from caviar.data.preparation.raw import CONSTANT, EMPTY, Raw
from caviar.data.preparation.scaling import moments
from caviar.errors import InputError

_SAMPLE, _NEARLY_ALL = 1000, 0.9  # different texts that are looked at, and the share of them that must be dates


def fit_date(table: pd.DataFrame, train: NDArray[np.int64], raw: Raw) -> Column:
    """Return days, and those of month, weekday and hour that vary in the training rows, or why there is none."""
    values = cells_of(table, raw.position, train)
    form = "ISO8601" if raw.kind == "date" else _form(values)
    if not form:
        shown = [spelling(cell) for cell in values.dropna().unique()[:3].tolist()]
        raise InputError(
            f"column {raw.name!r} must not be 'date', as it has no dates but {shown}; write them like 2024-01-31"
        )
    dates = instants(values, form)
    since = days(dates)
    missing = np.isnan(since)
    if missing.all():
        return LeftOut(raw.name, EMPTY)
    first, fill = since[~missing].min(), float(np.median(since[~missing]))
    mean, deviation = moments(np.where(missing, fill, since) - first)
    if deviation == 0 and not raw.wish:
        return Category(raw.name, (), missing=True, kind=raw.kind) if missing.any() else LeftOut(raw.name, CONSTANT)
    known = dates[~missing]
    cycles = tuple(cycle for cycle in ("month", "weekday", "hour") if np.ptp(in_cycle(known, cycle)) > 0)
    return Date(
        raw.name, float(first + mean), float(deviation) or 1.0, fill, bool(missing.any()), cycles, form, raw.kind
    )


def are_dates(values: pd.Series) -> bool:
    """Return whether nearly all texts of a column are dates that are written alike.

    >>> are_dates(pd.Series(["31.01.2024", "1.2.2024"])), are_dates(pd.Series(["12%", "1.2.2024"]))
    (True, False)
    """
    different = values.dropna().drop_duplicates().iloc[:_SAMPLE]
    form = _form(different)
    return bool(form) and float(np.isnat(instants(different, form)).mean()) <= 1 - _NEARLY_ALL


def _form(values: pd.Series) -> str:
    """Return the format by which most cells can be read; "" if there is none."""
    cells = [spelling(cell) for cell in values.dropna().unique().tolist()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the order of days and months, which is what this detects
        guesses = [guess_datetime_format(cell, dayfirst=first) for cell in cells[:100] for first in (False, True)]
    text = pd.Series(cells, dtype=object)
    forms = dict.fromkeys(["ISO8601", *filter(None, guesses)])
    best = max(forms, key=lambda form: int((~np.isnat(instants(text, form))).sum()))
    return "" if not cells or np.isnat(instants(text, best)).all() else best
