"""The confirming wave: the best trials again with fresh seeds, because the best of many was also lucky.

The replicates of one configuration are networks of one shape, so they train as one stack and cost little.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from caviar.errors import InputError
from caviar.records.trial import Result

TOP, REPLICATES = 3, 4  # by default the best three, four times each
FEWEST_TRIALS = 48  # with fewer, confirming would cost more than a quarter of the study
DRAWS = 20_000  # of the means, to see which is the best
COVERAGE = 0.95

COLUMNS = ("trial", "replicates", "finished", "seen", "mean", "low", "high", "probability")


def confirm_of(asked: Any, trials: int, seeded: bool) -> tuple[int, int] | None:
    """How many of the best to train again and how often, as a user asks for it; None for not at all.

    Args:
        asked: True or False, (top, replicates), or "auto": the best 3, 4 times each, in a study of 48 trials or
            more whose results depend on a seed.
        trials: of the study.
        seeded: whether what is trained takes a seed.
    """
    if isinstance(asked, str) and asked == "auto":
        asked = seeded and isinstance(trials, int) and trials >= FEWEST_TRIALS
    if asked is None or isinstance(asked, bool):
        return (TOP, REPLICATES) if asked else None
    try:
        top, replicates = asked
        good = all(isinstance(n, int) and not isinstance(n, bool) for n in asked) and top >= 1 and replicates >= 2
    except (TypeError, ValueError):
        good = False
    if not good:
        raise InputError(f"confirm={asked!r}: it is True, False or (top, replicates), such as (3, 4); 2 replicates up")
    return top, replicates


def confirmation_table(
    ranking: Sequence[Result], replicates: Mapping[int, Sequence[Result]], metric: str, mode: str
) -> pd.DataFrame:
    """A row a confirmed trial, the winner first.

    The noise of one training is taken to be the same for the k configurations (one pooled variance s^2 with
    nu degrees of freedom); with a flat prior the true means are then distributed as mean_i + s / sqrt(r_i) t_nu
    (Gelman et al., Bayesian Data Analysis, 3rd edition, section 3.2), with one s for all, which gives the intervals
    and, by drawing from it, the probability that each is the best. What the search had seen does not count.
    A configuration with replicates that failed or diverged stands behind those without.

    Args:
        ranking: the trials that were confirmed.
        replicates: their number to the results with fresh seeds.
        metric: what is optimised.
        mode: "min" or "max".

    Returns:
        Columns: trial, replicates, finished (how many of them), seen (the metric that the search saw), mean, low,
        high (a 95 % interval of the mean), probability (of being the best of these).
    """
    values = [
        np.array([r.metrics[metric] for r in replicates[trial.trial] if r.state == "finished"]) for trial in ranking
    ]
    counts = np.array([len(v) for v in values])
    means = np.array([v.mean() if len(v) else np.nan for v in values])
    freedom = int(np.maximum(counts - 1, 0).sum())
    spread = np.sqrt(sum(((v - v.mean()) ** 2).sum() for v in values if len(v)) / freedom) if freedom else np.nan
    margins = stats.t.ppf((1 + COVERAGE) / 2, freedom) * spread / np.sqrt(np.maximum(counts, 1)) if freedom else np.nan
    wanted = np.array([len(replicates[trial.trial]) for trial in ranking])
    sign = -1.0 if mode == "max" else 1.0
    table = pd.DataFrame(
        {
            "trial": [trial.trial for trial in ranking],
            "replicates": wanted,
            "finished": counts,
            "seen": [trial.metrics[metric] for trial in ranking],
            "mean": means,
            "low": means - margins,
            "high": means + margins,
            "probability": _probabilities(sign * means, spread, counts, freedom),
        },
        columns=list(COLUMNS),
    )
    order = np.lexsort((np.arange(len(table)), np.where(counts > 0, sign * means, np.inf), wanted - counts))
    return table.iloc[order].reset_index(drop=True)


def _probabilities(means: Any, spread: float, counts: Any, freedom: int) -> Any:
    """The probability of each mean to be the lowest, shape (k,); NaN where nothing is known of the noise."""
    known = counts > 0
    if not freedom or not known.any():
        return np.full(len(means), np.nan)
    generator = np.random.default_rng(0)
    scales = spread * np.sqrt(freedom / generator.chisquare(freedom, (DRAWS, 1)))
    noise = generator.standard_normal((DRAWS, int(known.sum())))
    drawn = means[known] + scales * noise / np.sqrt(counts[known])
    best = drawn == drawn.min(axis=1, keepdims=True)  # without noise all that are equal share the first place
    probabilities = np.zeros(len(means))
    probabilities[known] = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return probabilities
