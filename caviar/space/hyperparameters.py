"""One hyperparameter: a monotone map between [0, 1] and its values, or a list of options.

`Real`, `Integer` and `Choice` are plain values: frozen, comparable, with a repr that recreates them. People write them
with the functions in `constructors.py`. All bounds are inclusive.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space.scales import LINEAR, LOG, REVERSE_LOG, Array, Scale

REAL_KINDS = {"uniform": LINEAR, "loguniform": LOG, "reverseloguniform": REVERSE_LOG}
INTEGER_KINDS = {"randint": LINEAR, "lograndint": LOG}

Option = Any  # of a choice: whatever the user's own code takes
SubSpace = Mapping[str, Any]  # hyperparameters and constants by name


@dataclass(frozen=True, repr=False)
class Real:
    """A real number in [low, high], explored evenly on the scale of its kind.

    >>> Real("loguniform", 1e-4, 1.0).values(np.array([0.5]))
    array([0.01])
    """

    kind: str
    low: float
    high: float
    tier: int = 2
    default: float | None = None

    categorical = False

    def __post_init__(self) -> None:
        _check_number(self)
        if self.kind == "loguniform" and self.low <= 0:
            raise _bounds_error(self, "> 0", "low=1e-6 or uniform")
        if self.kind == "reverseloguniform" and self.high >= 1:
            raise _bounds_error(self, "< 1", "high=0.999 or uniform")

    def __repr__(self) -> str:
        return _number_repr(self)

    @property
    def scale(self) -> Scale:
        """The scale on which it is explored."""
        return REAL_KINDS[self.kind]

    @property
    def levels(self) -> float:
        """The number of different values."""
        return 1.0 if self.low == self.high else math.inf

    def values(self, unit: Array) -> Array:
        """Return the values at points of [0, 1]; both have shape (n,)."""
        return self.scale.values(unit, self.low, self.high)

    def units(self, values: Iterable[float]) -> Array:
        """Return the points of [0, 1] of values, shape (n,); raises InputError outside of the bounds."""
        return self.scale.units(_clip_to_bounds(self, values), self.low, self.high)


@dataclass(frozen=True, repr=False)
class Integer:
    """An integer in low..high, both included; each has an interval of [0, 1] to itself.

    >>> Integer("randint", 1, 4).values(np.array([0.0, 0.3, 1.0]))
    array([1., 2., 4.])
    """

    kind: str
    low: int
    high: int
    tier: int = 2
    default: int | None = None

    categorical = False

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if isinstance(bound, bool) or not isinstance(bound, int | np.integer):
                raise _bounds_error(self, "integers", "uniform")
        _check_number(self)
        if self.kind == "lograndint" and self.low < 1:
            raise _bounds_error(self, "> 0", "low=1 or randint")

    def __repr__(self) -> str:
        return _number_repr(self)

    @property
    def scale(self) -> Scale:
        """The scale on which it is explored."""
        return INTEGER_KINDS[self.kind]

    @property
    def levels(self) -> float:
        """The number of different values."""
        return float(self.high - self.low + 1)

    def values(self, unit: Array) -> Array:
        """Return the integers, as floats, at points of [0, 1]; both have shape (n,)."""
        # an interval reaches half a unit to either side, so that the bounds get a full share
        real = self.scale.values(unit, self.low - 0.5, self.high + 0.5)
        return np.clip(np.floor(real + 0.5), self.low, self.high)

    def units(self, values: Iterable[float]) -> Array:
        """Return the middles of the intervals of integers, shape (n,); raises InputError for other values."""
        return self.scale.units(_clip_to_bounds(self, values), self.low - 0.5, self.high + 0.5)


@dataclass(frozen=True, repr=False)
class Choice:
    """One of several options without an order; an option may have a sub-space that is active only under it.

    >>> Choice(("adam", "momentum")).values(np.array([0.2, 0.9]))
    array(['adam', 'momentum'], dtype=object)
    """

    options: tuple[Option, ...]
    tier: int = 2
    default: Option = None
    spaces: tuple[SubSpace | None, ...] = ()  # one per option; None where the option has no sub-space

    kind = "choice"
    categorical = True

    def __post_init__(self) -> None:
        options = list(self.options)
        object.__setattr__(self, "spaces", tuple(s or None for s in self.spaces) or (None,) * len(options))
        _check_tier(self.tier)
        if not options:
            raise InputError("choice must have at least one option, got []; try choice([32, 64])")
        if any(isinstance(option, float) and math.isnan(option) for option in options):
            raise InputError(f"choice options must not be NaN, got {options!r}")
        if len({(type(option), repr(option)) for option in options}) < len(options):
            raise InputError(f"choice options must be different, got {options!r}; name each once")
        if not all(isinstance(space, Mapping | None) for space in self.spaces):
            raise InputError(f"each sub-space of a choice must be a Space or None, got {list(self.spaces)!r}")
        if self.default is not None and self.default not in options:
            raise InputError(f"default must be one of {options!r}, got {self.default!r}")

    def __repr__(self) -> str:
        options = dict(zip(self.options, self.spaces, strict=True)) if any(self.spaces) else list(self.options)
        return f"choice({options!r}{_settings_repr(self)})"

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
        """Return the middles of the intervals of options, shape (n,); raises InputError for other values."""
        return np.array([(self.index(value) + 0.5) / len(self.options) for value in values])

    def index(self, value: Option) -> int:
        """Return the position of an option; raises InputError for any other value."""
        for i, option in enumerate(self.options):
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return i
        raise InputError(f"{value!r} is not one of {list(self.options)!r}")


Hyperparameter = Real | Integer | Choice


def _check_tier(tier: int) -> None:
    if tier not in (1, 2, 3):
        raise InputError(f"tier must be 1, 2 or 3, got {tier!r}")


def _check_number(number: Real | Integer) -> None:
    """Raise InputError for a tier, bounds or a default that a real number or integer cannot have."""
    _check_tier(number.tier)
    try:
        finite = math.isfinite(number.low) and math.isfinite(number.high)
    except TypeError:
        finite = False
    if not finite:
        raise _bounds_error(number, "finite numbers")
    if number.low > number.high:
        raise _bounds_error(number, "in ascending order", "swapping them")
    if number.default is not None and not number.low <= number.default <= number.high:
        raise InputError(
            f"default of {number.kind} must be in [{number.low!r}, {number.high!r}], got {number.default!r}"
        )


def _bounds_error(number: Real | Integer, requirement: str, remedy: str = "") -> InputError:
    low, high = number.low, number.high
    return InputError(
        f"{number.kind} bounds must be {requirement}, got {low=}, {high=}" + (remedy and f"; try {remedy}")
    )


def _clip_to_bounds(number: Real | Integer, values: Iterable[float]) -> Array:
    """Return values as floats, shape (n,), clipped where rounding took them out; raises InputError for others."""
    try:
        array = np.asarray(list(values), dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{number!r} takes numbers, got {values!r}") from None
    slack = 1e-12 * max(abs(number.low), abs(number.high))
    outside = ~((array >= number.low - slack) & (array <= number.high + slack))
    if outside.any():
        raise InputError(f"{number!r} takes values within its bounds, got {array[outside][0]:g}")
    fractional = array != np.floor(array)
    if isinstance(number, Integer) and fractional.any():
        raise InputError(f"{number!r} takes integers, got {array[fractional][0]:g}")
    clipped: Array = np.clip(array, number.low, number.high)
    return clipped


def _settings_repr(hyperparameter: Hyperparameter) -> str:
    tier = "" if hyperparameter.tier == 2 else f", tier={hyperparameter.tier}"
    return tier if hyperparameter.default is None else f"{tier}, default={hyperparameter.default!r}"


def _number_repr(number: Real | Integer) -> str:
    return f"{number.kind}({number.low!r}, {number.high!r}{_settings_repr(number)})"
