"""What a model takes and what it gives: the columns of a table, how they become features, and the target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from caviar._typed import typed
from caviar.data.dataset import Dataset
from caviar.data.preparation.preparation import Preparation
from caviar.data.source import Task
from caviar.data.validation import Label, as_array
from caviar.errors import InputError
from caviar.model.arrays import Array


@dataclass(frozen=True)
class Schema:
    """What models of one data set take and give.

    Args:
        name: of the data.
        task: "classification" or "regression".
        features: how many features the network takes.
        classes: the labels, in the order of the networks' outputs; () for regression.
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
        raw: Any = rows.to_pandas() if hasattr(rows, "to_pandas") else rows  # a table of Polars or Arrow
        if hasattr(raw, "columns"):
            raw = raw.rename(columns=str) if self._names(raw) else raw.to_numpy()
        if not hasattr(raw, "columns"):
            raw = self._array(raw)
        if self.preparation is not None:
            return self.preparation.transform(raw)
        features: Array = np.asarray(raw, np.float32)
        if not np.isfinite(features).all():
            number = int(np.flatnonzero(~np.isfinite(features).all(axis=0))[0])
            raise InputError(
                f"column {number} has missing, infinite or too large values; fill them in or drop the rows"
            )
        return features

    def _names(self, table: Any) -> bool:
        """Whether a table has the columns by name; columns whose names are numbers may be there in order instead."""
        return self.has_names or (
            self.preparation is not None and {c.name for c in self.preparation.used} <= set(map(str, table.columns))
        )

    def _array(self, rows: Any) -> Array:
        array: Array = as_array(rows, None if hasattr(rows, "dtype") else object)
        if array.ndim != 2:
            raise InputError(
                f"rows must be a DataFrame or an array of two dimensions, got a {type(rows).__name__} of shape "
                f"{array.shape}; for one row, try [row], or pandas.DataFrame([row]) if it has names"
            )
        if array.shape[1] != len(self.columns):
            raise InputError(
                f"the rows have {array.shape[1]} columns, but the model was trained on {len(self.columns)}: "
                f"{', '.join(self.columns[:20])}{', ...' * (len(self.columns) > 20)}"
            )
        return array

    def to_plain(self) -> dict[str, Any]:
        """Return the schema as plain data that JSON can hold."""
        preparation = None if self.preparation is None else self.preparation.to_plain()
        return {**vars(self), "classes": list(self.classes), "preparation": preparation}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Schema":
        """Return the schema that `to_plain` wrote; raise ValueError, KeyError or TypeError for anything else."""
        preparation = plain["preparation"] and Preparation.from_plain(plain["preparation"])
        if np.array(plain["classes"]).dtype.kind not in "biufU":
            raise ValueError(f"the classes cannot be {plain['classes']!r:.60}")
        return typed(cls, {**plain, "classes": tuple(plain["classes"]), "preparation": preparation})
