"""Momentum on a linear and on a reverse log scale: which averaging windows are tried?"""

import pandas as pd
from scipy.stats import kstest

from caviar.experiments.finding import Drawing, Finding
from caviar.experiments.shares import draw_shares, sample, shares
from caviar.space import reverseloguniform, uniform
from caviar.space.scales import LOG

CLAIM = "Sampling 1 - beta on a log scale explores the averaging windows 1 / (1 - beta) of 10 to 1000 evenly."
SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Using an appropriate scale"
LOW, HIGH = 0.9, 0.999
EDGES = [10.0, 10**1.5, 100.0, 10**2.5, 1000.0]  # half decades of the window


def momentum_scale(trials: int = 64, seeds: int = 20) -> Finding:
    """Sample beta in 0.9 to 0.999 with `uniform` and with `reverseloguniform`, and count windows by half decade.

    Evenly means that log10 of the window is uniform, with a quarter in each half decade. It is tested with the
    Kolmogorov-Smirnov test: p is the probability of a deviation at least as large if the claim is true.

    Args:
        trials: of each random search, >= 1.
        seeds: the number of searches, >= 1.

    Returns:
        A finding whose table has a row per scale and half decade: the share of the trials with its exact 95%
        interval, and the p of the scale.

    Source of the claim: Ng 2017, Improving deep neural networks (deeplearning.ai), week 3.

    >>> int(momentum_scale(trials=8, seeds=2).table["count"].sum())
    32
    """
    scales = {"linear": uniform(LOW, HIGH), "reverse log": reverseloguniform(LOW, HIGH)}
    betas = {scale: sample(hyperparameter, trials, seeds) for scale, hyperparameter in scales.items()}
    windows = {scale: (1 / (1 - beta)).clip(EDGES[0], EDGES[-1]) for scale, beta in betas.items()}  # for rounding
    table = shares(windows, EDGES)
    p = {s: float(kstest(LOG.units(w.ravel(), EDGES[0], EDGES[-1]), "uniform").pvalue) for s, w in windows.items()}
    table["p_even"] = table["scale"].map(p)
    conclusions = tuple(_conclusion(str(scale), rows) for scale, rows in table.groupby("scale"))
    drawings = {"shares": Drawing("shares", _draw)}
    return Finding("momentum-scale", CLAIM, SOURCE, conclusions, {"shares": table}, drawings)


def _conclusion(scale: str, rows: pd.DataFrame) -> str:
    parts = ", ".join(f"{row['share']:.1%} for {row['interval']}" for row in rows.to_dict("records"))
    p = rows["p_even"].iloc[0]
    verdict = "even, as far as these trials can tell" if p > 0.05 else "not even"
    return f"On the {scale} scale the windows get {parts}: {verdict} (p = {p:.2g})."


def _draw(table: pd.DataFrame) -> object:
    caption = "The share of the sampled momenta in each half decade of the averaging window."
    return draw_shares(table, caption, "window, steps")
