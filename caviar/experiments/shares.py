"""Where the values of a hyperparameter fall: the share of sampled values in each interval, with exact intervals."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from caviar.experiments.intervals import exact
from caviar.insight.figures.style import ACCENT, PLAIN, figure
from caviar.search import Budget, Random
from caviar.space import Real, Space
from caviar.space.scales import Array


def sample(hyperparameter: Real, trials: int, seeds: int) -> Array:
    """Return the values that random search tries, shape (seeds, trials)."""
    space = Space(value=hyperparameter)
    points = [Random(space, Budget(trials, waves=1, seed=seed)).ask() for seed in range(seeds)]
    return np.array([[config["value"] for config in space.configs(wave)] for wave in points])


def shares(values: Mapping[str, Array], edges: Sequence[float]) -> pd.DataFrame:
    """Return the share of values between each pair of neighbouring edges.

    Args:
        values: for each scale, shape (seeds, trials).
        edges: in ascending order; the first and the last are included.

    Returns:
        A row per scale and interval: scale, interval, low_edge, high_edge, count, share, low and high (the exact 95%
        interval of the share), seeds, trials (per seed).
    """
    rows: list[dict[str, object]] = []
    for scale, array in values.items():
        counts, _ = np.histogram(array, bins=np.array(edges))
        for (low_edge, high_edge), count in zip(pairwise(edges), counts.tolist(), strict=True):
            low, high = exact(count, array.size)
            row: dict[str, object] = {"scale": scale, "interval": f"{low_edge:.4g} to {high_edge:.4g}"}
            row |= {"low_edge": low_edge, "high_edge": high_edge, "count": count, "share": count / array.size}
            rows.append(row | {"low": low, "high": high, "seeds": len(array), "trials": array.shape[1]})
    return pd.DataFrame(rows)


def draw_shares(table: pd.DataFrame, caption: str, title: str) -> object:
    """Draw the table of `shares` for two scales side by side; `title` is that of the axis of intervals."""
    traces = []
    for scale, colour in zip(table["scale"].unique(), (PLAIN, ACCENT), strict=True):
        rows = table[table["scale"] == scale]
        spread = {"array": rows["high"] - rows["share"], "arrayminus": rows["share"] - rows["low"]}
        error = {"type": "data", "symmetric": False, "color": PLAIN, **spread}
        trace = {"type": "bar", "name": f"{scale} scale", "x": rows["interval"], "y": rows["share"]}
        traces.append(trace | {"marker": {"color": colour}, "error_y": error})
    yaxis = {"tickformat": ".0%", "title": {"text": "share of the trials"}}
    return figure(caption, traces, xaxis={"title": {"text": title}}, yaxis=yaxis, barmode="group")
