"""What Python can import, by its name: a class, a function or a member of an Enum among the values of a space.

Reading a study imports nothing: each of them is a `Reference` until a trial is to run.
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from caviar.errors import InputError, OwnCodeError

SCALARS = (type(None), bool, int, float, str)  # which no name stands for


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
        unsaid = "numpy" if isinstance(value, np.ufunc) else None  # by an older NumPy
        module = getattr(value, "__module__", unsaid)
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


def resolved(value: Any) -> Any:
    """Return a value with what its references name, at any depth."""
    return _mapped(value, lambda item: item.resolve() if isinstance(item, Reference) else item)


def named(value: Any) -> Any:
    """Return a value with a reference for whatever can be imported, at any depth: it reads the same everywhere.

    >>> from fractions import Fraction
    >>> named([Fraction, 1])
    [fractions:Fraction, 1]
    """
    return _mapped(value, lambda item: item if type(item) in SCALARS else reference_to(item) or item)


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
