"""The values in configs as JSON, and back: what JSON does not know is tagged, what Python can import is named."""

import json
import math
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space.references import SCALARS, Reference, reference_to

_TAG = "__caviar__"  # marks {"__caviar__": kind, "value": ...}; a user's dict with this key is written as pairs


def encode(value: Any) -> Any:
    """Return a value as JSON can hold it; raise TypeError for one that would not come back equal.

    >>> encode([(1, 2), {"a": b"b"}])
    [{'__caviar__': 'tuple', 'value': [1, 2]}, {'a': {'__caviar__': 'bytes', 'value': '62'}}]
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict and _TAG not in value and all(type(key) is str for key in value):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, np.str_ | np.bytes_):
        return encode(value.item())
    for tag, (accepted, write, _) in _KINDS.items():
        if kind is accepted or (accepted is np.generic and isinstance(value, np.generic)):
            return {_TAG: tag, "value": write(value)}
    if (reference := reference_to(value)) is not None:
        return {_TAG: "name", "value": [reference.module, reference.name]}
    raise TypeError(f"{kind.__name__} cannot be written as JSON")


def decode(plain: Any) -> Any:
    """Return the value that `encode` wrote, a `Reference` for what is named; raise InputError for a damaged one.

    >>> decode(encode({1: (2, "x")}))
    {1: (2, 'x')}
    """
    if isinstance(plain, list):
        return [decode(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    tag = plain.get(_TAG)
    if set(plain) != {_TAG, "value"} or not isinstance(tag, str) or tag not in _KINDS:
        return {key: decode(item) for key, item in plain.items()}
    try:
        return _KINDS[tag][2](plain["value"])
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, SyntaxError) as error:
        raise InputError(f"not a value of kind {tag!r}: {error}") from None


def _reference(plain: Any) -> Reference:
    module, name = plain
    if not (isinstance(module, str) and isinstance(name, str)):
        raise ValueError(f"a name consists of strings, got {plain!r:.100}")
    return Reference(module, name)


# by tag: the type, how a value of it is written, and how it is read
_KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tuple": (tuple, lambda value: [encode(item) for item in value], lambda plain: tuple(map(decode, plain))),
    "dict": (
        dict,
        lambda value: [[encode(key), encode(item)] for key, item in value.items()],
        lambda plain: {decode(key): decode(item) for key, item in plain},
    ),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "complex": (complex, lambda value: [value.real, value.imag], lambda plain: complex(*plain)),
    "path": (type(Path()), str, Path),
    "date": (date, date.isoformat, date.fromisoformat),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "numpy": (
        np.generic,
        lambda value: [value.dtype.str, value.tobytes().hex()],
        lambda plain: np.frombuffer(bytes.fromhex(plain[1]), np.dtype(plain[0]))[0],
    ),
    "name": (Reference, lambda value: [value.module, value.name], _reference),
}


def is_missing(value: object) -> bool:
    """Return whether a cell is empty.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0), is_missing([])
    (True, True, False, False)
    """
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")  # of pandas, which is slow to import


def identity(value: Any) -> Hashable:
    """Return a hashable value that reflects all that could change a trial: type, content, order.

    >>> identity(1) == identity(True), identity([1]) == identity((1,))
    (False, False)
    """
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype.str, value.shape, identity(value.tolist())
    if isinstance(value, np.generic):
        item = value.item()  # of a long double, it is one
        return (type(item), repr(item)) if isinstance(item, np.generic) else identity(item)
    if isinstance(value, Mapping):
        return Mapping, tuple((identity(key), identity(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(map(identity, value))
    if type(value) not in SCALARS and (reference := reference_to(value)) is not None:
        return Reference, reference.module, reference.name
    return type(value), repr(value)  # distinguishes what == treats as equal: 1 and True, 0.0 and -0.0


def check_value(name: str, value: Any) -> None:
    """Raise InputError for an option or a constant that a resumed study would not get back as it is.

    >>> check_value("rates", np.ones(2))
    Traceback (most recent call last):
    caviar.errors.InputError: rates must be a value that the study's journal can keep, got ndarray array([1., 1.]); ...
    """
    try:
        text = json.dumps(encode(value), ensure_ascii=False).encode()
        exact = identity(decode(json.loads(text))) == identity(value)
    except (TypeError, ValueError, RecursionError):  # also what cannot be written: huge integers, lone surrogates
        exact = False
    if exact:
        return
    if hasattr(value, "tolist"):
        remedy = "a list of its numbers, or the name of a file that the function reads"
    elif hasattr(value, "__qualname__"):
        remedy = "a function or class at the top level of a module, under its own name"
    else:
        remedy = "a name or numbers from which the function makes it"
    try:
        shown = " ".join(f"{value!r:.100}".split())
    except ValueError:  # an integer with thousands of digits
        shown = "one that cannot be shown"
    raise InputError(
        f"{name} must be a value that the study's journal can keep, got {type(value).__name__} {shown}; try {remedy}"
    )
