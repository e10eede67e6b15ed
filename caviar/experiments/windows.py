"""Momentum on a linear and on a reverse-log scale: which averaging windows get tried?"""

import pandas as pd
from scipy.stats import kstest

from caviar.experiments.finding import Finding
from caviar.experiments.shares import bars, sampled, shares
from caviar.space import reverseloguniform, uniform
from caviar.space.scales import LOG

CLAIM = "Sampling 1 - beta on a log scale explores the averaging windows 1 / (1 - beta) of 10 to 1000 evenly."
SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Using an appropriate scale"
LOW, HIGH = 0.9, 0.999
EDGES = [10.0, 10**1.5, 100.0, 10**2.5, 1000.0]  # half decades of the window


def momentum_scale(trials: int = 64, seeds: int = 20) -> Finding:
    """Sample beta in 0.9 to 0.999 with `uniform` and with `reverseloguniform`, and count windows by half decade.

    Evenly means: log10 of the window is uniform, so that every half decade gets a quarter. Tested by
    Kolmogorov and Smirnov: p is the chance of an unevenness as large where the claim is true.

    Args:
        trials: of each random search.
        seeds: how many searches.

    Returns:
        A finding whose table has a row a scale and half decade: the share of the trials with its exact 95%
        interval, and p of the scale.

    Source of the claim: Ng 2017, Improving deep neural networks (deeplearning.ai), week 3.
    """
    hyperparameters = {"linear": uniform(LOW, HIGH), "reverse log": reverseloguniform(LOW, HIGH)}
    values = {scale: 1 / (1 - sampled(made, trials, seeds)) for scale, made in hyperparameters.items()}
    values = {scale: windows.clip(EDGES[0], EDGES[-1]) for scale, windows in values.items()}  # of rounding
    table = shares(values, EDGES)
    p = {s: float(kstest(LOG.units(w.ravel(), EDGES[0], EDGES[-1]), "uniform").pvalue) for s, w in values.items()}
    table["p_even"] = table["scale"].map(p)
    found = [_sentence(scale, rows) for scale, rows in table.groupby("scale")]
    return Finding("momentum-scale", CLAIM, SOURCE, tuple(found), {"shares": table}, {"shares": ("shares", _draw)})


def _sentence(scale: object, rows: pd.DataFrame) -> str:
    parts = ", ".join(f"{row['share']:.1%} for {row['interval']}" for row in rows.to_dict("records"))
    p = rows["p_even"].iloc[0]
    verdict = "even, as far as these trials can tell" if p > 0.05 else "not even"
    return f"On the {scale} scale the windows get {parts}: {verdict} (p = {p:.2g})."


def _draw(table: pd.DataFrame) -> object:
    return bars(table, "The share of the sampled momenta in each half decade of the averaging window.", "window, steps")
