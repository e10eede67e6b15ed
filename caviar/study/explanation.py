"""Explain a winner: from a baseline to it, one change at a time, by real trainings with shared seeds.

The path is the ablation of Fawcett and Hoos 2016, "Analysing differences between algorithm configurations through
ablation": each step makes the change that helps most of those that are left. What the steps gain is then measured with
other seeds, since the best of several changes was also lucky.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caviar._checks import check_integer
from caviar.errors import InputError
from caviar.insight.formatting import as_html
from caviar.records.confirmation import t_quantile
from caviar.records.trial import Config, State
from caviar.space.scales import Array
from caviar.study.ablation import Ablation
from caviar.study.baseline import baseline_of
from caviar.study.outside import opened
from caviar.study.study import Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SeedMean:
    """A mean over seeds, with its 95% interval (Student's t); NaN if a training did not finish."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Array) -> "SeedMean":
        """Return the estimate from one value for each seed; without an interval from a single one.

        >>> import numpy as np
        >>> SeedMean.of(np.array([1.0, 1.0]))
        SeedMean(mean=1.0, low=1.0, high=1.0)
        """
        mean, n = float(values.mean()), len(values)
        if n == 1:
            return cls(mean, mean, mean)
        margin = float(t_quantile(n - 1) * values.std(ddof=1) / math.sqrt(n))
        return cls(mean, mean - margin, mean + margin)

    def __str__(self) -> str:
        if math.isnan(self.mean):
            return "(unknown: a training did not finish)"
        return f"{self.mean:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Change:
    """A step on the path: one hyperparameter, or a choice with what it brings along, gets the winner's value.

    Args:
        name: the hyperparameter.
        before, after: its value in the baseline, and in the winner.
        metric: what the config reaches with it.
        gain: over the config before it, paired by seed; positive is better, whatever the mode.
    """

    name: str
    before: Any
    after: Any
    metric: SeedMean
    gain: SeedMean

    @property
    def shown(self) -> bool:
        """Whether the interval of its gain does not contain 0."""
        return self.gain.low > 0 or self.gain.high < 0

    def __str__(self) -> str:
        verb = "brings" if self.gain.mean >= 0 else "costs"
        size = self.gain if self.gain.mean >= 0 else SeedMean(-self.gain.mean, -self.gain.high, -self.gain.low)
        return f"{self.name} {_words(self.before)} -> {_words(self.after)} {verb} {size}"


@dataclass(frozen=True)
class Explanation:
    """Why a trial is better than a baseline; `str()` of it is a sentence.

    Args:
        trial: the number of the winner, or of the trial that was asked about.
        metric: what the study optimises.
        baseline: where the path starts.
        source: what the baseline is, in words.
        start: what the baseline reaches.
        total: the gain of all changes together.
        changes: the steps, in the order of the path.
        seeds: how many trainings each estimate is of.
        trainings: how many there were in all.
    """

    trial: int
    metric: str
    baseline: Config
    source: str
    start: SeedMean
    total: SeedMean
    changes: tuple[Change, ...]
    seeds: int
    trainings: int

    def __str__(self) -> str:
        if not self.changes:
            return f"trial {self.trial} is {self.source}: there is nothing to explain"
        steps = [str(change) for change in self.changes if change.shown]
        others = [change.name for change in self.changes if not change.shown]
        first = f"trial {self.trial} gains {self.total} {self.metric} over {self.source}, {self.start}"
        evidence = "1 seed shows" if self.seeds == 1 else f"{self.seeds} seeds show"
        rest = f"{', '.join(others)}: no gain that {evidence}" if others else ""
        return f"{first}: {'; '.join([*steps, *([rest] if rest else [])])}"

    def table(self) -> "pd.DataFrame":
        """Return a row for the baseline and for each step: change, before, after, metric and gain with intervals."""
        import pandas as pd

        nothing = SeedMean(math.nan, math.nan, math.nan)
        rows = [("", None, None, self.start, nothing)]
        rows += [(c.name, c.before, c.after, c.metric, c.gain) for c in self.changes]
        names = ("change", "before", "after", self.metric, "low", "high", "gain", "gain_low", "gain_high")
        cells = [(*row[:3], *(getattr(e, end) for e in row[3:] for end in ("mean", "low", "high"))) for row in rows]
        table = pd.DataFrame(cells, columns=list(names))
        values = {name: pd.Series([row[i] for row in cells], dtype=object) for i, name in ((1, "before"), (2, "after"))}
        return table.assign(**values)

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{as_html(self.table())}"


def explain(
    study: Study | str | Path,
    trial: int | None = None,
    *,
    baseline: Mapping[str, Any] | None = None,
    seeds: int = 8,
    data: Any = None,
) -> Explanation:
    """Explain why the winner is better than a baseline: one change at a time, by trainings with shared seeds.

    With d hyperparameters that differ, it trains about d (d + 1) / 2 configs with half of the seeds to find the path,
    and d + 1 with other seeds to measure it, all outside of the study. The configs of a step train in stacks.

    Args:
        study: a study, which trains where it runs, or its folder or the URI of its mirror: it then trains here.
        trial: its number; the winner if left out.
        baseline: a config to start from; names left out get their defaults. By default it is the first config that was
            enqueued; without one, each hyperparameter has its `default=`, else the built-in network's, else the middle
            of its range on its scale, or its first option.
        seeds: trainings of each config on the path, >= 2; a single one if results depend on the config alone.
        data: as for `Study.open`: arrays, or a function that no module holds.

    Raises:
        InputError: no trial has finished, or the data have changed.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> explanation = explain(study, seeds=2)
    >>> explanation.trial == study.best.trial, len(explanation.changes) <= 6
    (True, True)
    """
    check_integer("seeds", seeds, minimum=2)
    study = opened(study, data)
    outcome = study.outcome
    result = outcome.trial(trial)
    if result.state is not State.FINISHED:
        raise InputError(
            f"trial {result.trial} {result.state.words}; explain one that has finished, such as the best one"
        )
    start, source = baseline_of(outcome, baseline, network=study.target.dataset is not None)
    ablation = Ablation(study, start, result.config, seeds if study.target.seeded else 1)
    path = ablation.path()
    values = ablation.measure([ablation.config(path[:i]) for i in range(len(path) + 1)], fresh=True)
    sign = outcome.settings.objective.sign
    changes = tuple(
        Change(
            name,
            start.get(name),
            result.config.get(name),
            SeedMean.of(sign * values[i + 1]),
            SeedMean.of(values[i] - values[i + 1]),
        )
        for i, name in enumerate(path)
    )
    return Explanation(
        result.trial,
        outcome.settings.objective.metric,
        start,
        source,
        SeedMean.of(sign * values[0]),
        SeedMean.of(values[0] - values[-1]),
        changes,
        ablation.seeds,
        ablation.trainings,
    )


def _words(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
