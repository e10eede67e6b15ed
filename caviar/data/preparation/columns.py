"""What a column of a table becomes: numbers for the network, by values that were learned from the training rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from caviar.data.validation import Floats

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it


class Column(Protocol):
    """How one column of a table is encoded."""

    @property
    def name(self) -> str:
        """The name of the column."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that it becomes."""

    def encode(self, values: "pd.Series", out: NDArray[np.float32]) -> None:
        """Write the features of a column's values, (rows,), into `out`, (rows, features)."""


@dataclass(frozen=True)
class Number:
    """A column of numbers: (value - mean) / scale.

    >>> import pandas as pd
    >>> column, out = Number("width", mean=2.0, scale=0.5), np.zeros((2, 1), np.float32)
    >>> column.encode(pd.Series([2.0, 3.0]), out)
    >>> out.ravel()
    array([0., 2.], dtype=float32)
    """

    name: str
    mean: float
    scale: float

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name,)

    def encode(self, values: "pd.Series", out: NDArray[np.float32]) -> None:
        numbers: Floats = values.to_numpy(np.float64)
        out[:, 0] = (numbers - self.mean) / self.scale
