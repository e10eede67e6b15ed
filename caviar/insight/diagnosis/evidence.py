"""What a diagnosis looks at: trials as points and values, their curves, and the noise of one training."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.errors import InputError
from caviar.insight.figures.axes import coordinates
from caviar.insight.surrogate import Surrogate
from caviar.records.objective import Objective
from caviar.records.outcome import Outcome
from caviar.records.trial import State
from caviar.space import Space
from caviar.space.scales import Array


@dataclass(frozen=True)
class Noise:
    """The spread of trials that differ only in their seed."""

    deviation: float
    freedom: int  # of the replicates that it was measured by; 0: it is what the Gaussian process leaves unexplained


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a study's trials; each part is computed when it is first looked at."""

    outcome: Outcome

    @property
    def space(self) -> Space:
        """The hyperparameters."""
        return self.outcome.space

    @property
    def objective(self) -> Objective:
        """What the study optimises."""
        return self.outcome.settings.objective

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each trial of the search, without those that confirm others."""
        return self.outcome.table[self.outcome.table["confirms"].isna()].reset_index(drop=True)

    @cached_property
    def points(self) -> Array:
        """The trials in the unit cube, shape (n, d); NaN where a hyperparameter is not active."""
        return coordinates(self.table, self.space)

    def ended(self, *states: State) -> NDArray[np.bool_]:
        """Return which trials ended in one of these states, shape (n,)."""
        return self.table["state"].isin(states).to_numpy(bool)

    @cached_property
    def values(self) -> Array:
        """The metric of each trial, to be minimised, shape (n,); NaN if it has not finished."""
        metric = self.objective.metric
        if metric not in self.table:
            return np.full(len(self.table), np.nan)
        values = self.objective.sign * self.table[metric].to_numpy(float)
        return np.where(self.ended(State.FINISHED), values, np.nan)

    @cached_property
    def finished(self) -> NDArray[np.bool_]:
        """Which trials have a value, shape (n,)."""
        return np.isfinite(self.values)

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """Which trials were sampled evenly from the whole space and have a value, shape (n,)."""
        waves = self.outcome.waves
        coarse = waves["wave"][waves["kind"] == "coarse"].tolist() if len(waves) else []
        return np.array(self.finished & self.table["wave"].isin(coarse))

    @cached_property
    def surrogate(self) -> Surrogate | None:
        """The Gaussian process of the trials; None if there are too few."""
        try:
            return Surrogate.of(self.outcome)
        except InputError:
            return None

    @cached_property
    def noise(self) -> Noise | None:
        """The noise of one trial: of those that were confirmed, or else what the process leaves unexplained."""
        table, metric = self.outcome.table, self.objective.metric
        again = table[table["confirms"].notna() & (table["state"] == State.FINISHED)]
        if metric in again and len(again):
            groups = again.groupby("confirms")[metric]
            freedom = int((groups.count() - 1).sum())
            if freedom > 0:
                squares = float(((again[metric] - groups.transform("mean")) ** 2).sum())
                return Noise((squares / freedom) ** 0.5, freedom)
        return Noise(self.surrogate.noise, 0) if self.surrogate else None

    @cached_property
    def curves(self) -> dict[Any, pd.DataFrame]:
        """The reports of each trial, by its number."""
        return dict(list(self.outcome.history.groupby("trial")))

    def curve(self, trial: int, name: str) -> Array:
        """Return a metric of each report of a trial; empty if it did not report it, or not every time."""
        curve = self.curves.get(trial)
        if curve is None or name not in curve:
            return np.empty(0)
        values = curve[name].to_numpy(float)
        return values if np.isfinite(values).all() else np.empty(0)

    @cached_property
    def dead_units(self) -> dict[int, tuple[float, ...]]:
        """The share of dead units in each hidden layer of a trial, by its number, where it is known."""
        return {result.trial: result.dead_units for result in self.outcome.results if result.dead_units}

    @property
    def chance_loss(self) -> float | None:
        """The loss of predictions that ignore all columns; None before a study of a data set has ended."""
        return self.outcome.test.baseline.get("test_loss") if self.outcome.test else None

    @cached_property
    def best(self) -> list[int]:
        """The numbers of the ten best trials."""
        return [result.trial for result in self.outcome.ranking[:10]]
