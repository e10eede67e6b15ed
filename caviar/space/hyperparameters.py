"""One hyperparameter: a monotone map between [0, 1] and its values, or a list of options.

`Real`, `Integer` and `Choice` are plain values: frozen, comparable, with a repr that recreates them. Users create them
with the functions in `constructors.py`. All bounds are inclusive.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar._checks import plain_number
from caviar.errors import InputError
from caviar.space.options import Choice, Option, SubSpace, are_ascending, are_equal, check_tier, settings_repr
from caviar.space.scales import LINEAR, LOG, REVERSE_LOG, Array, Scale, quantiles

__all__ = [
    "INTEGER_KINDS",
    "REAL_KINDS",
    "Choice",
    "Hyperparameter",
    "Integer",
    "Option",
    "Real",
    "SubSpace",
    "are_ascending",
    "are_equal",
]

REAL_KINDS = {"uniform": LINEAR, "loguniform": LOG, "reverseloguniform": REVERSE_LOG}
INTEGER_KINDS = {"randint": LINEAR, "lograndint": LOG}
_SCALES = REAL_KINDS | INTEGER_KINDS


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
        check_tier(self.tier)
        for name in ("low", "high", "default", "step"):  # as integers and floats, which a journal can hold
            if (number := plain_number(getattr(self, name))) is not None:
                object.__setattr__(self, name, number)
        try:
            finite = all(isinstance(b, int | float) and math.isfinite(b) for b in (self.low, self.high))
        except OverflowError:
            finite = False
        if not finite:
            raise self._bounds_error("finite numbers")
        if not math.isfinite(float(self.high) - float(self.low)):
            raise self._bounds_error("less than 1.8e308 apart", "narrower ones")
        if self.low > self.high:
            raise self._bounds_error("in ascending order", "swapping them")
        if self.kind == "loguniform" and self.low <= 0:
            raise self._bounds_error("> 0", "low=1e-6 or uniform")
        if self.kind == "lograndint" and self.low < 1:
            raise self._bounds_error("> 0", "low=1 or randint")
        if self.kind == "reverseloguniform" and self.high >= 1:
            raise self._bounds_error("< 1", "high=0.999 or uniform")
        self._end_at_a_step()
        number = isinstance(self.default, int | float)
        if self.default is not None and not (number and self.low <= self.default <= self.high):
            raise InputError(f"default of {self.kind} must be in [{self.low!r}, {self.high!r}], got {self.default!r}")
        if self.default is not None and self.step is not None:
            self.units([self.default])  # raises for one between two steps

    def __repr__(self) -> str:
        settings = settings_repr(self.tier, self.default)
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
        if (digits := self._digits) is not None:
            nearest = np.where(steps == 0, self.low, np.round(nearest, digits))  # 0.3, not 3 * 0.1
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
            raise InputError(
                f"low of {self.kind} must be >= step, got low={self.low!r}, step={self.step!r}; try low={self.step!r}"
            )
        if self.scale is REVERSE_LOG:
            raise InputError(f"{self.kind} must have no step, got step={self.step!r}; try choice or uniform")
        if isinstance(self, Integer):  # which may be too large for floats
            high: float = self.high - (self.high - self.low) % self.step
        else:
            high = self.low + math.floor((self.high - self.low) / self.step + 1e-6) * self.step
            high = min(high, self.high) if (digits := self._digits) is None else round(high, digits)
        object.__setattr__(self, "high", high)

    @property
    def _digits(self) -> int | None:
        """The decimals to which values are rounded, those of 12 significant digits; None if steps need more."""
        if isinstance(self, Integer) or self.step is None:
            return None
        digits = 11 - math.floor(math.log10(max(abs(self.low), abs(self.high), self.step)))
        return digits if all(number == round(number, digits) for number in (self.low, self.step)) else None

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


Hyperparameter = Real | Integer | Choice


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
