"""The values in configs as JSON, and back: what JSON does not know is tagged, what Python can import is named.

Reading imports nothing: a class, a function or a member of an Enum is a `Reference` until a trial is to run.
"""

import importlib
import json
import math
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import InputError, OwnCodeError

_TAG = "__caviar__"  # marks {"__caviar__": kind, "value": ...}; a user's dict with this key is written as pairs
_SCALARS = (type(None), bool, int, float, str)


@dataclass(frozen=True, eq=False, repr=False)
class Reference:
    """Something that Python can import, by name; equal to what it names.

    >>> reference = Reference("fractions", "Fraction")
    >>> reference, reference.resolve()
    (fractions:Fraction, <class 'fractions.Fraction'>)
    """

    module: str
    name: str  # within the module, such as "Outer.Inner"

    def resolve(self) -> object:
        """Import what it names; raise InputError if there is no such class, function or member of an Enum."""
        if self.module == "__main__":
            remedy = "continue in the script or notebook that defines it, by Study.open(folder, data=...)"
        else:
            remedy = f"install or restore {self.module}"
        try:
            importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise InputError(f"the option {self} cannot be imported ({error}); {remedy}") from error
        except Exception as error:  # whatever a user's module raises
            raise OwnCodeError(f"the option {self} cannot be imported: {type(error).__name__}: {error}") from error
        value = _look_up(self.module, self.name)
        if value is None or reference_to(value) != self:
            raise InputError(f"the option {self} is not defined here; {remedy}")
        return value

    def __eq__(self, other: object) -> bool:
        named = reference_to(other)
        return named is not None and (self.module, self.name) == (named.module, named.name)

    def __hash__(self) -> int:
        return hash((self.module, self.name))

    def __repr__(self) -> str:
        return f"{self.module}:{self.name}"


def reference_to(value: Any) -> Reference | None:
    """Return the reference to what can be imported by its name; None for anything else, such as a lambda.

    >>> import math
    >>> reference_to(math.sqrt), reference_to(lambda: 1)
    (math:sqrt, None)
    """
    if isinstance(value, Reference):
        return value
    kind = type(value)
    module: Any
    names: list[Any]
    if isinstance(value, Enum):
        module, names = kind.__module__, [f"{kind.__qualname__}.{value.name}"]
    else:  # functions written in C may have a __qualname__ that leads nowhere
        module = getattr(
            value, "__module__", "numpy" if isinstance(value, np.ufunc) else None
        )  # an older NumPy does not say
        names = [getattr(value, attribute, None) for attribute in ("__qualname__", "__name__")]
    if isinstance(module, str):
        for name in names:
            if isinstance(name, str) and _look_up(module, name) is value:
                return Reference(module, name)
    return None


def _look_up(module: str, name: str) -> object:
    value: Any = sys.modules.get(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def encode(value: Any) -> Any:
    """Return a value as JSON can hold it; raise TypeError for one that would not come back equal.

    >>> encode([(1, 2), {"a": b"b"}])
    [{'__caviar__': 'tuple', 'value': [1, 2]}, {'a': {'__caviar__': 'bytes', 'value': '62'}}]
    """
    kind = type(value)
    if kind in _SCALARS:
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


def resolved(value: Any) -> Any:
    """Return a value with what its references name, at any depth."""
    return _mapped(value, lambda item: item.resolve() if isinstance(item, Reference) else item)


def is_missing(value: object) -> bool:
    """Return whether a cell is empty.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0), is_missing([])
    (True, True, False, False)
    """
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")  # of pandas, which is slow to import


def named(value: Any) -> Any:
    """Return a value with a reference for whatever can be imported, at any depth: it reads the same everywhere.

    >>> from fractions import Fraction
    >>> named([Fraction, 1])
    [fractions:Fraction, 1]
    """
    return _mapped(value, lambda item: item if type(item) in _SCALARS else reference_to(item) or item)


def references_in(value: Any) -> list[Reference]:
    """Return references to all that a value has to be imported for, at any depth.

    >>> references_in({"rates": (1, len)})
    [builtins:len]
    """
    found: list[Reference] = []
    _mapped(named(value), lambda item: found.append(item) if isinstance(item, Reference) else None)
    return found


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_mapped(item, change) for item in value)
    if type(value) is dict:
        return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
    return change(value)


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
    if type(value) not in _SCALARS and (reference := reference_to(value)) is not None:
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
