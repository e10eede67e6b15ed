"""Checks of user input: integers, seeds, seconds, paths, misspelt names, optional packages.

Every check returns the value, or raises an InputError that shows it and what is allowed.
"""

import difflib
import importlib
import math
import os
from collections.abc import Iterable
from decimal import Decimal
from numbers import Integral, Real
from types import ModuleType

from caviar.errors import InputError, MissingError

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # modules whose package has a different name


def check_integer(name: str, value: object, minimum: int = 1) -> int:
    """Return an integer >= `minimum` as Python's, since NumPy's overflow; booleans and whole floats are rejected.

    >>> check_integer("trials", 0)
    Traceback (most recent call last):
    caviar.errors.InputError: trials must be an integer >= 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise InputError(f"{name} must be an integer >= {minimum}, got {value!r}")
    return int(value)


def check_integer_fields(instance: object, *names: str, minimum: int = 1) -> None:
    """Check fields of a frozen dataclass as `check_integer` does, and store what it returns."""
    for name in names:
        object.__setattr__(instance, name, check_integer(name, getattr(instance, name), minimum))


def plain_number(value: object) -> float | None:
    """Return a number, also a Fraction, a Decimal or one of NumPy's, as an integer or float; None for anything else.

    A boolean is not a number here, nor is what no float can hold, such as Fraction(10**400).

    >>> plain_number(2), plain_number(Decimal("0.1")), plain_number("2"), plain_number(True)
    (2, 0.1, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return None
    try:
        return int(value) if isinstance(value, Integral) else float(value)
    except (OverflowError, ValueError):  # a Fraction beyond the floats; a Decimal that is a signalling NaN
        return None


def check_seed(value: object) -> int:
    """Return a seed, an integer >= 0."""
    return check_integer("seed", value, minimum=0)


def check_seconds(name: str, value: object) -> float | None:
    """Return a time limit in seconds, > 0, or None for no limit."""
    if value is None:
        return None
    seconds = plain_number(value)
    if seconds is None or math.isnan(seconds) or seconds <= 0:
        raise InputError(f"{name} must be a number of seconds > 0 or None, got {value!r}")
    return seconds


def check_string(name: str, value: object) -> str:
    """Return a non-empty string that a file can hold."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be a non-empty string, got {value!r:.200}")
    if not is_unicode(value):
        raise InputError(f"{name} must be valid Unicode, got {value!r:.200}, which has a lone surrogate")
    return value


def is_unicode(text: str) -> bool:
    r"""Return whether a text has no lone surrogates, which UTF-8 cannot hold.

    >>> is_unicode("größe"), is_unicode("\udcff")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_path(name: str, value: object) -> str:
    """Return a path or URI as text, with `~` for the home folder; an empty one would be the working folder.

    >>> check_path("out", "")
    Traceback (most recent call last):
    caviar.errors.InputError: out must be a path, got ''
    """
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str) or not path or "\0" in path:
        raise InputError(f"{name} must be a path, got {value!r:.200}")
    if "://" in path and path.rstrip("/").endswith(":"):
        raise InputError(f"{name} must be a path, got {path!r}, which names no place; try 's3://bucket/runs/first'")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise InputError(f"{name} must be a path, got {value!r:.200}, which cannot be the name of a file") from None
    return os.path.expanduser(path)


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Return the ending of an error message about an unknown name: the closest choice, or up to twenty of them.

    >>> "unknown search 'randm'" + did_you_mean("randm", ["random", "grid"])
    "unknown search 'randm'; did you mean 'random'?"
    """
    choices = list(choices)
    if isinstance(name, str) and (close := difflib.get_close_matches(name, choices, n=1)):
        return f"; did you mean {close[0]!r}?"
    return f"; choose one of {', '.join([*choices[:20], '...'] if len(choices) > 20 else choices)}"


def import_optional(module: str, needed_for: str, extra: str) -> ModuleType:
    """Import a module of an optional package, such as "plotly.graph_objects".

    Args:
        module: its full name.
        needed_for: what needs it, for the error message.
        extra: the extra of Caviar that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:
            raise
        raise MissingError(needed_for, _DISTRIBUTIONS.get(top, top), extra) from None
