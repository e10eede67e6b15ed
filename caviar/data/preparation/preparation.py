"""How the rows of a table become features: a frozen value, learned from the training rows and stored as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar._checks import did_you_mean
from caviar._typed import typed
from caviar.data.preparation.cells import BLOCK_CELLS, Index, Kind, blocks
from caviar.data.preparation.columns import (
    Category,
    Column,
    Date,
    LeftOut,
    Number,
    Ordered,
    Quantiles,
)
from caviar.data.preparation.encoding import CHUNK_CELLS, compact, encode, gather
from caviar.data.validation import as_array, check_different
from caviar.errors import InputError, printable

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it

_TYPES: dict[str, type] = {
    "number": Number,
    "quantiles": Quantiles,
    "ordered": Ordered,
    "category": Category,
    "date": Date,
    "left out": LeftOut,
}


@dataclass(frozen=True)
class Preparation:
    """How each column of a table is encoded, in the order of the table; unknown columns are ignored.

    >>> import pandas as pd
    >>> preparation = Preparation((Number("width", 2.0, 0.5),))
    >>> preparation.transform(pd.DataFrame({"width": [2.0, 3.0]})).ravel()
    array([0., 2.], dtype=float32)
    >>> Preparation.from_plain(preparation.to_plain()) == preparation
    True
    """

    columns: tuple[Column, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features, in the order of the columns of `transform`."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that become features."""
        return tuple(column for column in self.columns if column.features)

    @property
    def left_out(self) -> dict[str, str]:
        """Why each of the other columns is left out."""
        return {column.name: column.reason for column in self.columns if isinstance(column, LeftOut)}

    @property
    def kinds(self) -> dict[str, Kind]:
        """What the cells of each column that becomes features are read as from a file."""
        return {column.name: column.kind for column in self.used}

    @property
    def slices(self) -> dict[str, slice]:
        """Which features each column of the table becomes; columns that are left out are not there."""
        slices, start = {}, 0
        for column in self.used:
            slices[column.name] = slice(start, start + len(column.features))
            start += len(column.features)
        return slices

    def check_columns(self, table: "pd.DataFrame") -> tuple[str, ...]:
        """Return the names of columns that were not there in training; raise InputError if one is missing.

        >>> import pandas as pd
        >>> Preparation((Number("width", 2.0, 0.5),)).check_columns(pd.DataFrame({"Width": [1.0]}))
        Traceback (most recent call last):
        caviar.errors.InputError: the table has no column 'width'; did you mean 'Width'?
        """
        names = column_names(table)
        present = set(names)
        missing = [column.name for column in self.used if column.name not in present]
        if len(missing) == 1:
            raise InputError(f"the table has no column {missing[0]!r}{_similar(missing[0], names)}")
        if missing:
            raise InputError(f"the table lacks {len(missing)} columns: {shortened(missing)}; it has {shortened(names)}")
        known = {column.name for column in self.columns}
        return tuple(name for name in names if name not in known)

    def transform(self, rows: "pd.DataFrame | ArrayLike", index: Index = None) -> NDArray[np.float32]:
        """Return the features of rows, (rows, features), all finite.

        Args:
            rows: a table that has the columns by name, in any order, or an array with all columns, in order.
            index: the numbers of the rows to transform; None: all.
        """
        table, names = self._table(rows)
        positions = {name: position for position, name in enumerate(names)}
        slices, grouped = self.slices, groups(self.used)
        count = len(table) if index is None else len(index)
        features = np.empty((count, len(self.features)), np.float32)
        step = max(1, CHUNK_CELLS // max(features.shape[1], 1))
        for start in range(0, count, step):
            stop = min(start + step, count)
            if index is not None:
                part, chosen = table, index[start:stop]
            else:
                part, chosen = table[start:stop], None
            for group in grouped:
                out = features[start:stop, slices[group[0].name].start : slices[group[-1].name].stop]
                encode(group, part, [positions[column.name] for column in group], chosen, out)
        return features

    def use_up(self, held: "list[pd.DataFrame]", parts: Sequence[NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        """Return the features of parts of a table's rows, as `transform` does, and free its columns as it goes.

        So memory never holds the table and its features, which are smaller, at once.

        Args:
            held: the only reference to the table, which is taken from the list.
            parts: the row numbers of each.
        """
        table = held.pop()
        self.check_columns(table)
        rows, slices, width = len(table), self.slices, len(self.features)
        positions, encoded = _positions(table), list[str]()
        held_features: list[tuple[slice, NDArray[Any]]] = []
        for kind in groups(self.used):
            for block in blocks(rows, range(len(kind))):
                group = [kind[i] for i in block]
                places = [positions[column.name] for column in group]
                features = slice(slices[group[0].name].start, slices[group[-1].name].stop)
                held_features.append((features, compact(group, table, places, features.stop - features.start)))
                encoded += [column.name for column in group]
                if rows * len(encoded) >= BLOCK_CELLS:  # to free few cells takes as long as to free many
                    table = table.drop(columns=encoded)
                    positions, encoded = _positions(table), []
        return [gather(held_features, part, width) for part in parts]

    def _table(self, rows: "pd.DataFrame | ArrayLike") -> "tuple[pd.DataFrame | NDArray[Any], Sequence[str]]":
        if hasattr(rows, "iloc"):
            self.check_columns(rows)  # type: ignore[arg-type]
            return rows, column_names(rows)  # type: ignore[return-value,arg-type]
        array = as_array(rows)
        if array.ndim != 2 or array.shape[1] != len(self.columns):
            raise InputError(
                f"rows must be an array of shape (rows, {len(self.columns)}) or a table, got shape {array.shape}"
            )
        return array, [column.name for column in self.columns]

    def to_plain(self) -> list[dict[str, Any]]:
        """Return the columns as plain data that JSON can hold."""
        kinds = {kind: name for name, kind in _TYPES.items()}
        return [{"type": kinds[type(column)], **asdict(column)} for column in self.columns]  # type: ignore[call-overload]

    @classmethod
    def from_plain(cls, plain: list[Mapping[str, Any]]) -> "Preparation":
        """Return the preparation that `to_plain` wrote; raise ValueError for anything else."""
        return cls(tuple(map(_column, plain)))


def _positions(table: "pd.DataFrame") -> dict[str, int]:
    return {name: position for position, name in enumerate(column_names(table))}


def _column(plain: Mapping[str, Any]) -> Column:
    if not isinstance(plain, Mapping) or plain.get("type") not in [*_TYPES]:
        raise ValueError(f"{plain!r:.60} is not a column")
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items() if name != "type"}
    column: Column = typed(_TYPES[plain["type"]], values)
    if getattr(column, "scale", 1.0) == 0:
        raise ValueError(f"the scale of {column.name} cannot be 0")
    return column


def groups(columns: Sequence[Column]) -> list[list[Column]]:
    """Return the columns in order: neighbouring numbers together, all others one by one."""
    grouped: list[list[Column]] = []
    for kind, group in groupby(columns, type):
        members = list(group)
        grouped += [members] if kind is Number else [[column] for column in members]
    return grouped


def column_names(table: "pd.DataFrame") -> list[str]:
    """Return the names of a table's columns as text; raise InputError if two are the same."""
    names = [str(name) for name in table.columns]
    check_different(names, "the table")
    return names


def _similar(name: str, names: Sequence[str]) -> str:
    folded = [other for other in names if other.strip().lower() == name.strip().lower()]
    return f"; did you mean {folded[0]!r}?" if folded else did_you_mean(name, names)


def shortened(names: Sequence[str], most: int = 6) -> str:
    """Return names as a list of at most `most`.

    >>> shortened(["a", "b", "c", "d"], most=2)
    'a, b and 2 more'
    """
    rest = len(names) - most
    return ", ".join(map(printable, names[:most])) + (f" and {rest} more" if rest > 0 else "")
