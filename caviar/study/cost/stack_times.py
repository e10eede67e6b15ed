"""How long stacks take that train in a run, from what its stacks have taken so far."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from caviar.space.scales import Array
from caviar.study.cost.regression import Features, Regression
from caviar.study.cost.timetable import makespan
from caviar.study.cost.trained import Part

FeaturesOf = Callable[[Sequence[Part]], Features]


@dataclass(frozen=True, eq=False)
class StackTimes:
    """The seconds of parts, as a regression, and how far the stacks that have trained differ from it.

    Args:
        features_of: the features of parts.
        regression: of the log of the seconds that a unit of a part takes its stack.
        residuals: of that log, by the first trial of a stack.
        variance: of the log of the seconds of a trial, because trials differ.
    """

    features_of: FeaturesOf
    regression: Regression
    residuals: Mapping[int, float]
    variance: float

    @classmethod
    def fit(cls, features_of: FeaturesOf, parts: Sequence[Part], seconds: Sequence[float]) -> "StackTimes":
        """Return the times that follow from parts, at least one, and the seconds that a unit of each took."""
        features, logs = features_of(parts), np.log(seconds)
        regression = Regression.fit(features, logs)
        residuals = (logs - regression.expected(features)).tolist()
        of_trials = logs - np.log([part.width for part in parts])
        by_stack = dict(zip((part.trial for part in parts), residuals, strict=True))
        return cls(features_of, regression, by_stack, float(of_trials.var()))

    def expected(self, parts: Sequence[Part]) -> Array:
        """Return the seconds that a unit of each part is expected to take, shape (n,)."""
        logs = self.regression.expected(self.features_of(parts))
        return np.exp(logs + [self.residuals.get(part.trial, 0.0) for part in parts])

    def draw(self, stacks: Sequence[Sequence[Part]], workers: int, count: int, generator: np.random.Generator) -> Array:
        """Return equally likely seconds in which trainers train the parts of stacks, shape (count,)."""
        parts = [part for stack in stacks for part in stack]
        if not parts:
            return np.zeros(count)
        drawn = np.exp(self.regression.draw(self.features_of(parts), count, generator))
        known = [part.trial in self.residuals for part in parts]
        drawn[:, known] = self.expected(parts)[known]
        starts = np.cumsum([0, *map(len, stacks)])[:-1][[bool(stack) for stack in stacks]]
        seconds = np.add.reduceat(drawn * [part.units for part in parts], starts, axis=1)
        return np.array([makespan(row, workers) for row in seconds.tolist()])
