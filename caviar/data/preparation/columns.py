"""What a column of a table becomes: numbers for the network, by values that were learned from the training rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from caviar.data.preparation.cells import Kind, check_empty, each_once, instants, levels, numbers
from caviar.data.preparation.scaling import Features, standardise
from caviar.data.validation import Floats

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it

EDGE = 1e-7 - np.spacing(1)  # the least share whose normal quantile counts, as in QuantileTransformer
CYCLES = {"month": 12, "weekday": 7, "hour": 24}
_DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")


class Column(Protocol):
    """How one column of a table is encoded."""

    @property
    def name(self) -> str:
        """The name of the column."""

    @property
    def kind(self) -> Kind:
        """What its cells are read as from a file."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that it becomes."""

    def encode(self, values: "pd.Series", out: Features) -> None:
        """Write the features of a column's values, (rows,), into `out`, (rows, features)."""


def missing_name(name: str) -> str:
    """Return the name of the feature that is 1 where a cell is missing."""
    return f"{name}=(missing)"


def _names(name: str, indicator: bool) -> tuple[str, ...]:
    return (name, missing_name(name)) if indicator else (name,)


@dataclass(frozen=True)
class Number:
    """A column of numbers or booleans: (value - mean) / scale.

    Args:
        name: of the column.
        mean, scale: in its unit.
        fill: what a missing value is taken for; None: the mean.
        indicator: whether a second feature is 1 where a value is missing.
        kind: what its cells are read as from a file.

    >>> import pandas as pd
    >>> column, out = Number("width", mean=2.0, scale=0.5), np.zeros((2, 1), np.float32)
    >>> column.encode(pd.Series([2.0, 3.0]), out)
    >>> out.ravel()
    array([0., 2.], dtype=float32)
    """

    name: str
    mean: float
    scale: float
    fill: float | None = None
    indicator: bool = False
    kind: Kind = "number"

    @property
    def features(self) -> tuple[str, ...]:
        return _names(self.name, self.indicator)

    def encode(self, values: "pd.Series", out: Features) -> None:
        standardise([self], numbers(values)[:, None], out)


@dataclass(frozen=True)
class Quantiles:
    """A column of numbers with heavy tails: each becomes the normal quantile of its rank, then (z - mean) / scale.

    Args:
        quantiles: of the training rows, at equal steps from the smallest to the largest.
        mean, scale, fill: as of a `Number`, of the normal quantiles.
    """

    name: str
    quantiles: tuple[float, ...]
    mean: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    indicator: bool = False
    kind: Kind = "number"

    def __post_init__(self) -> None:
        if not self.quantiles:
            raise ValueError(f"{self.name} has no quantiles")

    @property
    def features(self) -> tuple[str, ...]:
        return _names(self.name, self.indicator)

    def encode(self, values: "pd.Series", out: Features) -> None:
        standardise([self], self.normal(numbers(values))[:, None], out)

    def normal(self, values: Floats) -> Floats:
        """Return the normal quantiles of values, within about -5.2 to 5.2; NaN where a value is missing."""
        from scipy.special import ndtri

        quantiles = np.array(self.quantiles)
        values = np.where(np.isfinite(values), values, np.nan)
        ranks = np.linspace(0.0, 1.0, len(quantiles))
        shares = np.interp(values, quantiles, ranks)
        if (quantiles[1:] == quantiles[:-1]).any():
            # of several equal quantiles, the middle: from below and from above, as scikit-learn's QuantileTransformer
            shares = (shares - np.interp(-values, -quantiles[::-1], -ranks[::-1])) / 2
        shares = np.where(values <= quantiles[0], 0.0, np.where(values >= quantiles[-1], 1.0, shares))
        normals: Floats = np.clip(ndtri(shares), ndtri(EDGE), ndtri(1 - EDGE))
        return normals


@dataclass(frozen=True)
class Ordered:
    """A column whose levels have an order: the position of a level, standardised; other levels count as missing."""

    name: str
    levels: tuple[str, ...]
    mean: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    indicator: bool = False
    kind: Kind = "text"

    @property
    def features(self) -> tuple[str, ...]:
        return _names(self.name, self.indicator)

    def encode(self, values: "pd.Series", out: Features) -> None:
        standardise([self], self.positions(values)[:, None], out)

    def positions(self, values: "pd.Series") -> Floats:
        """Return the positions of the levels of cells, NaN for others."""
        codes, spellings = levels(values, self.kind)
        order = {level: float(position) for position, level in enumerate(self.levels)}
        return np.array([*(order.get(level, np.nan) for level in spellings), np.nan])[codes]


