"""What the winner of a study gets on the test part: rows that no trial has seen, looked at once, at the end."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from caviar.records.plain import instance, integer, number, numbers, optional, text, tuple_of


@dataclass(frozen=True)
class ColumnImportance:
    """How much worse the metric becomes when the values of a column are shuffled.

    Args:
        column: of the table, as it was before its preparation.
        mean, deviation: of the repeats, in the metric's unit; 0: the network does not need the column.
    """

    column: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class CalibrationBin:
    """Rows whose predicted classes have similar probabilities.

    Args:
        predicted: their mean probability.
        observed: the share of the rows that are of the predicted class.
        low, high: a 95% interval of that share.
        rows: how many there are, >= 1.
    """

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class ResidualQuantiles:
    """How far the actual values lie above the predicted ones, in the target's unit: quantiles over the rows."""

    q05: float
    q25: float
    q50: float
    q75: float
    q95: float


@dataclass(frozen=True)
class Evaluation:
    """The winner on the test part.

    Args:
        trial: the number of the winner.
        rows: of the test part.
        metric: the main metric, which the interval and the importances are about.
        metrics: every metric by name, each with the prefix `test_`.
        low, high: a 95% interval of the main metric, over the choice of rows; NaN if it is unknown.
        baseline: the same metrics of a prediction that ignores the columns: the shares of the classes in the training
            part, so the most frequent class, or the mean.
        columns: the importance of each column, the largest first; of the 50 largest if there are more than 200.
        labels: the classes as text, in the order of the confusion matrix; beyond 30, the rarest are one.
        confusion: how many rows of each class (first axis) were predicted to be of each class (second axis).
        calibration: bins of the probability of the predicted class, from low to high.
        calibration_error: the expected calibration error: the mean over the rows of |observed - predicted|.
        residuals: actual minus predicted values, for numbers.
        sample: pairs of an actual and a predicted value, for numbers, of at most 1,000 rows.

    >>> evaluation = Evaluation(3, 60, "test_rmse", {"test_rmse": 0.5}, 0.4, 0.6, {"test_rmse": 2.0})
    >>> Evaluation.from_plain(evaluation.to_plain()) == evaluation
    True
    """

    trial: int
    rows: int
    metric: str
    metrics: Mapping[str, float]
    low: float
    high: float
    baseline: Mapping[str, float]
    columns: tuple[ColumnImportance, ...] = ()
    labels: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    calibration_error: float | None = None
    residuals: ResidualQuantiles | None = None
    sample: tuple[tuple[float, float], ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Evaluation":
        """Return what `to_plain` wrote; raise ValueError, KeyError or TypeError for anything else."""
        return cls(**{name: _READ[name](value) for name, value in plain.items()})


# how plain values become those of an evaluation, by field
_READ: Mapping[str, Callable[[Any], Any]] = {
    "trial": integer,
    "rows": integer,
    "metric": text,
    "metrics": numbers,
    "low": number,
    "high": number,
    "baseline": numbers,
    "columns": tuple_of(instance(ColumnImportance)),
    "labels": tuple_of(text),
    "confusion": tuple_of(tuple_of(integer)),
    "calibration": tuple_of(instance(CalibrationBin)),
    "calibration_error": optional(number),
    "residuals": optional(instance(ResidualQuantiles)),
    "sample": tuple_of(lambda pair: (number(pair[0]), number(pair[1]))),
}
