"""What the scale of a hyperparameter does: where random search spends its trials on a linear and on a log scale."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import kstest

from caviar._checks import check_integer
from caviar.experiments.finding import Drawing, Finding
from caviar.experiments.intervals import exact
from caviar.insight.figures.style import ACCENT, PLAIN, error_bars, figure
from caviar.search import Budget, Random
from caviar.space import Real, Space, loguniform, reverseloguniform, uniform
from caviar.space.scales import LOG, Array

_SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Using an appropriate scale"
_RATES_CLAIM = "Sampling the learning rate in 0.0001 to 1 on a linear scale spends 90% of the trials above 0.1."
_MOMENTA_CLAIM = "Sampling 1 - beta on a log scale explores the averaging windows 1 / (1 - beta) of 10 to 1000 evenly."
_DECADES = [1e-4, 1e-3, 1e-2, 0.1, 1.0]  # of the learning rate
_HALF_DECADES = [10.0, 10**1.5, 100.0, 10**2.5, 1000.0]  # of the window


def learning_rate_scale(trials: int = 64, seeds: int = 20) -> Finding:
    """Sample learning rates with `uniform` and with `loguniform`, and count them by decade (Ng 2017).

    In theory a linear scale puts (1 - 0.1) / (1 - 0.0001) = 0.90009 of the trials above 0.1, a log scale 1/4.

    Args:
        trials: trials of each random search, >= 1.
        seeds: the number of searches, >= 1.

    Returns:
        A finding whose table has a row per scale and decade: the share of the trials with its exact 95% interval.

    >>> int(learning_rate_scale(trials=8, seeds=2).table["count"].sum())
    32
    """
    lowest, *_, threshold, highest = _DECADES
    scales = {"linear": uniform(lowest, highest), "log": loguniform(lowest, highest)}
    values = {scale: _sample(hyperparameter, trials, seeds) for scale, hyperparameter in scales.items()}
    conclusions = []
    for scale, rates in values.items():
        above = int((rates > threshold).sum())
        low, high = exact(above, rates.size)
        conclusions.append(
            f"On the {scale} scale {above / rates.size:.1%} [{low:.1%}, {high:.1%}] of {rates.size:,} trials lie above "
            f"{threshold}, and {(rates < 1e-3).mean():.1%} below 0.001."
        )
    tables = {"shares": _shares(values, _DECADES)}
    caption = "Where the trials go: the share of the sampled learning rates in each decade."
    drawings = {"shares": Drawing("shares", partial(_draw, caption=caption, title="learning rate"))}
    return Finding("learning-rate-scale", _RATES_CLAIM, _SOURCE, tuple(conclusions), tables, drawings)


def momentum_scale(trials: int = 64, seeds: int = 20) -> Finding:
    """Sample beta in 0.9 to 0.999 with `uniform` and `reverseloguniform`, and count windows by half decade (Ng 2017).

    Evenly means that log10 of the window is uniform, with a quarter in each half decade. It is tested with the
    Kolmogorov-Smirnov test: p is the probability of a deviation at least as large if the claim is true.

    Args:
        trials: trials of each random search, >= 1.
        seeds: the number of searches, >= 1.

    Returns:
        A finding whose table has a row per scale and half decade: the share of the trials with its exact 95%
        interval, and the p-value of the scale.

    >>> int(momentum_scale(trials=8, seeds=2).table["count"].sum())
    32
    """
    scales = {"linear": uniform(0.9, 0.999), "reverse log": reverseloguniform(0.9, 0.999)}
    betas = {scale: _sample(hyperparameter, trials, seeds) for scale, hyperparameter in scales.items()}
    shortest, longest = _HALF_DECADES[0], _HALF_DECADES[-1]
    windows = {scale: (1 / (1 - beta)).clip(shortest, longest) for scale, beta in betas.items()}  # for rounding
    table = _shares(windows, _HALF_DECADES)
    p = {s: float(kstest(LOG.units(w.ravel(), shortest, longest), "uniform").pvalue) for s, w in windows.items()}
    table["p_even"] = table["scale"].map(p)
    conclusions = tuple(_evenness(str(scale), rows) for scale, rows in table.groupby("scale"))
    caption = "The share of the sampled momenta in each half decade of the averaging window."
    drawings = {"shares": Drawing("shares", partial(_draw, caption=caption, title="window, steps"))}
    return Finding("momentum-scale", _MOMENTA_CLAIM, _SOURCE, conclusions, {"shares": table}, drawings)


def _sample(hyperparameter: Real, trials: int, seeds: int) -> Array:
    """Return the values that random search tries, shape (seeds, trials)."""
    space = Space(value=hyperparameter)
    searches = [Random(space, Budget(trials, waves=1, seed=seed)) for seed in range(check_integer("seeds", seeds))]
    return np.array([[config["value"] for config in space.configs(search.ask())] for search in searches])


def _shares(values: Mapping[str, Array], edges: Sequence[float]) -> pd.DataFrame:
    """Return a row per scale and interval between edges, which are in ascending order and inclusive."""
    rows: list[dict[str, object]] = []
    for scale, array in values.items():
        counts, _ = np.histogram(array, bins=np.array(edges))
        for (low_edge, high_edge), count in zip(pairwise(edges), counts.tolist(), strict=True):
            low, high = exact(count, array.size)
            row: dict[str, object] = {"scale": scale, "interval": f"{low_edge:.4g} to {high_edge:.4g}"}
            row |= {"low_edge": low_edge, "high_edge": high_edge, "count": count, "share": count / array.size}
            rows.append(row | {"low": low, "high": high, "seeds": len(array), "trials": array.shape[1]})
    return pd.DataFrame(rows)


def _evenness(scale: str, rows: pd.DataFrame) -> str:
    parts = ", ".join(f"{row['share']:.1%} for {row['interval']}" for row in rows.to_dict("records"))
    p = rows["p_even"].iloc[0]
    verdict = "even, as far as these trials can tell" if p > 0.05 else "not even"
    return f"On the {scale} scale the windows get {parts}: {verdict} (p = {p:.2g})."


def _draw(table: pd.DataFrame, caption: str, title: str) -> object:
    """Draw the shares of two scales side by side; `title` labels the axis of intervals."""
    traces = []
    for scale, colour in zip(table["scale"].unique(), (PLAIN, ACCENT), strict=True):
        rows = table[table["scale"] == scale]
        error = error_bars(rows["share"], rows["low"], rows["high"])
        trace = {"type": "bar", "name": f"{scale} scale", "x": rows["interval"], "y": rows["share"]}
        traces.append(trace | {"marker": {"color": colour}, "error_y": error})
    yaxis = {"tickformat": ".0%", "title": {"text": "share of the trials"}}
    return figure(caption, traces, xaxis={"title": {"text": title}}, yaxis=yaxis, barmode="group")
