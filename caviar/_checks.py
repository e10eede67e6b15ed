"""Checks of what a user passes in, each once: integers, seeds, seconds, misspelt names, optional packages.

Every check returns nothing or the value as it is used from then on, and raises an InputError that shows the value and
what would be right.
"""

import difflib
import importlib
import math
from collections.abc import Iterable
from types import ModuleType

from caviar.errors import InputError, MissingError

DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # modules whose package has another name


def check_integer(name: str, value: object, minimum: int = 1) -> int:
    """Return an integer of at least `minimum`.

    Args:
        name: of the argument, for the error.
        value: what was passed; booleans and whole floats are refused.
        minimum: the smallest value allowed.

    Raises:
        InputError: it is not an integer, or too small.

    >>> check_integer("trials", 0)
    Traceback (most recent call last):
    caviar.errors.InputError: trials must be an integer >= 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise InputError(f"{name} must be an integer >= {minimum}, got {value!r}")
    return value


def check_seed(value: object) -> int:
    """Return a seed, an integer >= 0; raises InputError for anything else."""
    return check_integer("seed", value, minimum=0)


def check_seconds(name: str, value: object) -> float | None:
    """Return a time limit in seconds, or None for no limit.

    Raises:
        InputError: it is neither None nor a number above 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value <= 0:
        raise InputError(f"{name} must be a number of seconds > 0 or None, got {value!r}")
    return value


def check_string(name: str, value: object) -> str:
    """Return a string that is not empty; raises InputError for anything else."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be a string that is not empty, got {value!r}")
    return value


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: the closest known name, or up to twenty of them.

    >>> "unknown search 'randm'" + did_you_mean("randm", ["random", "grid"])
    "unknown search 'randm'; did you mean 'random'?"
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) else []
    shown = [*known[:20], "..."] if len(known) > 20 else known
    return f"; did you mean {close[0]!r}?" if close else f"; choose one of {', '.join(shown)}"


def import_optional(module: str, needed_for: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: its full name, such as "plotly.graph_objects".
        needed_for: what needs it, for the error.
        extra: the extra of Caviar that installs it.

    Raises:
        MissingError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:
            raise
        raise MissingError(needed_for, DISTRIBUTIONS.get(top, top), extra) from None
