"""How sure the winner is: the best trials, trained again with fresh seeds, because the best of many was also lucky."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import scipy  # whose packages are slow to load; each is loaded when first used

from caviar.records.objective import Objective
from caviar.records.trial import Result, State
from caviar.space.scales import Array

_DRAWS = 20_000  # of the means, to see which is the best
_COVERAGE = 0.95


def confirmation_table(
    confirmed: Sequence[Result], replicates: Mapping[int, Sequence[Result]], objective: Objective
) -> pd.DataFrame:
    """Return a row for each confirmed trial, the winner first; `replicates` holds its results with fresh seeds.

    The noise of one training is taken to be the same for the k configs (one pooled variance s^2 with nu degrees of
    freedom); with a flat prior the true means are then distributed as mean_i + s / sqrt(r_i) t_nu (Gelman et al.,
    Bayesian Data Analysis, 3rd edition, section 3.2), with one s for all. That gives the intervals and, by drawing from
    it, the probability that each is the best. What the search had seen does not count. A config with replicates that
    failed, diverged or timed out ranks behind those without.

    Columns: trial, replicates, finished (how many of them), seen (the metric that the search saw), mean, low, high (a
    95% interval of the mean), probability (of being the best of these).
    """
    metric, sign = objective.metric, objective.sign
    values = [
        np.array([r.metrics[metric] for r in replicates[trial.trial] if r.state is State.FINISHED])
        for trial in confirmed
    ]
    counts = np.array([len(v) for v in values])
    means = np.array([v.mean() if len(v) else np.nan for v in values])
    freedom = int(np.maximum(counts - 1, 0).sum())
    spread = np.sqrt(sum(((v - v.mean()) ** 2).sum() for v in values if len(v)) / freedom) if freedom else np.nan
    quantile = t_quantile(freedom) if freedom else np.nan
    margins = quantile * spread / np.sqrt(np.maximum(counts, 1))
    expected = np.array([len(replicates[trial.trial]) for trial in confirmed])
    table = pd.DataFrame(
        {
            "trial": [trial.trial for trial in confirmed],
            "replicates": expected,
            State.FINISHED.value: counts,
            "seen": [trial.metrics[metric] for trial in confirmed],
            "mean": means,
            "low": means - margins,
            "high": means + margins,
            "probability": _probabilities(sign * means, spread, counts, freedom),
        }
    )
    order = np.lexsort((np.arange(len(table)), np.where(counts > 0, sign * means, np.inf), expected - counts))
    return table.iloc[order].reset_index(drop=True)


def t_quantile(freedom: float) -> float:
    """Return how many standard errors a 95% interval by Student's t reaches on either side; infinity: the normal one.

    >>> round(t_quantile(4), 3), round(t_quantile(float("inf")), 3)
    (2.776, 1.96)
    """
    return float(scipy.special.stdtrit(freedom, (1 + _COVERAGE) / 2))


def _probabilities(means: Array, spread: float, counts: Array, freedom: int) -> Array:
    """The probability of each mean to be the lowest, (k,); NaN if nothing is known of the noise."""
    measured = counts > 0
    if not freedom or not measured.any():
        return np.full(len(means), np.nan)
    generator = np.random.default_rng(0)
    scales = spread * np.sqrt(freedom / generator.chisquare(freedom, (_DRAWS, 1)))
    noise = generator.standard_normal((_DRAWS, int(measured.sum())))
    drawn = means[measured] + scales * noise / np.sqrt(counts[measured])
    best = drawn == drawn.min(axis=1, keepdims=True)  # without noise all equal means share the first place
    probabilities = np.zeros(len(means))
    probabilities[measured] = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return probabilities
