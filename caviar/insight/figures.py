"""Each picture of a study: a function from its tables to a Plotly figure."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from caviar.errors import InputError
from caviar.insight.coordinates import coordinates, side, ticks
from caviar.insight.style import ACCENT, BAD, HEIGHT, MANY, PLAIN, WAVES, figure, shown, wave_colour
from caviar.insight.view import View
from caviar.space.hyperparameters import Choice, Integer
from caviar.space.scales import Array
from caviar.space.space import Space, nearest

RANKS = (  # the lines of the parallel coordinates, worst first: name, share of the trials up to here, colour, opacity
    ("worse half", 1.0, PLAIN, 0.35),
    ("better half", 0.5, "#2f8fd8", 0.5),
    ("best quarter", 0.25, "#2aa876", 0.75),
    ("best 5%", 0.05, ACCENT, 1.0),
)
EARLY = 200  # at most so many curves of trials that ended early


def parallel(study: View) -> Any:
    """All trials as lines: an axis a hyperparameter on its own scale, the metric last; bands are the squares."""
    space, metric, table = study.space, study.settings.metric, study.table
    values, labels = _metric_axis(table, metric)
    heights = np.column_stack([coordinates(table, space), values, np.full(len(table), np.nan)])  # NaN parts the lines
    count = heights.shape[1]
    places = np.append(np.arange(count - 1), np.nan)
    traces: list[Any] = [_band(row, space) for row in study.waves.to_dict("records") if row["kind"] == "fine"]
    for name, colour, opacity, rows in _ranked(table, metric, study.settings.mode):
        line = {"color": colour, "width": 1.2, "dash": "dot" if name == "without a value" else "solid"}
        traces.append(
            {
                "type": "scattergl" if len(table) > MANY else "scatter",
                "mode": "lines",
                "name": name,
                "x": np.tile(places, len(rows)).astype(np.float32),
                "y": heights[rows].ravel().astype(np.float32),
                "customdata": np.repeat(table["trial"].to_numpy(np.int32)[rows], count),
                "hovertemplate": "trial %{customdata}<extra></extra>",
                "line": line,
                "opacity": _clearer(opacity, len(table)),
                "meta": {"points_per_trial": count},
            }
        )
    axes = [(dimension.name, ticks(dimension.hyperparameter)) for dimension in space.dimensions]
    return figure(
        f"{len(table)} trials, a line each, the better the brighter; the bands are the squares of the fine waves.",
        traces,
        xaxis={
            "tickvals": list(range(count - 1)),
            "ticktext": [shown(name) for name in (*(name for name, _ in axes), metric)],
            "side": "top",
            "range": [-0.25, count - 1.6],
            "gridcolor": "rgba(128,128,128,0.7)",
        },
        yaxis={"visible": False, "range": [-0.05, 1.05]},
        annotations=[
            {"x": j, "y": y, "text": shown(text), "showarrow": False, "xanchor": "left", "xshift": 4, "font_size": 11}
            for j, (_, marks) in enumerate([*axes, (metric, labels)])
            for y, text in zip(*marks, strict=True)
        ],
        height=HEIGHT + 60,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
    )


def squares(study: View, x: str, y: str) -> Any:
    """All trials over two hyperparameters, each on its own scale; frames are the squares of the waves.

    Raises:
        InputError: a name that is not in the space.
    """
    space, table, metric = study.space, study.table, study.settings.metric
    axes = [_dimension(space, name) for name in (x, y)]
    points = coordinates(table, space)
    traces: list[Any] = []
    for wave in sorted(set(table["wave"].tolist())):
        colour, rows = wave_colour(wave), np.flatnonzero(table["wave"] == wave)
        place = [_spread(points[rows, j], space, j, table["trial"].to_numpy()[rows], k) for k, j in enumerate(axes)]
        traces.append(
            {
                "type": "scattergl" if len(table) > MANY else "scatter",
                "mode": "markers",
                "name": f"wave {wave}",
                "x": np.where(np.isnan(place[0]), 0.5, place[0]).astype(np.float32),
                "y": np.where(np.isnan(place[1]), 0.5, place[1]).astype(np.float32),
                "marker": {"size": _sizes(table, metric, study.settings.mode)[rows], "color": colour, "opacity": 0.75},
                "text": [shown(text) for text in _hover(table.iloc[rows], x, y, metric)],
                "hovertemplate": "%{text}<extra></extra>",
                "meta": {"points_per_trial": 1},
            }
        )
    frames = [
        _frame(row, [space.dimensions[j] for j in axes])
        for row in study.waves.to_dict("records")
        if row["kind"] == "fine"
    ]
    scales = [
        {"title": {"text": shown(name)}, "tickvals": marks[0], "ticktext": [shown(t) for t in marks[1]], "range": RIM}
        for name, marks in zip((x, y), (ticks(space.dimensions[j].hyperparameter) for j in axes), strict=True)
    ]
    caption = f"{x} and {y}: a dot a trial, larger where {metric} is better; a frame is the square of its wave."
    return figure(caption, traces, xaxis=scales[0], yaxis=scales[1], shapes=frames)


RIM = [-0.04, 1.04]  # the range of an axis of the unit interval, with a margin


def best(study: View, over: str = "trials") -> Any:
    """Every finished trial's metric, and the best so far, over the number of the trial or over seconds."""
    if over not in ("trials", "seconds"):
        raise InputError(f"over={over!r}: it is 'trials' or 'seconds'")
    metric, table = study.settings.metric, study.table
    place = table["trial"].to_numpy(float) + 1 if over == "trials" else table["seconds"].cumsum().to_numpy(float)
    values = _finished(table, metric)
    kept = np.isfinite(values)
    running = np.maximum.accumulate if study.settings.mode == "max" else np.minimum.accumulate
    titles = {"trials": "trials", "seconds": "seconds of training, all trainers together"}
    traces: list[Any] = [
        {
            "type": "scattergl" if len(table) > MANY else "scatter",
            "mode": "markers",
            "name": "a trial",
            "x": place[kept].astype(np.float32),
            "y": values[kept],
            "marker": {"color": [wave_colour(w) for w in table["wave"][kept]], "size": 6, "opacity": 0.75},
            "meta": {"points_per_trial": 1},
        },
        {
            "mode": "lines",
            "name": "best so far",
            "x": place[kept].astype(np.float32),
            "y": running(values[kept]),
            "line": {"color": ACCENT, "width": 2.5, "shape": "hv"},
        },
    ]
    caption = f"The best {metric} so far over {over}; dots are the trials, coloured by wave."
    yaxis: dict[str, Any] = {"title": {"text": shown(metric)}, "range": _fence(values[kept])}
    return figure(caption, traces, xaxis={"title": {"text": titles[over]}}, yaxis=yaxis)


