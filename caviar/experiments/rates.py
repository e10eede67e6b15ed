"""The learning rate on a linear and on a log scale: where do the trials go?"""

import pandas as pd

from caviar.experiments.finding import Drawing, Finding
from caviar.experiments.intervals import exact
from caviar.experiments.shares import draw_shares, sample, shares
from caviar.space import loguniform, uniform

CLAIM = "Sampling the learning rate in 0.0001 to 1 on a linear scale spends 90% of the trials above 0.1."
SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Using an appropriate scale"
LOW, HIGH, THRESHOLD = 1e-4, 1.0, 0.1


def learning_rate_scale(trials: int = 64, seeds: int = 20) -> Finding:
    """Sample learning rates with `uniform` and with `loguniform`, and count them by decade.

    In theory a linear scale puts (1 - 0.1) / (1 - 0.0001) = 0.90009 of the trials above 0.1, a log scale 1/4.

    Args:
        trials: of each random search, >= 1.
        seeds: the number of searches, >= 1.

    Returns:
        A finding whose table has a row per scale and decade: the share of the trials with its exact 95% interval.

    Source of the claim: Ng 2017, Improving deep neural networks (deeplearning.ai), week 3.

    >>> int(learning_rate_scale(trials=8, seeds=2).table["count"].sum())
    32
    """
    scales = {"linear": uniform(LOW, HIGH), "log": loguniform(LOW, HIGH)}
    values = {scale: sample(hyperparameter, trials, seeds) for scale, hyperparameter in scales.items()}
    conclusions = []
    for scale, rates in values.items():
        above = int((rates > THRESHOLD).sum())
        low, high = exact(above, rates.size)
        conclusions.append(
            f"On the {scale} scale {above / rates.size:.1%} [{low:.1%}, {high:.1%}] of {rates.size:,} trials lie above "
            f"{THRESHOLD}, and {(rates < 1e-3).mean():.1%} below 0.001."
        )
    tables = {"shares": shares(values, [LOW, 1e-3, 1e-2, THRESHOLD, HIGH])}
    return Finding(
        "learning-rate-scale", CLAIM, SOURCE, tuple(conclusions), tables, {"shares": Drawing("shares", _draw)}
    )


def _draw(table: pd.DataFrame) -> object:
    caption = "Where the trials go: the share of the sampled learning rates in each decade."
    return draw_shares(table, caption, "learning rate")
