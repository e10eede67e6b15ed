"""What users say about columns: a word, or the order of its levels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar._checks import did_you_mean
from caviar._interface import setting
from caviar.data.preparation.cells import spelling
from caviar.errors import InputError

Override = str | Sequence[str | int | float | bool]

WORDS = {
    "keep": "not left out",
    "drop": "left out",
    "number": "standardised",
    "category": "a feature for each level",
    "date": "days and cycles",
}


def check_overrides(overrides: Mapping[str, Any], names: Sequence[str]) -> dict[str, str | tuple[str, ...]]:
    """Return a word or the spelled levels, in order, for each column that has an override.

    Args:
        overrides: "keep", "drop", "number", "category", "date", or a list of levels, by column.
        names: of the table's columns.

    >>> check_overrides({"cut": ["Fair", "Good"], "name": "drop"}, ["cut", "name"])
    {'cut': ('Fair', 'Good'), 'name': 'drop'}
    """
    if not isinstance(overrides, Mapping):
        example = setting("columns", {"zip": "category"})
        raise InputError(f"columns must map names to words or lists, got {overrides!r}; try {example}")
    checked: dict[str, str | tuple[str, ...]] = {}
    for name, value in ((str(name), value) for name, value in overrides.items()):
        if name not in names:
            raise InputError(
                f"columns names {name!r}, which is not a feature column of the table{did_you_mean(name, names)}"
            )
        if isinstance(value, str):
            if value not in WORDS:
                words = ", ".join(f"{word!r} ({meaning})" for word, meaning in WORDS.items())
                raise InputError(f"column {name!r} must be a list of levels in order, or {words}, got {value!r}")
            checked[name] = value
        else:
            checked[name] = _levels(name, value)
    return checked


def _levels(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        value = [level.item() if isinstance(level, np.generic) else level for level in value]
    plain = isinstance(value, list) and all(isinstance(level, str | int | float) for level in value)
    levels = tuple(spelling(level) for level in value) if plain else ()
    if len(levels) < 2 or len(set(levels)) < len(levels):
        raise InputError(
            f"column {name!r} must be a word or a list of two or more different levels in order, got {value!r}; "
            f"try {setting('columns', {name: ['low', 'high']})}"
        )
    return levels
