"""Which rows a user may ask to be for validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caviar._checks import did_you_mean, plain_number
from caviar.errors import InputError

SHARE = 0.15  # of the rows, for validation and again for the test
_KEYS = ("fraction", "folds", "group", "time", "column", "table")


@dataclass(frozen=True)
class Validation:
    """How rows are chosen for validation.

    Args:
        fraction: the share of the rows, in (0, 0.5].
        folds: of cross-validation, >= 2; 0: there is none.
        group: the column whose rows of equal value stay together.
        time: the column whose last rows are for the test, and those before them for validation.
        column: the column that says "train", "validation" or "test".
        table: the file, or the DataFrame in memory, with the validation rows.

    >>> Validation.of({"group": "patient"})
    Validation(fraction=0.15, folds=0, group='patient', time='', column='', table=None)
    """

    fraction: float = SHARE
    folds: int = 0
    group: str = ""
    time: str = ""
    column: str = ""
    table: Any = None  # str, Path, DataFrame or None

    @classmethod
    def of(cls, value: object) -> "Validation":
        """Return what a user asks for: None, a fraction, a number of folds, a table, or a dict with one of the names.

        A dict may add a fraction or folds to "group", and a fraction to "time".
        """
        if value is None:
            return cls()
        value = _plain(value)
        if isinstance(value, bool) or not isinstance(value, int | float | Mapping):
            return cls(table=value)
        if not isinstance(value, Mapping):
            value = {"folds": value} if isinstance(value, int) else {"fraction": value}
        value = {key: _plain(setting) for key, setting in value.items()}
        for key in value:
            if key not in _KEYS:
                raise InputError(f"validation has no option {key!r}{did_you_mean(key, _KEYS)}")
        columns = {key: str(value[key]) for key in ("group", "time", "column") if isinstance(value.get(key), int)}
        chosen = cls(**{**value, **columns})
        chosen._check(set(value))
        return chosen

    def _check(self, keys: set[str]) -> None:
        if not (isinstance(self.fraction, int | float) and 0 < self.fraction <= 0.5):
            raise InputError(f"validation's fraction must be in (0, 0.5], got {self.fraction!r}")
        if "folds" in keys and (not isinstance(self.folds, int) or isinstance(self.folds, bool) or self.folds < 2):
            raise InputError(f"validation's folds must be an integer >= 2, got {self.folds!r}")
        for name in ("group", "time", "column"):
            if name in keys and not isinstance(getattr(self, name), str):
                raise InputError(f"validation's {name} must name a column, got {getattr(self, name)!r}")
        allowed = [{"group", "folds"}, {"group", "fraction"}, {"time", "fraction"}, *({key} for key in _KEYS)]
        if not keys:
            raise InputError(f"validation must say one of {', '.join(_KEYS)}, got {{}}; try 0.2")
        if keys not in allowed:
            raise InputError(f"validation cannot combine {' and '.join(sorted(keys))}; use one of them")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, which are no features."""
        return tuple(name for name in (self.group, self.time, self.column) if name)

    def to_plain(self) -> dict[str, Any]:
        """Return what differs from the default, as plain data, without the table."""
        names = [name for name in _KEYS if name != "table"]
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(Validation, name)}


def _plain(value: Any) -> Any:
    """Return a number as an integer or float, and other values as they are."""
    number = plain_number(value)
    return value if number is None else number
