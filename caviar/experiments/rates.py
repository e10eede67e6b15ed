"""The learning rate on a linear and on a log scale: where do the trials go?"""

import pandas as pd

from caviar.experiments.finding import Finding
from caviar.experiments.intervals import exact
from caviar.experiments.shares import bars, sampled, shares
from caviar.space import loguniform, uniform

CLAIM = "Sampling the learning rate in 0.0001 to 1 on a linear scale spends 90% of the trials above 0.1."
SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Using an appropriate scale"
LOW, HIGH, ABOVE = 1e-4, 1.0, 0.1


def learning_rate_scale(trials: int = 64, seeds: int = 20) -> Finding:
    """Sample learning rates with `uniform` and with `loguniform`, and count them by decade.

    By the formula a linear scale puts (1 - 0.1) / (1 - 0.0001) = 0.90009 of the trials above 0.1, a log scale 1/4.

    Args:
        trials: of each random search.
        seeds: how many searches.

    Returns:
        A finding whose table has a row a scale and decade: the share of the trials with its exact 95% interval.

    Source of the claim: Ng 2017, Improving deep neural networks (deeplearning.ai), week 3.
    """
    values = {
        "linear": sampled(uniform(LOW, HIGH), trials, seeds),
        "log": sampled(loguniform(LOW, HIGH), trials, seeds),
    }
    found = []
    for scale, tried in values.items():
        above = int((tried > ABOVE).sum())
        low, high = exact(above, tried.size)
        found.append(
            f"On the {scale} scale {above / tried.size:.1%} [{low:.1%}, {high:.1%}] of {tried.size:,} trials lie above "
            f"{ABOVE}, and {(tried < 1e-3).mean():.1%} below 0.001."
        )
    table = shares(values, [LOW, 1e-3, 1e-2, ABOVE, HIGH])
    return Finding("learning-rate-scale", CLAIM, SOURCE, tuple(found), {"shares": table}, {"shares": ("shares", _draw)})


def _draw(table: pd.DataFrame) -> object:
    return bars(table, "Where the trials go: the share of the sampled learning rates in each decade.", "learning rate")
