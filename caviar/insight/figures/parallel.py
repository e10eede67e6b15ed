"""Parallel coordinates: all trials of a study as lines over its hyperparameters, with the squares of the waves."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from caviar.insight.figures.axes import coordinates, ticks, wave_sides
from caviar.insight.figures.metric import axis, groups
from caviar.insight.figures.style import HEIGHT, crowded, figure, shown, wave_colour
from caviar.records.outcome import View
from caviar.space.space import Space

LONGEST = 12  # letters of a label


def parallel(study: View) -> Any:
    """All trials as lines: an axis a hyperparameter on its own scale, the metric last; bands are the squares."""
    space, metric, table = study.space, study.settings.metric, study.table
    values, labels = axis(table, metric)
    heights = np.column_stack([coordinates(table, space), values, np.full(len(table), np.nan)])  # NaN parts the lines
    count, thin = heights.shape[1], crowded(len(table))
    places = np.append(np.arange(count - 1), np.nan)
    traces: list[Any] = [_band(row, space) for row in study.fine_waves]
    for name, colour, opacity, rows in groups(table, metric, study.settings.mode):
        dash = "dot" if name in ("failed or diverged", "stopped early") else "solid"
        traces.append(
            {
                "type": "scatter",  # without a graphics card, ten thousand lines of scattergl take 15 seconds
                "mode": "lines",
                "name": name,
                "x": np.tile(places, len(rows)).astype(np.float32),
                "y": heights[rows].ravel().astype(np.float32),
                "customdata": np.repeat(table["trial"].to_numpy(np.int32)[rows], count),
                "hovertemplate": "trial %{customdata}<extra></extra>",
                "line": {"color": colour, "width": (2.0 if name == "best 5%" else 1.2) * thin, "dash": dash},
                "opacity": _clearer(opacity, len(table)),
                "meta": {"points_per_trial": count},
            }
        )
    axes = [(dimension.name, ticks(dimension.hyperparameter)) for dimension in space.dimensions]
    return figure(
        f"{len(table)} trials, a line each, from grey to orange the better; bands are the squares of the fine waves.",
        traces,
        xaxis={
            "tickvals": list(range(count - 1)),
            "ticktext": [f"<b>{shown(name)}</b>" for name in (*(name for name, _ in axes), metric)],
            "side": "top",
            "range": [-0.25, count - 1.6],
            "gridcolor": "rgba(128,128,128,0.7)",
            "showline": False,
            "fixedrange": True,
        },
        yaxis={"visible": False, "range": [-0.05, 1.05], "fixedrange": True},
        annotations=[
            {
                "x": j,
                "y": y,
                "text": shown(_short(text)),
                "showarrow": False,
                "xanchor": "left",
                "xshift": 4,
                "font_size": 11,
            }
            for j, (_, marks) in enumerate([*axes, (metric, labels)])
            for y, text in zip(*marks, strict=True)
        ],
        height=HEIGHT + 80,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
    )


def _band(row: Mapping[Any, Any], space: Space) -> dict[str, Any]:
    """The square of a wave as a band across the parallel axes."""
    sides = wave_sides(row, space)
    places = np.arange(len(sides), dtype=float)
    colour = wave_colour(row["wave"])
    return {
        "mode": "lines",
        "fill": "toself",
        "name": f"square of wave {row['wave']}",
        "x": np.concatenate([places, places[::-1], places[:1]]),
        "y": np.concatenate([sides[:, 0], sides[::-1, 1], sides[:1, 0]]),
        "line": {"color": colour, "width": 1.5},
        "opacity": 0.8,
        "fillcolor": _faint(colour),
        "hoverinfo": "name",
    }


def _short(text: str) -> str:
    """A label that does not reach the next axis."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _clearer(opacity: float, lines: int) -> float:
    """The more lines, the fainter each, down to a third."""
    return opacity * max(1 / 3, min(1.0, math.pow(200 / lines, 0.3)))


def _faint(colour: str) -> str:
    """A colour such as #2f8fd8, nearly transparent."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.13)"
