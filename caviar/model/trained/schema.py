"""What a model takes and what it gives: the columns of a table, how they become features, and the target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.preparation.preparation import Preparation
from caviar.data.source import Task
from caviar.data.validation import Label
from caviar.errors import InputError
from caviar.model.arrays import Array

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it


@dataclass(frozen=True)
class Schema:
    """What models of one data set take and give.

    Args:
        name: of the data.
        task: "classification" or "regression".
        features: how many features the network takes.
        classes: the labels; () for regression.
        target: the column to predict; "" if it has no name.
        preparation: how raw rows become features; None: they are features.

    >>> from caviar.data.loaders import load_digits
    >>> Schema.of(load_digits()).features
    64
    """

    name: str
    task: Task
    features: int
    classes: tuple[Label, ...] = ()
    target: str = ""
    preparation: Preparation | None = None

    def __post_init__(self) -> None:
        if self.task not in get_args(Task) or (self.task == "classification") != (len(self.classes) > 1):
            raise ValueError(f"a model for {self.task} cannot have {len(self.classes)} classes")
        if self.preparation is not None and len(self.preparation.features) != self.features:
            raise ValueError(f"the preparation does not give {self.features} features")

    @classmethod
    def of(cls, dataset: Dataset) -> "Schema":
        """Return the schema of a data set's models."""
        data = dataset
        return cls(data.name, data.task, data.features, data.classes, data.target, data.preparation)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a raw row, in order; their numbers if they have no names."""
        if self.preparation is None:
            return tuple(map(str, range(self.features)))
        return tuple(column.name for column in self.preparation.columns)

    @property
    def has_names(self) -> bool:
        """Whether the columns have names."""
        return self.columns != tuple(map(str, range(len(self.columns))))

    def prepare(self, rows: object) -> Array:
        """Return the features, (n, features), of raw rows.

        Args:
            rows: a DataFrame with the columns by name, in any order, or an array with the columns in order.
        """
        table = self._table(rows)
        try:
            if self.preparation is None:
                features: Array = table.to_numpy(np.float32)
            else:
                features = self.preparation.transform(table)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise InputError(f"the rows are not like those that the model was trained on: {error}") from None
        if not np.isfinite(features).all():
            raise InputError(self._not_finite(features))
        return features

    def _table(self, rows: object) -> "pd.DataFrame":
        """The rows as a table that has the columns, by name."""
        import pandas as pd

        if hasattr(rows, "to_pandas"):  # a table of Polars or Arrow
            rows = rows.to_pandas()
        if isinstance(rows, pd.DataFrame):
            table = rows.rename(columns=str)
            missing = [name for name in self.columns if name not in table.columns]
            if not missing:
                return _unique(table[list(self.columns)])
            if self.has_names:
                raise InputError(
                    f"the rows have no column {', '.join(map(repr, missing))}; the model was trained on "
                    f"{', '.join(map(repr, self.columns))}"
                )
        else:
            if np.ndim(cast(Any, rows)) != 2:
                shape = np.shape(cast(Any, rows))
                raise InputError(f"rows must be a table of two dimensions, got shape {shape}; for one row, try [row]")
            table = pd.DataFrame(rows).infer_objects()  # type: ignore[call-overload]
        if table.shape[1] != len(self.columns):
            raise InputError(
                f"the rows have {table.shape[1]} columns, but the model was trained on {len(self.columns)}: "
                f"{', '.join(self.columns[:20])}{', ...' * (len(self.columns) > 20)}"
            )
        return table.set_axis(list(self.columns), axis=1)

    def _not_finite(self, features: Array) -> str:
        number = int(np.flatnonzero(~np.isfinite(features).all(axis=0))[0])
        slices = {} if self.preparation is None else self.preparation.slices
        name = next((name for name, part in slices.items() if part.start <= number < part.stop), str(number))
        count = int((~np.isfinite(features[:, number])).sum())
        return f"column {name!r} has {count} missing, infinite or too large values; fill them in or drop those rows"

    def to_plain(self) -> dict[str, Any]:
        """Return the schema as plain data that JSON can hold."""
        preparation = None if self.preparation is None else self.preparation.to_plain()
        return {**vars(self), "classes": list(self.classes), "preparation": preparation}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Schema":
        """Return the schema that `to_plain` wrote."""
        preparation = plain["preparation"] and Preparation.from_plain(plain["preparation"])
        return cls(**{**plain, "classes": tuple(plain["classes"]), "preparation": preparation})


def _unique(table: "pd.DataFrame") -> "pd.DataFrame":
    """The table; raise InputError if it has two columns of one name."""
    if table.columns.has_duplicates:
        name = table.columns[table.columns.duplicated()][0]
        raise InputError(f"the rows have the column {name!r} twice; rename one of them")
    return table
