"""The metric in a figure: its axis, and how trials are grouped and sized by it."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.insight.figures.axes import Ticks
from caviar.insight.figures.style import ACCENT, BAD, PLAIN
from caviar.records.objective import Objective
from caviar.records.trial import State
from caviar.space.scales import Array

BROKEN = (State.DIVERGED, State.FAILED, State.TIMED_OUT)  # neither finished nor stopped to save time


class RankGroup(NamedTuple):
    """Trials that are drawn alike."""

    name: str
    colour: str
    opacity: float
    rows: list[int]  # positions in the table
    dashed: bool = False


RANKS = (  # of the finished trials, worst first: name, share from here to the best, colour, opacity
    ("worse half", 1.0, PLAIN, 0.4),
    ("better half", 0.5, "#4f9fb8", 0.55),
    ("best quarter", 0.25, "#2aa876", 0.8),
    ("best 5%", 0.05, ACCENT, 1.0),
)


def finished_values(table: pd.DataFrame, metric: str) -> Array:
    """Return the metric of each trial, shape (n,); NaN for trials that did not finish.

    >>> finished_values(pd.DataFrame({"state": ["finished", "stopped"], "loss": [0.5, 0.7]}), "loss")
    array([0.5, nan])
    """
    if metric not in table:
        return np.full(len(table), np.nan)
    return table[metric].where(table["state"] == State.FINISHED).to_numpy(float)


def outlier_range(values: Array) -> list[float] | None:
    """Return the range of an axis that a few far outliers do not stretch; None without a finite value.

    Values beyond three interquartile ranges from the quartiles are outliers (Tukey's outer fences).

    >>> [round(bound, 2) for bound in outlier_range(np.array([0.0, 0.2, 0.5, 0.8, 1.0, 1e9]))]
    [-0.04, 1.04]
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    lower, upper = np.quantile(values, [0.25, 0.75])
    reach = 3 * (upper - lower) or np.inf
    inside = values[(values >= lower - reach) & (values <= upper + reach)]
    margin = 0.04 * (inside.max() - inside.min()) or 0.04 * abs(inside.max()) or 0.04
    return [float(inside.min() - margin), float(inside.max() + margin)]


def metric_axis(table: pd.DataFrame, metric: str) -> tuple[Array, Ticks]:
    """Return the metric scaled to the unit interval, shape (n,), outliers at its ends; and the ticks of its axis."""
    values = finished_values(table, metric)
    low, high = outlier_range(values) or [0.0, 1.0]
    unit = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    positions = [0.0, 0.25, 0.5, 0.75, 1.0]
    return unit, Ticks(positions, [f"{low + position * (high - low):.4g}" for position in positions])


def rank_groups(table: pd.DataFrame, objective: Objective) -> list[RankGroup]:
    """Return all trials in groups, from those that failed to the best; empty groups are left out."""
    values = objective.sign * finished_values(table, objective.metric)
    finished = np.isfinite(values)
    stopped = (table["state"] == State.STOPPED).to_numpy(bool) & ~finished
    order = [int(i) for i in np.argsort(values, kind="stable") if finished[i]]
    groups = [
        RankGroup("failed or diverged", BAD, 0.6, np.flatnonzero(~finished & ~stopped).tolist(), dashed=True),
        RankGroup("stopped early", PLAIN, 0.3, np.flatnonzero(stopped).tolist(), dashed=True),
    ]
    ends = [round(share * len(order)) for _, share, _, _ in RANKS] + [0]
    ends[len(RANKS) - 1] = max(1, ends[len(RANKS) - 1])
    for (name, _, colour, opacity), end, begin in zip(RANKS, ends, ends[1:], strict=False):
        groups.append(RankGroup(name, colour, opacity, order[begin:end]))
    return [group for group in groups if group.rows]


def marker_sizes(table: pd.DataFrame, objective: Objective) -> Array:
    """Return marker sizes in pixels, shape (n,): 15 for the best, towards 5 for the worst and the unfinished."""
    values = pd.Series(-objective.sign * finished_values(table, objective.metric))
    ranks = np.nan_to_num(values.rank(pct=True).to_numpy(), nan=0.0)
    return np.asarray(5 + 10 * ranks**4, float)
