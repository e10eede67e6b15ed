"""One hyperparameter: a monotone map between [0, 1] and its values, or a list of choices.

`Real`, `Integer` and `Choice` are plain values (frozen, comparable, with a repr that recreates them);
people write them with `uniform`, `loguniform`, `reverseloguniform`, `randint`, `lograndint` and `choice`,
the names that Ray Tune and Syne Tune use. Every bound is inclusive here.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.errors import InputError
from caviar.space.checks import check_bounds, check_default, check_tier, inside
from caviar.space.scales import LINEAR, LOG, REVERSE_LOG, Array, Scale

if TYPE_CHECKING:
    from caviar.space.space import Space

REAL_KINDS = {"uniform": LINEAR, "loguniform": LOG, "reverseloguniform": REVERSE_LOG}
INTEGER_KINDS = {"randint": LINEAR, "lograndint": LOG}


@dataclass(frozen=True, repr=False)
class Real:
    """A real number in [low, high], explored evenly on the scale of its kind."""

    kind: str
    low: float
    high: float
    tier: int = 2
    default: float | None = None

    categorical = False

    def __post_init__(self) -> None:
        check_tier(self)
        check_bounds(self)
        if self.kind == "loguniform" and self.low <= 0:
            raise InputError(f"{self!r}: a log scale starts above 0, got low={self.low}; try low=1e-6 or uniform")
        if self.kind == "reverseloguniform" and self.high >= 1:
            raise InputError(
                f"{self!r}: a reverse log scale ends below 1, got high={self.high}; try high=0.999 or uniform"
            )
        check_default(self)

    def __repr__(self) -> str:
        return _repr(self)

    @property
    def scale(self) -> Scale:
        return REAL_KINDS[self.kind]

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return 1.0 if self.low == self.high else math.inf

    def values(self, unit: Array) -> Array:
        """Points of [0, 1], shape (n,), to values, shape (n,)."""
        return self.scale.values(unit, self.low, self.high)

    def units(self, values: Iterable[Any]) -> Array:
        """Values, shape (n,), to points of [0, 1], shape (n,); raises InputError outside of the bounds."""
        return self.scale.units(inside(self, values), self.low, self.high)

    def widened(self, upper: bool) -> "Real":
        """The same hyperparameter with half its range more (on its scale) beyond the upper or lower bound."""
        start, end = self.scale.forward(np.array([self.low, self.high]))
        if upper:
            return replace(self, high=max(self.high, float(self.scale.inverse(end + (end - start) / 2))))
        return replace(self, low=min(self.low, float(self.scale.inverse(start - (end - start) / 2))))


@dataclass(frozen=True, repr=False)
class Integer:
    """A whole number in low..high, both included; every number owns an interval of [0, 1] of its own."""

    kind: str
    low: int
    high: int
    tier: int = 2
    default: int | None = None

    categorical = False

    def __post_init__(self) -> None:
        check_tier(self)
        for name, bound in (("low", self.low), ("high", self.high)):
            if isinstance(bound, bool) or not isinstance(bound, int | np.integer):
                raise InputError(f"{self.kind}: {name} is to be a whole number, got {bound!r}; try uniform")
        check_bounds(self)
        if self.kind == "lograndint" and self.low < 1:
            raise InputError(f"{self!r}: a log scale starts above 0, got low={self.low}; try low=1 or randint")
        check_default(self)

    def __repr__(self) -> str:
        return _repr(self)

    @property
    def scale(self) -> Scale:
        return INTEGER_KINDS[self.kind]

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return float(self.high - self.low + 1)

    def values(self, unit: Array) -> Array:
        """Points of [0, 1], shape (n,), to whole numbers as floats, shape (n,)."""
        # each number owns an interval half a unit to either side, so that the bounds get a full share
        real = self.scale.values(unit, self.low - 0.5, self.high + 0.5)
        return np.clip(np.floor(real + 0.5), self.low, self.high)

    def units(self, values: Iterable[Any]) -> Array:
        """Whole numbers, shape (n,), to the middles of their intervals, shape (n,)."""
        return self.scale.units(inside(self, values), self.low - 0.5, self.high + 0.5)

    def widened(self, upper: bool) -> "Integer":
        """The same hyperparameter with half its range more (on its scale) beyond the upper or lower bound."""
        start, end = self.scale.forward(np.array([self.low, self.high], dtype=float))
        if upper:
            high = max(self.high + 1, round(float(self.scale.inverse(end + (end - start) / 2))))
            return replace(self, high=high)
        low = min(self.low - 1, round(float(self.scale.inverse(start - (end - start) / 2))))
        floor = 1 if self.low >= 1 else 0 if self.low >= 0 else low  # counts stay counts
        return replace(self, low=max(low, floor))


@dataclass(frozen=True, repr=False)
class Choice:
    """One of several options without an order; an option may bring a `Space` that lives only under it."""

    options: tuple[Any, ...]
    tier: int = 2
    default: Any = None
    spaces: tuple["Space | None", ...] = ()

    kind = "choice"
    categorical = True

    def __post_init__(self) -> None:
        check_tier(self)
        if not self.options:
            raise InputError("choice: got no options; give at least one, such as choice([32, 64])")
        for option in self.options:
            if isinstance(option, float) and math.isnan(option):
                raise InputError("choice: NaN is no option; leave it out")
        if len({(type(option), repr(option)) for option in self.options}) < len(self.options):
            raise InputError(f"choice: an option stands twice in {list(self.options)!r}; name each once")
        if self.default is not None and self.default not in self.options:
            raise InputError(f"choice: default={self.default!r} is none of {list(self.options)!r}")

    def __repr__(self) -> str:
        shown: Any = list(self.options)
        if any(self.spaces):
            shown = dict(zip(self.options, self.spaces, strict=True))
        return f"choice({shown!r}{_extras(self)})"

    @property
    def levels(self) -> float:
        """How many options there are."""
        return float(len(self.options))

    def indices(self, unit: Array) -> Array:
        """Points of [0, 1], shape (n,), to indices of options as floats, shape (n,)."""
        return np.minimum(np.floor(unit * len(self.options)), len(self.options) - 1)

    def values(self, unit: Array) -> Array:
        """Points of [0, 1], shape (n,), to options, an object array of shape (n,)."""
        options = np.empty(len(self.options), dtype=object)
        options[:] = self.options
        chosen: Array = options[self.indices(unit).astype(int)]
        return chosen

    def units(self, values: Iterable[Any]) -> Array:
        """Options, shape (n,), to the middles of their intervals, shape (n,)."""
        return np.array([(self.index(value) + 0.5) / len(self.options) for value in values])

    def index(self, value: Any) -> int:
        """The position of an option; raises InputError for a value that is none of them."""
        for i, option in enumerate(self.options):
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return i
        raise InputError(f"{value!r} is none of the options {list(self.options)!r}")


Hyperparameter = Real | Integer | Choice


def uniform(low: float, high: float, *, tier: int = 2, default: float | None = None) -> Real:
    """A real number in [low, high], evenly on the linear scale.

    >>> uniform(0, 1).values(np.array([0.0, 0.25, 1.0]))
    array([0.  , 0.25, 1.  ])
    """
    return Real("uniform", low, high, tier, default)


def loguniform(low: float, high: float, *, tier: int = 2, default: float | None = None) -> Real:
    """A real number in [low, high] with low > 0: value = 10^r, r uniform in [log10 low, log10 high].

    >>> loguniform(1e-4, 1, tier=1).values(np.array([0.25, 0.75]))
    array([0.001, 0.1  ])
    """
    return Real("loguniform", low, high, tier, default)


def reverseloguniform(low: float, high: float, *, tier: int = 2, default: float | None = None) -> Real:
    """A real number in [low, high] with high < 1 whose distance from 1 is explored on the log scale.

    For beta in 0.9..0.999 the windows 1 / (1 - beta) of 10..1000 get equal shares per decade.

    >>> reverseloguniform(0.9, 0.999).values(np.array([0.0, 0.5, 1.0]))
    array([0.9  , 0.99 , 0.999])
    """
    return Real("reverseloguniform", low, high, tier, default)


def randint(low: int, high: int, *, tier: int = 2, default: int | None = None) -> Integer:
    """A whole number in low..high, **both included**, as Python's `random.randint`.

    Ray Tune's `randint` and NumPy's leave out `high`; here `randint(50, 100)` can give 100.
    """
    return Integer("randint", low, high, tier, default)


def lograndint(low: int, high: int, *, tier: int = 2, default: int | None = None) -> Integer:
    """A whole number in low..high, **both included**, on the log scale (Ray Tune's leaves out `high`)."""
    return Integer("lograndint", low, high, tier, default)


def choice(options: "Iterable[Any] | Mapping[Any, Space | None]", *, tier: int = 2, default: Any = None) -> Choice:
    """One of several options without an order.

    Args:
        options: the options; or a dict from each option to a `Space` (or None) that lives only under it:
            `choice({"adam": Space(beta2=...), "momentum": None})`. Its columns are empty elsewhere.
        tier: the priority, 1 (first) to 3.
        default: the option that `Space.tiers` fixes it at; the first one if left out.
    """
    if isinstance(options, Mapping):
        return Choice(tuple(options), tier, default, tuple(options.values()))
    if isinstance(options, str):
        raise InputError(f"choice: got the string {options!r}; give a list, such as choice([{options!r}])")
    listed = tuple(options)
    return Choice(listed, tier, default, (None,) * len(listed))


def default_of(hyperparameter: Hyperparameter) -> Any:
    """The value to fix a hyperparameter at: its `default`, else its scale's middle or the first option."""
    if hyperparameter.default is not None:
        return hyperparameter.default
    if isinstance(hyperparameter, Choice):
        return hyperparameter.options[0]
    middle = hyperparameter.values(np.array([0.5])).item()
    return int(middle) if isinstance(hyperparameter, Integer) else middle


def _extras(hyperparameter: Hyperparameter) -> str:
    default = "" if hyperparameter.default is None else f", default={hyperparameter.default!r}"
    return ("" if hyperparameter.tier == 2 else f", tier={hyperparameter.tier}") + default


def _repr(hyperparameter: Real | Integer) -> str:
    return f"{hyperparameter.kind}({hyperparameter.low!r}, {hyperparameter.high!r}{_extras(hyperparameter)})"