def curves(study: View) -> Any:
    """The metric over epochs of the ten best trials; thin grey lines are those that ended early."""
    metric, table, history = study.settings.metric, study.table, study.history
    ten = [result.trial for result in study.ranking[:10]]
    by_trial = dict(list(history.groupby("trial"))) if metric in history else {}
    early = [trial for trial in table["trial"][table["state"] != "finished"] if trial in by_trial][:EARLY]
    traces: list[Any] = []
    for i, trial in enumerate(early):
        curve = by_trial[trial]
        line = {"color": PLAIN, "width": 1}
        group = {"name": "ended early", "legendgroup": "early", "showlegend": i == 0}
        marker = {"symbol": "x", "size": 6, "color": BAD, "opacity": [0.0] * (len(curve) - 1) + [1.0]}
        traces.append(
            {"mode": "lines+markers", "x": curve["epoch"].to_numpy(), "y": curve[metric].to_numpy(float)}
            | {"line": line, "marker": marker, "opacity": 0.6, "hoverinfo": "skip", **group}
        )
    for rank, trial in enumerate(ten):
        curve = by_trial[trial]
        colour = ACCENT if rank == 0 else WAVES[1 + rank % (len(WAVES) - 1)]
        line = {"color": colour, "width": 3 if rank == 0 else 1.5}
        traces.append(
            {"mode": "lines+markers", "x": curve["epoch"].to_numpy(), "y": curve[metric].to_numpy(float)}
            | {"name": f"trial {trial}", "line": line, "marker": {"size": 4, "color": colour}}
        )
    caption = f"{metric} over epochs: the ten best trials, and in grey {len(early)} that ended early."
    ends = history[metric].to_numpy(float) if metric in history else np.empty(0)
    yaxis: dict[str, Any] = {"title": {"text": shown(metric)}, "range": _fence(ends)}
    return figure(caption, traces, xaxis={"title": {"text": "epoch"}}, yaxis=yaxis)


