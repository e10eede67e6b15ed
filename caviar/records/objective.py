"""What a study optimises: a metric, and which way is better. The one place that knows the sign."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from caviar._checks import check_string
from caviar.errors import InputError
from caviar.records.trial import CurvePoint

Mode = Literal["min", "max"]
_OTHER_NAMES = {"minimize": "min", "minimise": "min", "maximize": "max", "maximise": "max"}


@dataclass(frozen=True)
class Objective:
    """A metric to minimise or maximise.

    Args:
        metric: the name under which trials report it.
        mode: "min" or "max".

    >>> accuracy = Objective("val_accuracy", "max")
    >>> accuracy.to_minimise({"val_accuracy": 0.9}), accuracy.best([0.8, 0.9]), accuracy.held_out
    (-0.9, 0.9, 'test_accuracy')
    """

    metric: str
    mode: Mode

    def __post_init__(self) -> None:
        check_string("metric", self.metric)
        if self.mode not in ("min", "max"):
            here = _OTHER_NAMES.get(self.mode) if isinstance(self.mode, str) else None
            raise InputError(f"mode must be 'min' or 'max', got {self.mode!r}" + (f"; try {here!r}" if here else ""))

    @property
    def sign(self) -> int:
        """The factor that turns the metric into a value to minimise: 1 or -1."""
        return -1 if self.mode == "max" else 1

    @property
    def held_out(self) -> str | None:
        """The same metric on the test part, which no choice depends on; None if there is none."""
        return f"test_{self.metric.removeprefix('val_')}" if self.metric.startswith("val_") else None

    def to_minimise(self, metrics: Mapping[str, float]) -> float:
        """Return the metric of a report as a value to minimise; NaN if it is missing."""
        return self.sign * metrics.get(self.metric, math.nan)

    def along(self, curve: Sequence[CurvePoint], epochs: Iterable[int]) -> list[float]:
        """Return the values to minimise after some epochs of a curve; NaN where it ended before."""
        return [self.to_minimise(curve[epoch - 1].metrics) if epoch <= len(curve) else math.nan for epoch in epochs]

    def best(self, values: Iterable[float]) -> float:
        """Return the best of some values of the metric; NaN if there are none."""
        return self.sign * min((self.sign * value for value in values), default=math.nan)
