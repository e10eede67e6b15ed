"""Dataclasses from files that may hold anything: each value has the type of its field."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def typed(kind: type[T], values: Mapping[str, Any]) -> T:
    """Return a dataclass of some values; raise ValueError for an unknown or missing field, or a value of another type.

    >>> from caviar.data.preparation.columns import LeftOut
    >>> typed(LeftOut, {"name": "id", "reason": 5})
    Traceback (most recent call last):
    ValueError: reason of LeftOut cannot be 5
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"a {kind.__name__} cannot be {_shown(values)}")
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"a {kind.__name__} has no {_shown(name)}")
        if not _fits(value, hints[name]):
            raise ValueError(f"{name} of {kind.__name__} cannot be {_shown(value)}")
    try:
        return kind(**values)
    except TypeError as error:  # something is missing
        raise ValueError(str(error)) from None


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin in _SCALARS:
        return _SCALARS[origin](value)
    if origin is tuple and arguments[-1] is not ...:
        return isinstance(value, tuple) and len(value) == len(arguments) and all(map(_fits, value, arguments))
    if origin in (tuple, list):
        return isinstance(value, origin) and all(_fits(item, arguments[0]) for item in value)
    if origin is Mapping:
        key, item = arguments
        return isinstance(value, Mapping) and all(_fits(k, key) and _fits(v, item) for k, v in value.items())
    return not isinstance(origin, type) or getattr(origin, "_is_protocol", False) or isinstance(value, origin)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


_SCALARS: Mapping[Any, Callable[[Any], bool]] = {
    float: lambda value: isinstance(value, float) or _is_integer(value),
    int: _is_integer,
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    NoneType: lambda value: value is None,
}


def _shown(value: object) -> str:
    return f"{value!r:.60}"
