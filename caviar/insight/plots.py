"""The figures of a study, `study.plot.parallel()` and so on, each made by Plotly from the study's tables."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from caviar.errors import InputError
from caviar.insight.figures.contours import contour, ranks
from caviar.insight.figures.curves import best_so_far, learning_curves
from caviar.insight.figures.distribution import distribution
from caviar.insight.figures.importance_bars import importance_bars
from caviar.insight.figures.parallel import parallel_coordinates
from caviar.insight.figures.slices import slices
from caviar.insight.figures.squares import nested_squares
from caviar.insight.figures.timeline import timeline
from caviar.insight.importance import importance
from caviar.records.outcome import Outcome

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Plots:
    """The figures of an outcome; this is what `study.plot` returns.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> Plots(study.outcome).best().layout.yaxis.title.text
    'val_accuracy'
    """

    outcome: Outcome

    def __post_init__(self) -> None:
        if not self.outcome.results:
            raise InputError(f"a figure needs a trial that has ended, got none in {self.outcome.folder}; run the study")

    def parallel(self) -> "Figure":
        """Return all trials as lines over the hyperparameters and the metric, with the square of each wave."""
        return parallel_coordinates(self.outcome)

    def squares(self, x: str | None = None, y: str | None = None) -> "Figure":
        """Return all trials over two hyperparameters, by default the most important, with the squares of the waves."""
        return nested_squares(self.outcome, *self._pair(x, y))

    def slices(self, *names: str) -> "Figure":
        """Return what the Gaussian process expects along each hyperparameter, with all others as in the winner."""
        return slices(self.outcome, names)

    def contour(self, x: str | None = None, y: str | None = None) -> "Figure":
        """Return what the process expects over two hyperparameters, by default the most important."""
        return contour(self.outcome, *self._pair(x, y))

    def ranks(self, x: str | None = None, y: str | None = None) -> "Figure":
        """Return all trials over two hyperparameters, by default the most important, coloured by their ranks."""
        return ranks(self.outcome, *self._pair(x, y))

    def distribution(self, **others: Outcome) -> "Figure":
        """Return the empirical distribution of the metric (EDF), beside those of other studies: name=outcome."""
        return distribution(self.outcome, others or None)

    def curves(self) -> "Figure":
        """Return the learning curves of the ten best trials, and of those that ended early."""
        return learning_curves(self.outcome)

    def importance(self, table: pd.DataFrame | None = None) -> "Figure":
        """Return a table of `study.importance()` as bars; by default the table is computed."""
        return importance_bars(importance(self.outcome) if table is None else table)

    def best(self, over: str = "trials") -> "Figure":
        """Return the best metric so far over "trials" or "seconds" (of training, summed over all trainers)."""
        return best_so_far(self.outcome, over)

    def timeline(self) -> "Figure":
        """Return what each trainer trained, over the seconds since the first trial began."""
        return timeline(self.outcome)

    def _pair(self, x: str | None, y: str | None) -> tuple[str, str]:
        """Return two hyperparameters: those that are left out are the most important of the others."""
        if x is not None and y is not None:
            return x, y
        if self.outcome.space.dimension == 1:
            raise InputError("the space has a single hyperparameter; try plot.slices()")
        names = importance(self.outcome)["hyperparameter"].tolist()
        others = [name for name in names if name not in (x, y)] or names
        x = others[0] if x is None else x
        return x, next((name for name in others if name != x), x) if y is None else y
