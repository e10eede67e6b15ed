"""The metric on an axis of a picture: of which trials it is known, in which range, and who is how good."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.insight.figures.style import ACCENT, BAD, PLAIN
from caviar.space.scales import Array

RANKS = (  # of the finished trials, worst first: name, share of them from here on, colour, opacity
    ("worse half", 1.0, PLAIN, 0.4),
    ("better half", 0.5, "#4f9fb8", 0.55),
    ("best quarter", 0.25, "#2aa876", 0.8),
    ("best 5%", 0.05, ACCENT, 1.0),
)


class Group(NamedTuple):
    """Trials that are drawn alike."""

    name: str
    colour: str
    opacity: float
    rows: list[int]  # of the table


def finished(table: pd.DataFrame, metric: str) -> Array:
    """The metric of each trial, shape (n,); NaN of those that did not finish."""
    if metric not in table:
        return np.full(len(table), np.nan)
    return table[metric].where(table["state"] == "finished").to_numpy(float)


def fence(values: Array) -> list[float] | None:
    """The range of an axis: that of the values, but a few far outliers do not squeeze the rest into a line."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    quarters = np.quantile(values, [0.25, 0.75])
    reach = 3 * (quarters[1] - quarters[0]) or np.inf
    inside = values[(values >= quarters[0] - reach) & (values <= quarters[1] + reach)]
    margin = 0.04 * (inside.max() - inside.min()) or 0.04 * abs(inside.max()) or 0.04
    return [float(inside.min() - margin), float(inside.max() + margin)]


def axis(table: pd.DataFrame, metric: str) -> tuple[Array, tuple[list[float], list[str]]]:
    """The metric between 0 and 1, shape (n,), outliers at the rim; and the places and labels of its axis."""
    values = finished(table, metric)
    low, high = fence(values) or [0.0, 1.0]
    unit = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    return unit, (marks, [f"{low + mark * (high - low):.4g}" for mark in marks])


def groups(table: pd.DataFrame, metric: str, mode: str) -> list[Group]:
    """All trials, from those that failed to the best; groups without a trial are left out."""
    values = finished(table, metric) * (-1.0 if mode == "max" else 1.0)
    stopped = ((table["state"] == "stopped") & ~np.isfinite(values)).to_numpy(bool)
    order = [int(i) for i in np.argsort(values, kind="stable") if np.isfinite(values[i])]
    found = [
        Group("failed or diverged", BAD, 0.6, np.flatnonzero(~np.isfinite(values) & ~stopped).tolist()),
        Group("stopped early", PLAIN, 0.3, np.flatnonzero(stopped).tolist()),
    ]
    ends = [round(share * len(order)) for _, share, _, _ in RANKS] + [0]
    ends[len(RANKS) - 1] = max(1, ends[len(RANKS) - 1])
    for (name, _, colour, opacity), end, begin in zip(RANKS, ends, ends[1:], strict=False):
        found.append(Group(name, colour, opacity, order[begin:end]))
    return [group for group in found if group.rows]


def sizes(table: pd.DataFrame, metric: str, mode: str) -> Array:
    """Marker sizes in pixels, shape (n,): 5 for the worst, 15 for the best; those stopped early stand behind."""
    sign = 1.0 if mode == "max" else -1.0
    values = pd.Series(sign * finished(table, metric))
    ranks = np.nan_to_num(values.rank(pct=True).to_numpy(), nan=0.0)
    return (5 + 10 * ranks**4).astype(np.float32)
