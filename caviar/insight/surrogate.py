"""What a Gaussian process makes of a study's trials, in the unit of the metric: around the winner, or anywhere else."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from caviar._threads import one_blas_thread
from caviar.errors import InputError
from caviar.insight.ends import ends
from caviar.insight.figures.axes import coordinates
from caviar.records.outcome import Outcome
from caviar.records.search_log import Observed
from caviar.records.trial import HAS_METRIC
from caviar.search.gaussian_process import GaussianProcess
from caviar.space import Space
from caviar.space.scales import Array

LEAST = 4  # trials with a value; fewer say nothing about their neighbours


@dataclass(frozen=True, eq=False)
class Surrogate:
    """The process of a study's trials.

    Args:
        space: the hyperparameters.
        process: conditioned on the trials; lower is better.
        winner: the point of the winner in the unit cube, shape (d,).
        sign: 1 if the metric is minimised, -1 if it is maximised.
    """

    space: Space
    process: GaussianProcess
    winner: Array
    sign: int

    @classmethod
    @one_blas_thread()
    def of(cls, outcome: Outcome) -> "Surrogate":
        """Return the process of an outcome's trials, without those that confirm others; failed ones have no value.

        Raises InputError if fewer than 4 trials have a value.
        """
        space, sign, table = outcome.space, outcome.settings.objective.sign, outcome.table
        values = np.where(table["state"].isin(HAS_METRIC), sign * ends(outcome), np.nan)[table["confirms"].isna()]
        table = table[table["confirms"].isna()]
        known = int(np.isfinite(values).sum()) if outcome.has_finished else 0
        if known < LEAST:
            raise InputError(
                f"the process needs at least {LEAST} trials that have finished, got {known}; "
                "try a study with more trials"
            )
        points = _points(table, space)
        process = _process_of_the_search(outcome, points, values)
        if process is None:
            process = GaussianProcess.fit(points, values, space.categorical)
        winner = points[(table["trial"] == outcome.best.trial).to_numpy(bool)][0]
        return cls(space, process, winner, sign)

    def points_of(self, table: pd.DataFrame) -> Array:
        """Return the trials of a results table in the unit cube, shape (n, d); inactive coordinates are 0.5."""
        return _points(table, self.space)

    @one_blas_thread()
    def predict(self, points: Array) -> tuple[Array, Array]:
        """Return the posterior mean of the metric and its standard deviation, (m,) each, at points, (m, d)."""
        process = self.process
        mean, variance = process.marginals(self.space.snap(points))
        return self.sign * (process.shift + process.scale * mean), process.scale * np.sqrt(variance)

    @one_blas_thread()
    def differences(self, points: Array, others: Array) -> tuple[Array, Array]:
        """Return how much worse the metric is at points than at others, (m, d) each: mean and deviation, (m,) each."""
        process, m = self.process, len(points)
        both = self.space.snap(np.concatenate([points, others]))
        mean, v = process.posterior(both)
        prior = process.kernel.covariance(both[:m], both[m:]).diagonal()
        covariance = prior - (v[:, :m] * v[:, m:]).sum(axis=0)
        variances = process.kernel.signal_variance - (v**2).sum(axis=0)
        variance = np.maximum(variances[:m] + variances[m:] - 2 * covariance, 0.0)
        return process.scale * (mean[:m] - mean[m:]), process.scale * np.sqrt(variance)

    def along(self, j: int, steps: Array, centre: Array | None = None) -> Array:
        """Return the winner, or another point, with its coordinate j at each of the steps, (m,): points, (m, d)."""
        points = np.tile(self.winner if centre is None else centre, (len(steps), 1))
        points[:, j] = steps
        return points

    def steps(self, j: int, count: int) -> Array:
        """Return the middles of all values of coordinate j, or `count` points from 0 to 1 if there are more."""
        levels = self.space.levels[j]
        return (np.arange(levels) + 0.5) / levels if levels <= count else np.linspace(0.0, 1.0, count)

    @property
    def noise(self) -> float:
        """The standard deviation of one trial's metric, as far as the process can tell."""
        return float(self.process.scale * np.sqrt(self.process.kernel.noise_variance))

    @cached_property
    def active(self) -> list[int]:
        """The coordinates that the winner uses."""
        return [int(j) for j in np.flatnonzero(self.space.active(self.winner[None])[0])]


def _process_of_the_search(outcome: Outcome, points: Array, values: Array) -> GaussianProcess | None:
    """Return the process by which the search ranks its trials, if it was told just these; a fit takes long."""
    search, observed = outcome.search, [entry for entry in outcome.search_log if isinstance(entry, Observed)]
    if search.continuous or search.space != outcome.space or len(search.values) != len(values):
        return None
    told = np.concatenate([entry.points for entry in observed])
    is_same = np.allclose(told, points, atol=1e-9) and np.array_equal(search.values, values, equal_nan=True)
    return search.surrogate if is_same else None


def _points(table: pd.DataFrame, space: Space) -> Array:
    return space.snap(np.nan_to_num(coordinates(table, space), nan=0.5))
