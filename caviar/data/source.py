"""What a study trains, and where to find it again, as plain values that a journal can hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal

from caviar.errors import InputError

Task = Literal["classification", "regression"]


class SourceKind(StrEnum):
    """Where a study's data, function or program come from."""

    DIGITS = "digits"  # the data set that comes with Caviar
    TABLE = "table"  # a file, or a URL
    CSV = "csv"  # a file of numbers, in journals of earlier versions
    ARRAYS = "arrays"  # in memory only; must be passed again
    FUNCTION = "function"  # the user's own function, in a module
    COMMAND = "command"  # the user's own program

    @property
    def is_code(self) -> bool:
        """Whether it is the user's own code, and not data for the built-in network."""
        return self in (SourceKind.FUNCTION, SourceKind.COMMAND)


@dataclass(frozen=True)
class Source:
    """What a study trains, and where to find it again.

    Args:
        kind: where it comes from.
        path: the file or URL of the table; the folder from which the function's module is imported, "" for an installed
            one; or where the program runs.
        target: the column of the table to predict.
        task: the task requested when the data were loaded; None: inferred from the target.
        seed: for the split.
        function: "module:name"; "" for data and programs. A name in <> is one that the module does not hold.
        fingerprint: a hash of the data or of the source code, to detect changes; "" if unknown.
        command: of the program; "" for all else.
        options: how the table was read and prepared: the other arguments of `load_table`, as plain data.

    >>> Source.from_plain(Source(SourceKind.CSV, path="a.csv", target="y").to_plain()).target
    'y'
    """

    kind: SourceKind
    path: str = ""
    target: str = ""
    task: Task | None = None
    seed: int = 0
    function: str = ""
    fingerprint: str = ""
    command: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Return the kind, and the fields that differ from their defaults."""
        default = asdict(Source(self.kind))
        return {"kind": str(self.kind)} | {k: v for k, v in asdict(self).items() if v != default[k]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, object]) -> "Source":
        """Return the source that `to_plain` wrote; raises InputError for an unknown kind or field."""
        names = {field.name for field in fields(cls)}
        if plain.get("kind") not in set(SourceKind) or not set(plain) <= names:
            raise InputError(f"unknown data source {dict(plain)!r}; was it written by a newer Caviar?")
        values = {**plain, "kind": SourceKind(str(plain["kind"]))}
        return cls(**values)  # type: ignore[arg-type]


def how_to_pass_again(data: str) -> str:
    """Return how a user opens a study with its data once more.

    >>> how_to_pass_again("my.csv")
    "caviar resume FOLDER --data my.csv, or caviar.Study.open(FOLDER, data='my.csv')"
    """
    return f"caviar resume FOLDER --data {data}, or caviar.Study.open(FOLDER, data={data!r})"
