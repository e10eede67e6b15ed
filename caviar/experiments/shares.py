"""Where the values of a hyperparameter fall: the share of sampled values in each interval, with exact intervals."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from caviar.experiments.intervals import exact
from caviar.insight.figures.style import ACCENT, PLAIN, figure
from caviar.search import Random
from caviar.space import Space
from caviar.space.hyperparameters import Real
from caviar.space.scales import Array


def sampled(hyperparameter: Real, trials: int, seeds: int) -> Array:
    """The values that random search tries, shape (seeds, trials)."""
    space = Space(value=hyperparameter)
    tried = [space.configs(Random(space, trials, seed=seed).ask()) for seed in range(seeds)]
    return np.array([[config["value"] for config in configs] for configs in tried])


def shares(values: Mapping[str, Array], edges: Sequence[float]) -> pd.DataFrame:
    """The share of values between each two edges.

    Args:
        values: for each scale the values, shape (seeds, trials).
        edges: rising, the first and the last included.

    Returns:
        A row a scale and interval: scale, interval, low_edge, high_edge, count, share, low and high (its exact 95%
        interval), seeds, trials (of each).
    """
    rows: list[dict[str, Any]] = []
    for scale, tried in values.items():
        counts, _ = np.histogram(tried, bins=np.array(edges))
        for (low_edge, high_edge), count in zip(pairwise(edges), counts.tolist(), strict=True):
            low, high = exact(count, tried.size)
            row: dict[str, Any] = {"scale": scale, "interval": f"{low_edge:.4g} to {high_edge:.4g}"}
            row |= {"low_edge": low_edge, "high_edge": high_edge, "count": count, "share": count / tried.size}
            rows.append(row | {"low": low, "high": high, "seeds": len(tried), "trials": tried.shape[1]})
    return pd.DataFrame(rows)


def bars(table: pd.DataFrame, caption: str, name: str) -> Any:
    """The shares of two scales side by side; `name` is what the intervals are of."""
    traces = []
    for scale, colour in zip(table["scale"].unique(), (PLAIN, ACCENT), strict=True):
        rows = table[table["scale"] == scale]
        spread = {"array": rows["high"] - rows["share"], "arrayminus": rows["share"] - rows["low"]}
        error = {"type": "data", "symmetric": False, "color": PLAIN, **spread}
        trace = {"type": "bar", "name": f"{scale} scale", "x": rows["interval"], "y": rows["share"]}
        traces.append(trace | {"marker": {"color": colour}, "error_y": error})
    yaxis = {"tickformat": ".0%", "title": {"text": "share of the trials"}}
    return figure(caption, traces, xaxis={"title": {"text": name}}, yaxis=yaxis, barmode="group")