def bars(table: pd.DataFrame) -> Any:
    """Importance: the share of variance each hyperparameter explains alone, in the space and in the last square."""
    rows = table.iloc[::-1]
    names = [f"{shown(name)} (tier {tier})" for name, tier in zip(rows["hyperparameter"], rows["tier"], strict=True)]
    traces = []
    for where, name, colour in (("square_", "in the last square", PLAIN), ("", "in the whole space", ACCENT)):
        low, middle, high = (rows[where + column].to_numpy() for column in ("low", "share", "high"))
        spread = {"type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low}
        traces.append(
            {"type": "bar", "orientation": "h", "name": name, "y": names, "x": middle, "marker": {"color": colour}}
            | {"error_x": spread | {"color": "rgba(128,128,128,0.9)", "thickness": 1.5}}
        )
    caption = "The share of the metric's variance that each hyperparameter explains alone, with 95% intervals."
    height = 120 + 52 * len(rows)
    xaxis = {"tickformat": ".0%", "range": [0, 1.02]}
    return figure(caption, traces, xaxis=xaxis, height=height, legend_traceorder="reversed", bargap=0.25)


def _metric_axis(table: pd.DataFrame, metric: str) -> tuple[Array, tuple[list[float], list[str]]]:
    """The metric between 0 and 1, outliers at the rim; and the labels of its axis."""
    values = _finished(table, metric)
    low, high = _fence(values) or [0.0, 1.0]
    unit = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    return unit, (marks, [f"{low + mark * (high - low):.4g}" for mark in marks])


def _finished(table: pd.DataFrame, metric: str) -> Array:
    """The metric of each trial, shape (n,); NaN of those that did not finish."""
    if metric not in table:
        return np.full(len(table), np.nan)
    return table[metric].where(table["state"] == "finished").to_numpy(float)


def _fence(values: Array) -> list[float] | None:
    """The range of an axis: that of the values, but a few far outliers do not squeeze the rest into a line."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    quarters = np.quantile(values, [0.25, 0.75])
    reach = 3 * (quarters[1] - quarters[0]) or np.inf
    inside = values[(values >= quarters[0] - reach) & (values <= quarters[1] + reach)]
    margin = 0.04 * (inside.max() - inside.min()) or 0.04 * abs(inside.max()) or 0.04
    return [float(inside.min() - margin), float(inside.max() + margin)]


def _ranked(table: pd.DataFrame, metric: str, mode: str) -> list[tuple[str, str, float, list[int]]]:
    """Groups of rows from the worst to the best: name, colour, opacity, rows."""
    values = _finished(table, metric) * (-1.0 if mode == "max" else 1.0)
    order = [int(i) for i in np.argsort(values, kind="stable") if np.isfinite(values[i])]
    groups = [("without a value", BAD, 0.5, np.flatnonzero(~np.isfinite(values)).tolist())]
    ends = [round(share * len(order)) for _, share, _, _ in RANKS] + [0]
    ends[len(RANKS) - 1] = max(1, ends[len(RANKS) - 1])
    for (name, _, colour, opacity), end, begin in zip(RANKS, ends, ends[1:], strict=False):
        groups.append((name, colour, opacity, order[begin:end]))
    return [group for group in groups if group[3]]


def _band(row: Mapping[Any, Any], space: Space) -> dict[str, Any]:
    """The square of a wave as a band across the parallel axes."""
    sides = np.array([_side(row, dimension) for dimension in space.dimensions])
    places = np.arange(len(sides), dtype=float)
    colour = wave_colour(row["wave"])
    return {
        "mode": "lines",
        "fill": "toself",
        "name": f"square of wave {row['wave']}",
        "x": np.concatenate([places, places[::-1], places[:1]]),
        "y": np.concatenate([sides[:, 0], sides[::-1, 1], sides[:1, 0]]),
        "line": {"color": colour, "width": 1},
        "opacity": 0.8,
        "fillcolor": _faint(colour),
        "hoverinfo": "name",
    }


def _clearer(opacity: float, lines: int) -> float:
    """The more lines, the fainter each, down to a third."""
    return opacity * max(1 / 3, min(1.0, math.pow(200 / lines, 0.3)))


def _faint(colour: str) -> str:
    """A colour such as #2f8fd8, nearly transparent."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.13)"


def _frame(row: Mapping[Any, Any], dimensions: list[Any]) -> dict[str, Any]:
    """The square of a wave as a rectangle."""
    (x0, x1), (y0, y1) = (_side(row, dimension) for dimension in dimensions)
    label = {"text": f"wave {row['wave']}", "textposition": "top left", "font": {"color": wave_colour(row["wave"])}}
    line = {"color": wave_colour(row["wave"]), "width": 2}
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "line": line, "label": label}


def _side(row: Mapping[Any, Any], dimension: Any) -> Array:
    name = dimension.name
    return side(dimension.hyperparameter, row.get(f"{name}_low"), row.get(f"{name}_high"))


def _dimension(space: Space, name: str) -> int:
    names = [dimension.name for dimension in space.dimensions]
    if name not in names:
        raise InputError(f"nothing named {name!r} varies{nearest(name, names)}")
    return names.index(name)


def _spread(points: Array, space: Space, j: int, trials: Array, which: int) -> Array:
    """Choices and small whole numbers a little apart, so that equal ones do not hide each other."""
    hyperparameter = space.dimensions[j].hyperparameter
    if not isinstance(hyperparameter, Choice | Integer) or hyperparameter.levels > 12:
        return points
    golden = (trials * (0.6180339887, 0.7548776662)[which]) % 1.0  # evenly spread, the same every time
    moved: Array = points + (golden - 0.5) * 0.6 / hyperparameter.levels
    return moved


def _sizes(table: pd.DataFrame, metric: str, mode: str) -> Array:
    """Marker sizes in pixels: 4 for the worst, 13 for the best."""
    values = _finished(table, metric) * (1.0 if mode == "max" else -1.0)
    ranks = np.nan_to_num(pd.Series(values).rank(pct=True).to_numpy(), nan=0.0)
    return (4 + 9 * ranks**4).astype(np.float32)


def _hover(table: pd.DataFrame, x: str, y: str, metric: str) -> list[str]:
    value = table[metric] if metric in table else table["state"]
    columns = zip(table["trial"], table[x], table[y], table["state"], value, strict=True)
    return [
        f"trial {trial}: {x} {_short(a)}, {y} {_short(b)}, {metric} {_short(m) if state == 'finished' else state}"
        for trial, a, b, state, m in columns
    ]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
