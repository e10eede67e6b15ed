"""One hyperparameter: a monotone map between [0, 1] and its values, or a list of options.

`Real`, `Integer` and `Choice` are plain values: frozen, comparable, with a repr that recreates them. Users create them
with the functions in `constructors.py`. All bounds are inclusive.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space.scales import LINEAR, LOG, REVERSE_LOG, Array, Scale, quantiles
from caviar.space.values import identity, named

REAL_KINDS = {"uniform": LINEAR, "loguniform": LOG, "reverseloguniform": REVERSE_LOG}
INTEGER_KINDS = {"randint": LINEAR, "lograndint": LOG}
_SCALES = REAL_KINDS | INTEGER_KINDS

Option = Any  # of a choice: whatever the user's own code takes
SubSpace = Mapping[str, Any]  # hyperparameters and constants by name


@dataclass(frozen=True, repr=False)
class _Number:
    """What real numbers and integers have in common."""

    kind: str
    low: float
    high: float
    tier: int = 2
    default: float | None = None
    step: float | None = None  # between neighbouring values, counted from `low`; None: every number in the bounds
    distribution: tuple[Any, ...] = ()  # a name in `scipy.stats`, and its parameters; () unless kind is "distribution"

    categorical = False

    def __post_init__(self) -> None:
        _check_tier(self.tier)
        for name in ("low", "high", "default", "step"):  # NumPy's numbers as Python's, which a journal can hold
            if isinstance(value := getattr(self, name), np.generic):
                object.__setattr__(self, name, value.item())
        try:
            finite = math.isfinite(self.low) and math.isfinite(self.high)
        except TypeError:
            finite = False
        if not finite:
            raise self._bounds_error("finite numbers")
        if self.low > self.high:
            raise self._bounds_error("in ascending order", "swapping them")
        if self.kind == "loguniform" and self.low <= 0:
            raise self._bounds_error("> 0", "low=1e-6 or uniform")
        if self.kind == "lograndint" and self.low < 1:
            raise self._bounds_error("> 0", "low=1 or randint")
        if self.kind == "reverseloguniform" and self.high >= 1:
            raise self._bounds_error("< 1", "high=0.999 or uniform")
        self._end_at_a_step()
        if self.default is not None and not self.low <= self.default <= self.high:
            raise InputError(f"default of {self.kind} must be in [{self.low!r}, {self.high!r}], got {self.default!r}")

    def __repr__(self) -> str:
        settings = _settings_repr(self.tier, self.default)
        if self.distribution:
            arguments = ", ".join(map(repr, self.distribution))
            whole = quantiles(*self.distribution)
            bounds = "" if (self.low, self.high) == whole[1:3] else f", low={self.low!r}, high={self.high!r}"
            return f"distribution({arguments}{bounds}{settings})"
        step = "" if self.step == type(self).step else f", step={self.step!r}"
        return f"{self.kind}({self.low!r}, {self.high!r}{step}{settings})"

    @property
    def levels(self) -> float:
        """The number of different values; infinity without steps."""
        if self.low == self.high:
            return 1.0
        return math.inf if self.step is None else float(round((self.high - self.low) / self.step) + 1)

    @property
    def ends(self) -> tuple[float, float]:
        """The values at 0 and 1: the bounds, or half a step beyond them, so that they get a full share."""
        half = (self.step or 0.0) / 2
        return self.low - half, self.high + half

    def values(self, unit: Array) -> Array:
        """Return the values, as floats, at points of [0, 1]; both have shape (n,)."""
        return self.nearest(self.scale.values(unit, *self.ends))

    def units(self, values: Iterable[float]) -> Array:
        """Return the points of [0, 1] of values, shape (n,), the middles of their intervals if there are steps.

        Raises InputError for a value out of bounds or between two steps.
        """
        clipped = self._clip_to_bounds(values)
        nearest = self.nearest(clipped)
        between = abs(nearest - clipped) > 1e-9 * (self.step or math.inf)
        if between.any():
            wanted = "integers" if self.step == 1 else f"values in steps of {self.step!r}"
            raise InputError(f"{self!r} takes {wanted}, got {clipped[between][0]:g}")
        return self.scale.units(nearest, *self.ends)

    def nearest(self, values: Array) -> Array:
        """Return the nearest values that it can have, shape (n,)."""
        if self.step is None:
            return values
        steps = np.floor((values - self.low) / self.step + 0.5)
        nearest = self.low + steps * self.step
        if isinstance(self, Real):
            nearest = np.where(steps == 0, self.low, np.round(nearest, self._digits))  # 0.3, not 3 * 0.1
        return np.clip(nearest, self.low, self.high)

    @property
    def scale(self) -> Scale:
        """The scale on which it is explored."""
        return quantiles(*self.distribution).scale if self.distribution else _SCALES[self.kind]

    def _end_at_a_step(self) -> None:
        """Check the step, and lower `high` to the last value that whole steps from `low` reach."""
        if self.step is None:
            return
        number = isinstance(self.step, int | float) and not isinstance(self.step, bool)
        if not (number and 0 < self.step < math.inf and (isinstance(self, Real) or _is_integer(self.step))):
            wanted = "a number > 0" if isinstance(self, Real) else "an integer >= 1"
            raise InputError(f"step of {self.kind} must be {wanted}, got {self.step!r}")
        if self.scale is LOG and self.low < self.step * (1 - 1e-9):
            raise InputError(f"low of {self.kind} must be >= step, got low={self.low!r}, step={self.step!r}")
        if self.scale is REVERSE_LOG:
            raise InputError(f"{self.kind} must have no step, got step={self.step!r}; try choice or uniform")
        high = self.low + math.floor((self.high - self.low) / self.step + 1e-6) * self.step
        object.__setattr__(self, "high", high if isinstance(self, Integer) else round(high, self._digits))

    @property
    def _digits(self) -> int:
        """The decimals of 12 significant digits."""
        return 11 - math.floor(math.log10(max(abs(self.low), abs(self.high), self.step or 0.0)))

    def _bounds_error(self, requirement: str, remedy: str = "") -> InputError:
        bounds = f"low={self.low!r}, high={self.high!r}"
        return InputError(f"{self.kind} bounds must be {requirement}, got {bounds}" + (remedy and f"; try {remedy}"))

    def _clip_to_bounds(self, values: Iterable[float]) -> Array:
        """Return values as floats, shape (n,), clipped if out of bounds by rounding; raise InputError for others."""
        try:
            array = np.asarray(list(values), dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"{self!r} takes numbers, got {values!r}") from None
        slack = 1e-12 * max(abs(self.low), abs(self.high))
        outside = ~((array >= self.low - slack) & (array <= self.high + slack))
        if outside.any():
            raise InputError(f"{self!r} takes values within its bounds, got {array[outside][0]:g}")
        clipped: Array = np.clip(array, self.low, self.high)
        return clipped


@dataclass(frozen=True, repr=False)
class Real(_Number):
    """A real number in [low, high], explored evenly on the scale of its kind.

    >>> Real("loguniform", 1e-4, 1.0).values(np.array([0.5]))
    array([0.01])
    """


@dataclass(frozen=True, repr=False)
class Integer(_Number):
    """An integer in low..high, both included, in steps; each has its own interval of [0, 1].

    >>> Integer("randint", 1, 4).values(np.array([0.0, 0.3, 1.0]))
    array([1., 2., 4.])
    """

    low: int
    high: int
    default: int | None = None
    step: int = 1

    def __post_init__(self) -> None:
        if not (_is_integer(self.low) and _is_integer(self.high)):
            raise self._bounds_error("integers", "uniform")
        if self.default is not None and not _is_integer(self.default):
            raise InputError(f"default of {self.kind} must be an integer, got {self.default!r}")
        super().__post_init__()


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
        _check_tier(self.tier)
        if not options:
            raise InputError("choice must have at least one option, got []; try choice([32, 64])")
        if any(isinstance(option, float) and math.isnan(option) for option in options):
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
                f"got {list(self.options)!r:.200}; try sorting them, or randint for a position in the list"
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
        return f"choice({options!r}{_settings_repr(self.tier, self.default)}{order})"

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
        return np.array([(self.index(value) + 0.5) / len(self.options) for value in values])

    def index(self, value: Option) -> int:
        """Return the position of an option, of the same type if several are equal; InputError for any other value."""
        equal = [i for i, option in enumerate(self.options) if are_equal(option, value)]
        if len(equal) > 1:
            wanted = identity(value)
            equal = [i for i in equal if identity(self.options[i]) == wanted] or equal
        if equal:
            return equal[0]
        raise InputError(f"{value!r} is not one of {list(self.options)!r:.200}")


Hyperparameter = Real | Integer | Choice


def are_equal(option: Option, value: Option) -> bool:
    """Return whether a value is an option; a boolean is no number.

    >>> are_equal(1, 1.0), are_equal(1, True)
    (True, False)
    """
    if option is value:
        return True
    try:
        return bool(option == value) and isinstance(option, bool) == isinstance(value, bool)
    except Exception:  # arrays and the like raise for ==, or for its truth
        return False


def are_ascending(options: Sequence[Option]) -> bool:
    """Return whether options are numbers, two or more, each above the one before; a boolean is no number.

    >>> are_ascending([32, 64, 128]), are_ascending([64, 32]), are_ascending([False, True])
    (True, False, False)
    """
    kinds = int | float | np.integer | np.floating
    numbers = all(isinstance(option, kinds) and not isinstance(option, bool) for option in options)
    return numbers and len(options) > 1 and all(a < b for a, b in itertools.pairwise(options))


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _check_tier(tier: int) -> None:
    if tier not in (1, 2, 3):
        raise InputError(f"tier must be 1, 2 or 3, got {tier!r}")


def _settings_repr(tier: int, default: Option) -> str:
    return ("" if tier == 2 else f", tier={tier}") + ("" if default is None else f", default={default!r}")
