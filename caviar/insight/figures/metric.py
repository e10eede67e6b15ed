"""The metric in a figure: its axis, and how trials are grouped, sized and drawn as dots."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.insight.figures.axes import Ticks
from caviar.insight.figures.style import ACCENT, BAD, PLAIN, Attributes, marker_scale, wave_colour
from caviar.records.objective import Objective
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS, State
from caviar.space.scales import Array

LARGEST = 1e300  # values are clipped to this, so that their differences stay finite
GRAPHICS_CARD_TRIALS = 3000  # with more trials than this, the graphics card draws the dots
RANKS = (  # of the finished trials, worst first: name, share from here to the best, colour, opacity
    ("worse half", 1.0, PLAIN, 0.4),
    ("better half", 0.5, "#4f9fb8", 0.55),
    ("best quarter", 0.25, "#2aa876", 0.8),
    ("best 5%", 0.05, ACCENT, 1.0),
)


class RankGroup(NamedTuple):
    """Trials that are drawn alike; `rows` are their positions in the table."""

    name: str
    colour: str
    opacity: float
    rows: list[int]
    dashed: bool = False


def finished_values(table: pd.DataFrame, metric: str) -> Array:
    """Return the metric of each trial, shape (n,); NaN for trials that did not finish.

    >>> finished_values(pd.DataFrame({"state": ["finished", "stopped"], "loss": [0.5, 0.7]}), "loss")
    array([0.5, nan])
    """
    if metric not in table:
        return np.full(len(table), np.nan)
    return table[metric].where(table["state"] == State.FINISHED).to_numpy(float)


def outlier_range(values: Array) -> list[float] | None:
    """Return an axis range that a few extreme outliers do not stretch; None if no value is finite.

    Values beyond three interquartile ranges from the quartiles are outliers (Tukey's outer fences).

    >>> [round(bound, 2) for bound in outlier_range(np.array([0.0, 0.2, 0.5, 0.8, 1.0, 1e9]))]
    [-0.04, 1.04]
    """
    values = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
    if not len(values):
        return None
    lower, upper = np.quantile(values, [0.25, 0.75])
    reach = 3 * (upper - lower) or np.inf
    inside = values[(values >= lower - reach) & (values <= upper + reach)]
    margin = 0.04 * (inside.max() - inside.min()) or 0.04 * abs(inside.max()) or 0.04
    return [float(inside.min() - margin), float(inside.max() + margin)]


def beyond(values: Array, limits: Sequence[float] | None) -> str:
    """Return a sentence about the values that an axis does not reach; "" if there are none.

    >>> beyond(np.array([0.5, 1e9, np.nan]), [0.0, 1.0])
    ' 1 value lies beyond the axis.'
    """
    finite = values[np.isfinite(values)]
    outside = 0 if limits is None else int(((finite < limits[0]) | (finite > limits[1])).sum())
    return f" {outside:,} value{'s lie' if outside > 1 else ' lies'} beyond the axis." if outside else ""


def metric_axis(table: pd.DataFrame, metric: str) -> tuple[Array, Ticks]:
    """Return the metric scaled to the unit interval, shape (n,), outliers at its ends; and the ticks of its axis."""
    values = finished_values(table, metric)
    low, high = outlier_range(values) or [0.0, 1.0]
    positions = [0.0, 0.25, 0.5, 0.75, 1.0]
    marks = Ticks(positions, [f"{low + position * (high - low):.4g}" for position in positions])
    return (np.clip(values, low, high) - low) / ((high - low) or 1.0), marks


def rank_groups(table: pd.DataFrame, objective: Objective) -> list[RankGroup]:
    """Return all trials in groups, from those that failed to the best; empty groups are left out."""
    values = objective.sign * finished_values(table, objective.metric)
    finished = np.isfinite(values)
    stopped = (table["state"] == State.STOPPED).to_numpy(bool) & ~finished
    order = [int(i) for i in np.argsort(values, kind="stable") if finished[i]]
    groups = [
        RankGroup(BROKEN_WORDS, BAD, 0.6, np.flatnonzero(~finished & ~stopped).tolist(), dashed=True),
        RankGroup("stopped early", PLAIN, 0.3, np.flatnonzero(stopped).tolist(), dashed=True),
    ]
    ends = [round(share * len(order)) for _, share, _, _ in RANKS] + [0]
    ends[-2] = max(1, ends[-2])
    for (name, _, colour, opacity), end, begin in zip(RANKS, ends, ends[1:], strict=False):
        groups.append(RankGroup(name, colour, opacity, order[begin:end]))
    return [group for group in groups if group.rows]


def marker_sizes(table: pd.DataFrame, objective: Objective) -> Array:
    """Return marker sizes in pixels, shape (n,): 15 for the best, down to 5 for the worst and the unfinished."""
    values = pd.Series(-objective.sign * finished_values(table, objective.metric))
    ranks = np.nan_to_num(values.rank(pct=True).to_numpy(), nan=0.0)
    return np.asarray(5 + 10 * ranks**4, float)


def crosses(x: Array, y: Array, labels: Sequence[str]) -> Attributes:
    """Return a trace with a cross for each trial that did not finish, at x and y, shape (n,), with what it says."""
    marker = {"symbol": "x-thin-open", "size": 7, "color": BAD, "line": {"width": 1.2, "color": BAD}}
    trace: Attributes = {"mode": "markers", "name": "not finished", "legendgroup": "not finished", "marker": marker}
    return trace | {"x": x, "y": y, "text": list(labels), "hovertemplate": "%{text}<extra></extra>"}


def wave_dots(
    outcome: Outcome, x: Array, y: Array, sizes: Array | float, labels: Sequence[str] | None = None
) -> list[Attributes]:
    """Return a trace for each wave with a dot for each trial: crosses mark broken trials, open circles confirming ones.

    Args:
        outcome: the outcome of a study with n trials.
        x, y: where the dots are, shape (n,); a trial where y is NaN is left out.
        sizes: in pixels, one for all or shape (n,); dots shrink further when there are many.
        labels: what Plotly shows when the pointer is over a trial; by default x and y.
    """
    table, scale = outcome.table, marker_scale(len(outcome.table))
    broken = table["state"].isin(BROKEN).to_numpy(bool)
    traces: list[Attributes] = []
    for wave, kind in zip(outcome.waves["wave"], outcome.waves["kind"], strict=True):
        rows = np.flatnonzero((table["wave"] == wave).to_numpy(bool) & np.isfinite(y))
        rows = rows[np.argsort(broken[rows], kind="stable")]  # crosses on top
        if not len(rows):
            continue
        colour = wave_colour(wave, len(outcome.waves))
        circle, width = ("circle-open", 1.5) if kind == "confirm" else ("circle", 0.0)
        if broken[rows].any():
            symbols, width = np.where(broken[rows], "x-thin-open", circle).tolist(), max(width, 1.0)
        else:
            symbols = circle  # a single symbol draws faster than a list
        traces.append(
            {
                "type": "scattergl" if len(table) > GRAPHICS_CARD_TRIALS else "scatter",
                "mode": "markers",
                "name": "confirming" if kind == "confirm" else f"wave {wave}",
                "x": x[rows].astype(np.float32),
                "y": y[rows],
                "marker": {
                    "size": scale * (sizes if isinstance(sizes, float) else sizes[rows].astype(np.float32)),
                    "symbol": symbols,
                    "color": colour,
                    "opacity": 0.8 * scale,
                    "line": {"width": width, "color": colour},
                },
                "meta": {"points_per_trial": 1},
            }
        )
        if labels:
            traces[-1] |= {"text": [labels[i] for i in rows.tolist()], "hovertemplate": "%{text}<extra></extra>"}
    return traces
