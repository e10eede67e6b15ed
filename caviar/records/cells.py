"""Options as the cells of a CSV file, and back.

A cell holds a string as it is and any other option as Python shows it, None as nothing. A string is in quotes where it
would be mistaken for another option of its column, for an empty cell, or for the end of a line.
"""

import json
from collections.abc import Mapping

import pandas as pd

from caviar.csv import escape_formula
from caviar.space import Space
from caviar.space.conditions import values_in
from caviar.space.hyperparameters import Option
from caviar.space.references import named
from caviar.space.values import identity, is_missing


def options_as_cells(table: pd.DataFrame, space: Space) -> pd.DataFrame:
    """Return a table of results with each option as the text of its cell; columns of numbers stay as they are."""
    texts = {name: {identity(option): text for text, option in cells.items()} for name, cells in _cells(space).items()}

    def text(name: str, value: Option) -> Option:
        return None if is_missing(value) else texts[name].get(identity(value), value)

    columns = [name for name in texts if name in table and not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{name: [text(name, value) for value in table[name]] for name in columns})


def options_in_row(row: pd.Series, space: Space) -> dict[str, Option]:
    """Return the values of a space in a table's row, with the options that cells read from a CSV file stand for."""
    labels = {name: name if name in row else escape_formula(name) for name in space.names}
    values: dict[str, Option] = {name: row[str(label)] for name, label in labels.items() if label in row}
    for name, cells in _cells(space).items():
        value = values.get(name)
        if not is_missing(value) and identity(value) not in map(identity, cells.values()):
            values[name] = _known(cells).get(str(value), value)
    return values


def cells_as_options(table: pd.DataFrame, space: Space) -> pd.DataFrame:
    """Return a table of texts with each cell of a choice as the option that it stands for; others stay texts."""
    columns = {}
    for name, cells in _cells(space).items():
        if name in table:
            known = _known(cells)
            values = [known.get(text, text or None) for text in table[name]]
            columns[name] = pd.Series(values, dtype=object, index=table.index)
    return table.assign(**columns)


def _cells(space: Space) -> Mapping[str, Mapping[str, Option]]:
    """Return for each choice of a space what its cells may hold, and the options that they stand for."""
    options: dict[str, list[Option]] = {}
    for name, option in values_in(space):
        options.setdefault(name, []).append(named(option))
    return {name: _texts(values) for name, values in options.items()}


def _known(cells: Mapping[str, Option]) -> dict[str, Option]:
    """Return the options by the texts that a CSV file has for them."""
    known = {f"'{text}": option for text, option in cells.items()}  # as earlier versions wrote "-1"
    return known | {str(escape_formula(text)): option for text, option in cells.items()}


def _texts(options: list[Option]) -> dict[str, Option]:
    others = {text for option in options if not isinstance(option, str) for text in (str(option), repr(option))}
    plain = [str(option) for option in options if not isinstance(option, str)]
    texts: dict[str, Option] = {}
    for option in options:
        if isinstance(option, str):
            ambiguous = not option or option in others or option[0] in "'\"" or "\r" in option
            texts[json.dumps(option) if ambiguous else option] = option
        elif option is not None:
            texts[str(option) if plain.count(str(option)) == 1 else repr(option)] = option
    return texts
