"""What a study is: the settings that, with the data, give the same table every time.

They are checked when they are made, before anything is started, and stand in the first line of the journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from caviar._checks import check_integer, did_you_mean
from caviar.errors import InputError
from caviar.records.trial import RESERVED_COLUMNS
from caviar.space.serialization import from_plain, to_plain
from caviar.space.space import Space
from caviar.study.halving import Halving, halving_of

SEARCHES = ("coarse-to-fine", "random", "sobol", "grid")


@dataclass(frozen=True)
class Settings:
    """The settings of a study; see `Study` for what each means."""

    name: str
    data: Mapping[str, Any]  # where the data come from, and their fingerprint
    space: Space
    metric: str
    mode: str
    trials: int
    waves: int | tuple[int, ...] | str
    seed: int
    epochs: int
    search: str
    same_shape: int
    confirm: tuple[int, int] | None = None  # how many of the best are trained again, and how often
    early_stopping: Halving | None = None

    def __post_init__(self) -> None:
        for name in ("name", "metric"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name}={getattr(self, name)!r}: a {name} is a text")
        if not isinstance(self.space, Space):
            raise InputError(f"space={self.space!r}: make it a caviar.Space(name=caviar.uniform(low, high), ...)")
        if self.mode not in ("min", "max"):
            raise InputError(f"mode={self.mode!r}: it is 'min' or 'max'")
        if self.search not in SEARCHES:
            raise InputError(f"search={self.search!r} is unknown{did_you_mean(self.search, SEARCHES)}")
        for name in ("trials", "epochs", "same_shape"):
            check_integer(name, getattr(self, name))
        if self.waves == "continuous" and self.early_stopping and not self.early_stopping.asynchronous:
            raise InputError("early_stopping='halving' waits for whole waves; with waves='continuous' use 'asha'")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise InputError(f"seed={self.seed!r}: a seed is a whole number from 0 on")
        if self.space.dimension == 0:
            raise InputError(f"nothing varies in {self.space!r}; give at least one hyperparameter a range")
        for name in self.space.names:
            if name in RESERVED_COLUMNS or name == self.metric:
                what = "a column of the table" if name in RESERVED_COLUMNS else "as the metric is"
                raise InputError(f"a hyperparameter cannot be named {name!r}, {what}; rename it")

    def as_record(self) -> dict[str, Any]:
        """The settings as plain data, for the first line of the journal."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        stopping = self.early_stopping and self.early_stopping.as_record()
        plain = {"space": to_plain(self.space), "grow": self.space.grow, "data": dict(self.data)}
        return record | plain | {"early_stopping": stopping}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Settings":
        """The settings that the first line of a journal holds."""
        space = from_plain(record["space"])
        space.grow = record["grow"]
        known = {field.name: record[field.name] for field in fields(cls)}
        tuples = {name: tuple(known[name]) for name in ("waves", "confirm") if isinstance(known[name], list)}
        return cls(**{**known, **tuples, "space": space, "early_stopping": halving_of(record["early_stopping"])})
