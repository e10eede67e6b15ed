"""Plain values as a line of a journal holds them: each function returns a value, or says in a ValueError what it is."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")
_LARGEST = 2**63  # a table holds no larger integer


def number(value: object) -> float:
    """Return a number that a float can hold.

    >>> number("0.5")
    Traceback (most recent call last):
    ValueError: '0.5' is not a number
    """
    if type(value) is float or (type(value) is int and abs(value) < 1 << 1023):
        return value
    raise ValueError(f"{_shown(value)} is not a number")


def integer(value: object) -> int:
    """Return an integer of 64 bits."""
    if type(value) is int and -_LARGEST <= value < _LARGEST:
        return value
    raise ValueError(f"{_shown(value)} is not an integer")


def text(value: object) -> str:
    """Return a text."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{_shown(value)} is not a string")


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping from names to values."""
    if isinstance(value, dict):
        return value
    raise ValueError(f"{_shown(value)} is not a mapping")


def numbers(value: object) -> Mapping[str, float]:
    """Return a mapping from names to numbers, such as a report."""
    for item in mapping(value).values():
        if type(item) is not float:  # most are
            number(item)
    return mapping(value)


def tuple_of(read: Callable[[Any], T]) -> Callable[[object], tuple[T, ...]]:
    """Return a function that reads a list whose items `read` reads.

    >>> tuple_of(text)(["a", "b"])
    ('a', 'b')
    """

    def read_items(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{_shown(value)} is not a list")
        return tuple(map(read, value))

    return read_items


def optional(read: Callable[[Any], T]) -> Callable[[object], T | None]:
    """Return a function that reads None, or what `read` reads.

    >>> optional(number)(None), optional(number)(0.5)
    (None, 0.5)
    """
    return lambda value: None if value is None else read(value)


def instance(kind: type[T]) -> Callable[[object], T]:
    """Return a function that reads a dataclass of texts, integers and numbers from a mapping."""
    reads: Mapping[Any, Callable[[object], object]] = {str: text, int: integer, float: number}

    def read_fields(value: object) -> T:
        return kind(**{field.name: reads[field.type](mapping(value)[field.name]) for field in fields(kind)})  # type: ignore[arg-type]

    return read_fields


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."
