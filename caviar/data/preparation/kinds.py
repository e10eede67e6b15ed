"""What a column of a table holds."""

import re
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from caviar.data.preparation.cells import Kind, instants, refusal

_ISO_DATE = re.compile(r"[12]\d{3}-\d\d(-\d\d([T ]\d\d:\d\d.*)?)?")
_REFUSED = (complex, bytes, bytearray, memoryview, tuple, list, dict, set, frozenset, np.ndarray, pd.Series)
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("integer", "floating", "mixed-integer-float", "decimal", "timedelta", "timedelta64"), "number"),
    **dict.fromkeys(("datetime64", "datetime", "date", "period"), "date"),
    "boolean": "boolean",
}


def kind_of(values: pd.Series) -> Kind:
    """Return what the cells of a column are; raise InputError if they are nothing that can be a feature.

    >>> kind_of(pd.Series(["2024-01-31", None])), kind_of(pd.Series([True, None], dtype=object))
    ('date', 'boolean')
    """
    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return kind_of_levels(dtype.categories)
    if isinstance(dtype, pd.PeriodDtype) or dtype.kind == "M":
        return "date"
    if dtype.kind in "iufm":
        return "number"
    if dtype.kind == "b":
        return "boolean"
    if dtype.kind == "c":
        raise refusal(values.name, values.iloc[0])
    if isinstance(dtype, pd.StringDtype):
        return "date" if _are_iso_dates(values) else "text"
    present = values[values.notna()]
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind != "U":
        present = present.astype(object)
    inferred = infer_dtype(present, skipna=True)
    if inferred in _KINDS:
        return _KINDS[inferred]
    if inferred == "string" or dtype.kind == "U":
        return "date" if _are_iso_dates(present) else "text"
    return _kind_of_objects(present)


def kind_of_levels(categories: "pd.Index[Any]") -> Kind:
    """Return what the levels of a categorical column are read as from a file."""
    return "number" if categories.dtype.kind in "iuf" else "boolean" if categories.dtype.kind == "b" else "text"


def _are_iso_dates(values: pd.Series) -> bool:
    known = ~np.asarray(values.array.isna())
    if not known.any() or not _ISO_DATE.fullmatch(str(values.array[known.argmax()]).strip()):
        return False  # seen at the first cell, so that long columns of text cost nothing
    different = pd.Series(values.dropna().unique(), dtype=object)
    return bool(different.str.strip().str.fullmatch(_ISO_DATE).all() and not np.isnat(instants(different)).any())


def _kind_of_objects(present: pd.Series) -> Kind:
    types = set(map(type, present))
    for kind in types:
        if issubclass(kind, _REFUSED) or kind.__hash__ is None:
            raise refusal(present.name, next(cell for cell in present if type(cell) is kind))
    numeric = {kind for kind in types if hasattr(kind, "__float__")}  # int, float, Decimal, Fraction, NumPy's
    return "number" if types and types == numeric else "text"
