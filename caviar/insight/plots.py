"""The pictures of a study, `study.plot.parallel()` and so on: Plotly figures, each made from the study's tables."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from caviar.insight.figures import curves as progress
from caviar.insight.figures import parallel, squares
from caviar.insight.figures.importance_bars import bars
from caviar.insight.importance import importance
from caviar.records.outcome import View
from caviar.study.study import Study


@dataclass(frozen=True)
class Plots:
    """What `study.plot` is. Every method returns a `plotly.graph_objects.Figure`; see the modules of their names."""

    study: Study

    def parallel(self) -> Any:
        """All trials as lines over the hyperparameters and the metric, with the square of each wave."""
        return parallel.parallel(View(self.study))

    def squares(self, x: str | None = None, y: str | None = None) -> Any:
        """All trials over two hyperparameters, with the squares of the waves nested in each other.

        Args:
            x, y: their names; the two most important ones if left out.
        """
        if x is None or y is None:
            ranked = importance(self.study)["hyperparameter"]
            free = [name for name in ranked if name not in (x, y)] or [x or y]
            x = x if x is not None else free.pop(0)
            y = y if y is not None else (free or [x])[0]
        return squares.squares(View(self.study), x, y)

    def curves(self) -> Any:
        """The learning curves of the ten best trials, and of those that ended early."""
        return progress.curves(View(self.study))

    def importance(self, table: pd.DataFrame | None = None) -> Any:
        """How much of the metric's variation each hyperparameter explains, with intervals.

        Args:
            table: of `study.importance()`; measured if left out.
        """
        return bars(importance(self.study) if table is None else table)

    def best(self, over: str = "trials") -> Any:
        """The best metric so far.

        Args:
            over: "trials" or "seconds" (of training, added up over all trainers).
        """
        return progress.best(View(self.study), over)