@dataclass(frozen=True)
class Category:
    """A column of levels, a feature for each, which is 1 for the rows that have it.

    Args:
        levels: that have a feature of their own.
        rare: whether one more feature stands for all other levels; otherwise such rows are 0 throughout.
        missing: whether one more feature stands for missing cells; otherwise they count as another level.
    """

    name: str
    levels: tuple[str, ...]
    rare: bool = False
    missing: bool = False
    kind: Kind = "text"

    @property
    def features(self) -> tuple[str, ...]:
        names = [f"{self.name}={level}" for level in self.levels]
        return (*names, *[f"{self.name}=(rare)"] * self.rare, *[missing_name(self.name)] * self.missing)

    def encode(self, values: "pd.Series", out: Features) -> None:
        out[:] = 0
        one_hot(self.places(values), out)

    def places(self, values: "pd.Series") -> NDArray[np.int32]:
        """Return which feature of each cell is 1; -1: none."""
        codes, spellings = levels(values, self.kind)
        places = {level: place for place, level in enumerate(self.levels)}
        other = len(self.levels) if self.rare else -1
        empty = len(self.levels) + self.rare if self.missing else other
        return np.array([*(places.get(level, other) for level in spellings), empty], np.int32)[codes]


def one_hot(places: NDArray[np.int32], out: Features) -> None:
    """Write a 1 into each row of zeros, (rows, features), at its place, (rows,), unless that is -1."""
    rows = np.flatnonzero(places >= 0)
    out[rows, places[rows]] = 1


@dataclass(frozen=True)
class Date:
    """A column of dates: the days since 1970, standardised, and places in cycles as sine and cosine.

    Args:
        mean, scale, fill: in days.
        cycles: of "month", "weekday" and "hour".
        form: how dates are written in text, as in `strptime`.
    """

    name: str
    mean: float
    scale: float
    fill: float
    indicator: bool = False
    cycles: tuple[str, ...] = ()
    form: str = "ISO8601"
    kind: Kind = "date"

    def __post_init__(self) -> None:
        if not set(self.cycles) <= set(CYCLES):
            raise ValueError(f"the cycles of {self.name} must be among {', '.join(CYCLES)}, got {self.cycles}")

    @property
    def features(self) -> tuple[str, ...]:
        waves = [f"{self.name} {cycle} ({wave})" for cycle in self.cycles for wave in ("sin", "cos")]
        return (*_names(self.name, self.indicator), *waves)

    def encode(self, values: "pd.Series", out: Features) -> None:
        out[:] = each_once(values, self._encoded)

    def _encoded(self, values: "pd.Series") -> Features:
        moments = instants(values, self.form)
        if np.isnat(moments).all():
            digits = values.astype(str).str.contains(r"\d")  # not such as "unknown", which is a gap
            check_empty(values[digits.to_numpy(bool)], self.name, "dates")
        out = np.empty((len(values), len(self.features)), np.float32)
        start = 1 + self.indicator
        standardise([self], days(moments)[:, None], out[:, :start])
        for place, cycle in enumerate(self.cycles):
            angle = in_cycle(moments, cycle) * (2 * np.pi / CYCLES[cycle])
            for shift, wave in enumerate((np.sin, np.cos)):
                out[:, start + 2 * place + shift] = np.nan_to_num(wave(angle))  # missing: the middle of the circle
        return out


def days(moments: NDArray[np.datetime64]) -> Floats:
    """Return the days since the start of 1970, NaN for NaT."""
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / _DAY)


def in_cycle(moments: NDArray[np.datetime64], cycle: str) -> Floats:
    """Return months 0 to 11, weekdays 0 (Monday) to 6 or hours 0 to 23; NaN for NaT.

    >>> in_cycle(np.array(["2024-03-05T14:30"], "datetime64[us]"), "weekday")
    array([1.])
    """
    unit, offset = {"month": ("M", 0), "weekday": ("D", 3), "hour": ("h", 0)}[cycle]  # 1970 started on a Thursday
    counts = moments.astype(f"datetime64[{unit}]").astype(np.int64) + offset
    return np.where(np.isnat(moments), np.nan, counts % CYCLES[cycle])


@dataclass(frozen=True)
class LeftOut:
    """A column that becomes no feature, and why."""

    name: str
    reason: str
    kind: Kind = "text"

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def encode(self, values: "pd.Series", out: Features) -> None:
        """Write nothing."""
