"""How the rows of a table become features: a frozen value, learned from the training rows and stored as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar.data.preparation.columns import Column, Number

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it

_KINDS = {"number": Number}


@dataclass(frozen=True)
class Preparation:
    """How each column of a table is encoded, in order; columns that are not named here are left out.

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
    def slices(self) -> dict[str, slice]:
        """Which features each column of the table becomes."""
        slices, start = {}, 0
        for column in self.columns:
            slices[column.name] = slice(start, start + len(column.features))
            start += len(column.features)
        return slices

    def transform(
        self, rows: "pd.DataFrame | ArrayLike", index: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return the features of rows, (rows, features).

        Args:
            rows: a table that has the columns by name, in any order, or an array with the columns in order.
            index: the numbers of the rows to transform; None: all.
        """
        import pandas as pd

        table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(np.asarray(rows), columns=self._names)
        count = len(table) if index is None else len(index)
        features = np.empty((count, len(self.features)), np.float32)
        for column in self.columns:
            values = table[column.name]
            column.encode(values if index is None else values.iloc[index], features[:, self.slices[column.name]])
        return features

    @property
    def _names(self) -> list[str]:
        return [column.name for column in self.columns]

    def to_plain(self) -> list[dict[str, Any]]:
        """Return the columns as plain data that JSON can hold."""
        kinds = {kind: name for name, kind in _KINDS.items()}
        return [{"kind": kinds[type(column)], **asdict(column)} for column in self.columns]  # type: ignore[call-overload,index]

    @classmethod
    def from_plain(cls, plain: list[Mapping[str, Any]]) -> "Preparation":
        """Return the preparation that `to_plain` wrote."""
        columns = [(_KINDS[values["kind"]], {k: v for k, v in values.items() if k != "kind"}) for values in plain]
        return cls(tuple(kind(**values) for kind, values in columns))
