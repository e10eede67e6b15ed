"""A choice: one of several options, which are ordered if they are ascending numbers."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space.references import named
from caviar.space.scales import Array
from caviar.space.values import identity

Option = Any  # of a choice: whatever the user's own code takes
SubSpace = Mapping[str, Any]  # hyperparameters and constants by name
_BOOLEANS = (bool, np.bool_)


@dataclass(frozen=True, repr=False)
class Choice:
    """One of several options, in order if they are ascending numbers; an option may have a sub-space of its own.

    >>> Choice(("adam", "momentum")).values(np.array([0.2, 0.9]))
    array(['adam', 'momentum'], dtype=object)
    """

    options: tuple[Option, ...]
    tier: int = 2
    default: Option = None
    spaces: tuple[SubSpace | None, ...] = ()  # one per option, active only under it; None where there is none
    ordinal: bool | None = None  # whether neighbours are alike; None: whether they are ascending numbers, then a bool

    kind = "choice"

    def __post_init__(self) -> None:
        options = list(self.options)
        object.__setattr__(self, "spaces", tuple(s or None for s in self.spaces) or (None,) * len(options))
        check_tier(self.tier)
        if not options:
            raise InputError("choice must have at least one option, got []; try choice([32, 64])")
        if any(isinstance(option, float | np.floating) and math.isnan(option) for option in options):
            raise InputError(f"choice options must not be NaN, got {options!r:.200}")
        if len(set(map(identity, options))) < len(options):
            raise InputError(f"choice options must be different, got {options!r:.200}; name each once")
        if not all(isinstance(space, Mapping | None) for space in self.spaces):
            raise InputError(f"each sub-space of a choice must be a Space or None, got {list(self.spaces)!r}")
        if self.default is not None:
            try:
                self.index(self.default)
            except InputError:
                raise InputError(f"default must be one of {options!r:.200}, got {self.default!r}") from None
        self._set_ordinal()

    def _set_ordinal(self) -> None:
        """Decide about the order where the user did not; raise InputError for one that the options do not have."""
        if self.ordinal is None:
            object.__setattr__(self, "ordinal", self._may_be_ordinal)
        elif not isinstance(self.ordinal, bool):
            raise InputError(f"ordinal must be True or False, got {self.ordinal!r}")
        elif self.ordinal and not self._may_be_ordinal:
            raise InputError(
                "ordinal options must be ascending numbers without sub-spaces, "
                f"got {list(self.options)!r:.200}; leave `ordinal` out, sort numbers, or try randint for a position"
            )

    @property
    def _may_be_ordinal(self) -> bool:
        return are_ascending(self.options) and not any(self.spaces)

    @property
    def categorical(self) -> bool:
        """Whether the options have no order."""
        return not self.ordinal

    @property
    def low(self) -> float | None:
        """The lowest option; None if they have no order."""
        return self.options[0] if self.ordinal else None

    @property
    def high(self) -> float | None:
        """The highest option; None if they have no order."""
        return self.options[-1] if self.ordinal else None

    def __repr__(self) -> str:
        names = [named(option) for option in self.options]
        if len(names) == 1 and self.tier == 2 and self.default is None and not any(self.spaces):
            return f"constant({names[0]!r})"
        options = dict(zip(names, self.spaces, strict=True)) if any(self.spaces) else names
        order = ", ordinal=False" if self._may_be_ordinal and not self.ordinal else ""
        return f"choice({options!r}{settings_repr(self.tier, self.default)}{order})"

    @property
    def levels(self) -> float:
        """The number of options."""
        return float(len(self.options))

    def indices(self, unit: Array) -> Array:
        """Return the indices of options, as floats, at points of [0, 1]; both have shape (n,)."""
        return np.minimum(np.floor(unit * len(self.options)), len(self.options) - 1)

    def values(self, unit: Array) -> Array:
        """Return the options at points of [0, 1], shape (n,), as an object array of shape (n,)."""
        options = np.empty(len(self.options), dtype=object)
        options[:] = self.options
        chosen: Array = options[self.indices(unit).astype(int)]
        return chosen

    def units(self, values: Iterable[Option]) -> Array:
        """Return the middles of the intervals of options, shape (n,); raise InputError for other values."""
        return self.middles(np.array([self.index(value) for value in values], dtype=float))

    def middles(self, indices: Array) -> Array:
        """Return the points of [0, 1] of options, by their indices; both have shape (n,)."""
        return (indices + 0.5) / len(self.options)

    def index(self, value: Option) -> int:
        """Return the position of an option, of the same type if several are equal; InputError for any other value."""
        equal = [i for i, option in enumerate(self.options) if are_equal(option, value)]
        if len(equal) > 1:
            wanted = identity(value)
            equal = [i for i in equal if identity(self.options[i]) == wanted] or equal
        if equal:
            return equal[0]
        raise InputError(f"{value!r} is not one of {list(self.options)!r:.200}")


def are_equal(option: Option, value: Option) -> bool:
    """Return whether a value is an option; a boolean is not a number.

    >>> are_equal(1, 1.0), are_equal(1, True)
    (True, False)
    """
    if option is value:
        return True
    try:
        return bool(option == value) and isinstance(option, _BOOLEANS) == isinstance(value, _BOOLEANS)
    except Exception:  # arrays and the like raise for ==, or for its truth
        return False


def are_ascending(options: Sequence[Option]) -> bool:
    """Return whether options are numbers, two or more, each above the one before; no booleans or Enum members.

    >>> are_ascending([32, 64, 128]), are_ascending([64, 32]), are_ascending([False, True])
    (True, False, False)
    """
    kinds = int | float | np.integer | np.floating
    numbers = all(isinstance(option, kinds) and not isinstance(option, bool | Enum) for option in options)
    return numbers and len(options) > 1 and all(a < b for a, b in itertools.pairwise(options))


def check_tier(tier: int) -> None:
    """Raise InputError for what is no tier."""
    if tier not in (1, 2, 3):
        raise InputError(f"tier must be 1, 2 or 3, got {tier!r}")


def settings_repr(tier: int, default: Option) -> str:
    """Return the arguments that hyperparameters share as code, without those that are left out."""
    return ("" if tier == 2 else f", tier={tier}") + ("" if default is None else f", default={default!r}")
