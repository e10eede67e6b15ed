"""Parallel coordinates: all trials of a study as lines over its hyperparameters, with the squares of the waves."""

import math

import numpy as np

from caviar.insight.figures.axes import coordinates, ticks, wave_squares
from caviar.insight.figures.metric import beyond, finished_values, metric_axis, outlier_range, rank_groups
from caviar.insight.figures.style import (
    HEIGHT,
    Attributes,
    Figure,
    escape_label,
    figure,
    marker_scale,
    shorten,
    wave_colour,
)
from caviar.records.outcome import Outcome
from caviar.space.scales import Array


def parallel_coordinates(outcome: Outcome) -> Figure:
    """Return a figure of all trials as lines, with the squares of the fine waves as bands.

    Each hyperparameter has an axis on its own scale; the metric's axis is the last. Only the first and the last square
    are visible until others are clicked on: more of them would hide the lines.
    """
    space, objective, table = outcome.space, outcome.settings.objective, outcome.table
    metric_values, metric_ticks = metric_axis(table, objective.metric)
    gap = np.full(len(table), np.nan)  # separates one line from the next
    heights = np.column_stack([coordinates(table, space), metric_values, gap])
    count, scale = heights.shape[1], marker_scale(len(table))
    positions = np.append(np.arange(count - 1), np.nan)
    opacity = max(1 / 3, min(1.0, math.pow(200 / len(table), 0.3)))  # lines get fainter when there are many
    squares, values = wave_squares(outcome.waves, space), finished_values(table, objective.metric)
    shown = {min(squares, default=0), max(squares, default=0)}
    traces = [
        _band(wave, sides, wave_colour(wave, len(outcome.waves)), wave in shown) for wave, sides in squares.items()
    ]
    for group in rank_groups(table, objective):
        width = (2.0 if group.name == "best 5%" else 1.2) * scale
        traces.append(
            {
                "type": "scatter",  # without a graphics card, 10,000 lines of scattergl take 15 seconds
                "mode": "lines",
                "name": group.name,
                "x": np.tile(positions, len(group.rows)).astype(np.float32),
                "y": heights[group.rows].ravel().astype(np.float32),
                "customdata": np.repeat(table["trial"].to_numpy(np.int32)[group.rows], count),
                "hovertemplate": "trial %{customdata}<extra></extra>",
                "line": {"color": group.colour, "width": width, "dash": "dot" if group.dashed else "solid"},
                "opacity": group.opacity * opacity,
                "meta": {"points_per_trial": count},
            }
        )
    more = "; click on a wave in the legend to see its square" if len(squares) > len(shown) else ""
    axes = {dimension.name: ticks(dimension.hyperparameter) for dimension in space.dimensions}
    axes[objective.metric] = metric_ticks
    notes = {"showarrow": False, "xanchor": "left", "xshift": 4, "font_size": 11}
    return figure(
        f"{len(table)} trials, one line each, from grey (worst) to orange (best); bands are the squares of fine "
        f"waves{more}.{beyond(values, outlier_range(values))}",
        traces,
        xaxis={
            "tickvals": list(range(count - 1)),
            "ticktext": [f"<b>{escape_label(name)}</b>" for name in axes],
            "side": "top",
            "range": [-0.25, count - 1.6],
            "gridcolor": "rgba(128,128,128,0.7)",
            "fixedrange": True,
        },
        yaxis={"visible": False, "range": [-0.05, 1.05], "fixedrange": True},
        annotations=[
            {"x": j, "y": y, "text": escape_label(shorten(label)), **notes}
            for j, marks in enumerate(axes.values())
            for y, label in zip(marks.positions, marks.labels, strict=True)
        ],
        height=HEIGHT + 80,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
    )


def _band(wave: int, sides: Array, colour: str, is_shown: bool) -> Attributes:
    """Return the square of a wave, shape (d, 2), as a band across the axes."""
    low, high = sides.T
    positions = np.arange(len(low), dtype=float)
    return {
        "mode": "lines",
        "fill": "toself",
        "name": f"square of wave {wave}",
        "visible": True if is_shown else "legendonly",
        "x": np.concatenate([positions, positions[::-1], positions[:1]]),
        "y": np.concatenate([low, high[::-1], low[:1]]),
        "line": {"color": colour, "width": 1.5},
        "opacity": 0.8,
        "fillcolor": "rgba({},{},{},0.13)".format(*bytes.fromhex(colour[1:])),
        "hoverinfo": "name",
    }
