"""What a study is: the settings that, with the data, give the same table every time.

They are checked when they are created, before any work starts, and the first line of the journal holds them. A setting
with a default may be missing there, so a new one never makes an old journal unreadable.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from caviar._checks import check_integer_fields, check_string, did_you_mean
from caviar.data.source import Source
from caviar.errors import InputError, StorageError
from caviar.records import stopping
from caviar.records.early_stopping import Confirm, Halving
from caviar.records.objective import Objective
from caviar.records.trial import RESERVED_COLUMNS
from caviar.search import Budget, CoarseToFine, Grid, Random, Search, Sobol
from caviar.space import Space
from caviar.space.conditions import values_in
from caviar.space.serialization import from_plain, to_plain
from caviar.space.values import check_value

SEARCHES = ("coarse-to-fine", "random", "sobol", "grid")


@dataclass(frozen=True)
class Settings:
    """The settings of a study; see `caviar.Study` for what each means.

    >>> from caviar.data.source import SourceKind
    >>> from caviar.space import uniform
    >>> source, space = Source(SourceKind.ARRAYS), Space(x=uniform(0, 1))
    >>> settings = Settings("tiny", source, space, Objective("loss", "min"), Budget(8))
    >>> Settings.from_plain(settings.to_plain()) == settings
    True
    """

    name: str
    source: Source
    space: Space
    objective: Objective
    budget: Budget
    epochs: int = 20
    search: str = "coarse-to-fine"
    grow: bool = False
    confirm: Confirm | None = None
    early_stopping: Halving | None = None
    keep: int | None = None
    metrics: tuple[str, ...] = ()  # scikit-learn's scorers that the network reports
    stop: stopping.Stopping | None = None

    def __post_init__(self) -> None:
        check_string("name", self.name)
        check_integer_fields(self, "epochs")
        if not isinstance(self.space, Space):
            raise InputError(f"space must be a caviar.Space, got {self.space!r}; try Space(x=uniform(0, 1))")
        if self.search not in SEARCHES:
            raise InputError(f"search={self.search!r} is unknown{did_you_mean(self.search, SEARCHES)}")
        if self.keep is not None:
            check_integer_fields(self, "keep", minimum=0)
        if not isinstance(self.grow, bool):
            raise InputError(f"grow must be True or False, got {self.grow!r}")
        if self.budget.waves == "continuous" and self.early_stopping and not self.early_stopping.asynchronous:
            raise InputError("early_stopping='halving' waits for whole waves; use 'asha' with waves='continuous'")
        if self.budget.waves == "continuous" and self.stop is not None:
            raise InputError(
                f"stop is decided when a wave ends, got waves='continuous', stop={self.stop!r}; try waves='auto'"
            )
        if self.space.dimension == 0:
            raise InputError(f"nothing varies in {self.space!r}; give at least one hyperparameter a range")
        if self.objective.metric in RESERVED_COLUMNS:
            raise InputError(f"metric {self.objective.metric!r} has the name of a column of the table; rename it")
        for name, value in values_in(self.space):
            check_value(name, value)
        for name in self.space.names:
            if name in RESERVED_COLUMNS:
                raise InputError(f"hyperparameter {name!r} has the name of a column of the table; rename it")
            if name == self.objective.metric:
                raise InputError(f"hyperparameter {name!r} has the metric's name; rename one of them")
        if self.early_stopping and self.budget.waves == "auto":  # in an older journal, this means other waves
            waves = len(self.budget.sizes(self.space.dimension))
            object.__setattr__(self, "budget", replace(self.budget, waves=waves))

    def new_search(self) -> Search:
        """Return a new search for the study; raise InputError if its waves are impossible."""
        if self.search == "coarse-to-fine":
            return CoarseToFine(self.space, self.budget, grow=self.grow)
        kinds: dict[str, Callable[[Space, Budget], Search]] = {"random": Random, "sobol": Sobol, "grid": Grid}
        return kinds[self.search](self.space, self.budget)

    def more_waves(self, trials: int) -> tuple[int, ...]:
        """Return the sizes of the waves that so many more trials come in."""
        return Budget(trials).sizes(self.space.dimension)

    def to_plain(self) -> dict[str, Any]:
        """Return the settings as plain data, for the first line of a journal."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain |= {"source": self.source.to_plain(), "space": to_plain(self.space), "stop": stopping.to_plain(self.stop)}
        nested = Objective | Budget | Confirm | Halving
        return {name: asdict(value) if isinstance(value, nested) else value for name, value in plain.items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Settings":
        """Return the settings that `to_plain` wrote, defaults for missing ones; raise StorageError for unknown ones."""
        names = {field.name for field in fields(cls)}
        for name in plain:
            if name not in names:
                raise StorageError(f"the journal has an unknown setting {name!r}; open it with a newer Caviar")
        budget = Budget(**plain["budget"])
        halving = plain.get("early_stopping")  # that of an older journal has no `predicted`
        early_stopping = Halving(**{"predicted": False, **halving}) if halving else None
        if early_stopping and budget.waves == "auto":
            budget = replace(budget, waves=early_stopping.earlier_waves(budget.trials, plain["epochs"]))
        values = {
            **plain,
            "source": Source.from_plain(plain["source"]),
            "space": from_plain(plain["space"]),
            "objective": Objective(**plain["objective"]),
            "budget": budget,
            "confirm": Confirm(**plain["confirm"]) if plain.get("confirm") else None,
            "early_stopping": early_stopping,
            "metrics": tuple(plain.get("metrics", ())),
            "stop": stopping.from_plain(plain.get("stop")),
        }
        return cls(**values)
