"""A config from what a user gives: a dict, or the row of a table, whose cells may have lost their types."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.space.conditions import constant_of, is_constant
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Option, Real, SubSpace, are_equal
from caviar.space.space import Config, Space
from caviar.space.values import is_missing


def config_of(space: Space, given: Mapping[str, Any]) -> Config:
    """Return a config of a space, with the constants filled in, and every value as the space has it.

    >>> from caviar.space import choice, randint
    >>> config_of(Space(units=randint(1, 100), kind="dense"), {"units": 64.0})
    {'units': 64, 'kind': 'dense'}

    Raises:
        InputError: a hyperparameter is missing, unknown or not active, or a value lies outside the space.
    """
    for name in given:
        if name not in space.names:
            raise InputError(f"{name!r} is not in the space{did_you_mean(name, space.names)}")
    config = dict(_items(space, given, strict=True))
    for name, value in given.items():
        if name not in config and not is_missing(value):
            raise InputError(f"{name!r} is not active under the other values of {dict(given)!r:.200}; leave it out")
    return config


def config_of_row(space: Space, row: Mapping[Any, Any]) -> Config:
    """Return the config of a table's row, which may have other columns; empty cells are None, or not active.

    The cells of constants are not read. Raises InputError if a value is missing or lies outside the space.
    """
    return dict(_items(space, row, strict=False))


def _items(space: SubSpace, given: Mapping[Any, Any], strict: bool) -> Iterator[tuple[str, Option]]:
    for name, entry in space.items():
        if not is_constant(entry) and is_missing(given.get(name)) and not (name in given and _has_none(entry)):
            raise InputError(f"config {dict(given)!r:.200} lacks {name!r}; add its value")
        try:
            value = _value(entry, given, name, strict)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        yield name, value
        if isinstance(entry, Choice) and (sub_space := entry.spaces[entry.index(value)]):
            yield from _items(sub_space, given, strict)


def _value(entry: Option, given: Mapping[Any, Any], name: str, strict: bool) -> Option:
    """Return the value of one entry of a space."""
    if is_constant(entry):
        constant = constant_of(entry)
        value = given.get(name, constant)
        if strict and not are_equal(constant, value) and not (is_missing(constant) and is_missing(value)):
            raise InputError(f"it is the constant {constant!r:.100} in the space, got {value!r:.100}")
        return constant
    value = given.get(name)
    if isinstance(entry, Choice):
        return _option(entry, None if is_missing(value) else value, strict)
    return _number(entry, value, strict)


def _has_none(entry: Hyperparameter) -> bool:
    return isinstance(entry, Choice) and any(option is None for option in entry.options)


def _option(choice: Choice, value: Option, strict: bool) -> Option:
    """Return the option that equals a value, or that the text in a cell stands for."""
    if not strict and isinstance(value, str) and value not in filter(_is_text, choice.options):
        for option in choice.options:
            if not _is_text(option) and value in (str(option), repr(option)):
                return option
        value = _from_text(value)
    return choice.options[choice.index(value)]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _from_text(text: str) -> Option:
    """Return the boolean or the number that a text stands for, if it does: 64.0 is for 64, where a column has gaps."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _number(number: Real | Integer, value: Any, strict: bool) -> float:
    """Return a number of the space's type, within its bounds and in its steps."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or (strict and isinstance(value, str)):
        raise InputError(f"{number!r} takes numbers, got {value!r}")
    number.units([value])  # raises for any other value
    if isinstance(number, Real):
        return min(max(float(value), float(number.low)), float(number.high))
    try:
        return int(value) if isinstance(value, str) else round(value)
    except ValueError:  # "64.0", where a column has gaps
        return round(float(value))
