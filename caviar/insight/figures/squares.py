"""Trials over two hyperparameters, with the squares of the waves nested in each other."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.insight.figures.axes import WaveSquare, confirming_waves, coordinates, ticks, wave_squares
from caviar.insight.figures.metric import BROKEN, marker_sizes
from caviar.insight.figures.style import Attributes, escape_label, figure, marker_scale, wave_colour, wave_dots
from caviar.insight.formatting import format_value
from caviar.records.outcome import Outcome
from caviar.records.trial import State
from caviar.space.hyperparameters import Choice, Integer
from caviar.space.scales import Array
from caviar.space.space import Space

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

UNIT_RANGE = [-0.04, 1.04]  # of an axis that shows the unit interval, with a margin
CORNERS = ("top left", "bottom right", "top right", "bottom left")  # where frames are labelled, to keep labels apart
MAX_SPREAD_LEVELS = 12  # hyperparameters with more values are not spread
SEQUENCES = (0.6180339887, 0.7548776662)  # evenly distributed offsets for x and y, always the same


def nested_squares(outcome: Outcome, x: str, y: str) -> "Figure":
    """Return a figure of all trials over two hyperparameters, the squares of the fine waves as frames.

    Args:
        outcome: of a study.
        x, y: names of hyperparameters; each is drawn on its own scale.

    Raises:
        InputError: a name is not in the space.
    """
    space, table, objective = outcome.space, outcome.table, outcome.settings.objective
    axes = [_dimension_index(space, name) for name in (x, y)]
    points, trials = coordinates(table, space), table["trial"].to_numpy()
    sizes = marker_sizes(table, objective).astype(np.float32) * np.float32(marker_scale(len(table)))
    broken = table["state"].isin(BROKEN).to_numpy(bool)
    confirming = confirming_waves(outcome.waves)
    traces: list[Attributes] = []
    for wave in sorted(set(table["wave"].tolist())):
        rows = np.flatnonzero(table["wave"] == wave)
        rows = rows[np.argsort(broken[rows], kind="stable")]  # crosses on top
        drawn_x, drawn_y = (
            np.nan_to_num(_spread(points[rows, j], space, j, trials[rows] * sequence), nan=0.5)
            for j, sequence in zip(axes, SEQUENCES, strict=True)
        )
        confirms = wave in confirming
        circle, width = ("circle-open", 1.5) if confirms else ("circle", 1.0)
        marker = {
            "size": sizes[rows],
            "symbol": np.where(broken[rows], "x-thin-open", circle).tolist(),
            "line": {"width": width, "color": wave_colour(wave)},
        }
        labels = [escape_label(label) for label in _hover_labels(table.iloc[rows], x, y, objective.metric)]
        traces.append(
            wave_dots(wave, drawn_x, drawn_y.astype(np.float32), confirms=confirms, trials=len(table), marker=marker)
            | {"text": labels, "hovertemplate": "%{text}<extra></extra>"}
        )
    xaxis, yaxis = (_axis(space, j) for j in axes)
    caption = (
        f"{x} and {y}: a dot for each trial, larger where {objective.metric} is better, a cross where it failed or "
        "diverged; a frame is the square of its wave."
    )
    squares = enumerate(wave_squares(outcome.waves, space))
    frames = [_frame(square, axes, CORNERS[i % len(CORNERS)]) for i, square in squares]
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis, shapes=frames)


def _axis(space: Space, j: int) -> Attributes:
    dimension = space.dimensions[j]
    marks = ticks(dimension.hyperparameter)
    return {
        "title": escape_label(dimension.name),
        "tickvals": marks.positions,
        "ticktext": [escape_label(label) for label in marks.labels],
        "range": UNIT_RANGE,
    }


def _frame(square: WaveSquare, axes: list[int], corner: str) -> Attributes:
    """Return a square as a rectangle with its wave's number in a corner."""
    (x0, x1), (y0, y1) = square.sides[axes]
    colour = wave_colour(square.wave)
    label = {"text": f"wave {square.wave}", "textposition": corner, "font": {"color": colour}}
    line = {"color": colour, "width": 2}
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "line": line, "label": label}


def _dimension_index(space: Space, name: str) -> int:
    names = [dimension.name for dimension in space.dimensions]
    if name not in names:
        raise InputError(f"x and y must be hyperparameters that vary, got {name!r}{did_you_mean(name, names)}")
    return names.index(name)


def _spread(points: Array, space: Space, j: int, offsets: Array) -> Array:
    """Return points of a coordinate with few values a little apart, so that equal ones do not hide each other.

    Args:
        points: shape (n,), in [0, 1]; NaN stays NaN.
        space, j: the coordinate is the j-th of the space.
        offsets: shape (n,), whose fractional parts decide where each point moves.
    """
    hyperparameter = space.dimensions[j].hyperparameter
    if not isinstance(hyperparameter, Choice | Integer) or hyperparameter.levels > MAX_SPREAD_LEVELS:
        return points
    return points + (offsets % 1.0 - 0.5) * 0.6 / hyperparameter.levels


def _hover_labels(table: pd.DataFrame, x: str, y: str, metric: str) -> list[str]:
    values = table[metric] if metric in table else table["state"]
    columns = zip(table["trial"], table[x], table[y], table["state"], values, strict=True)
    return [
        f"trial {trial}: {x} {format_value(a)}, {y} {format_value(b)}, "
        f"{metric} {format_value(value) if state == State.FINISHED else state}"
        for trial, a, b, state, value in columns
    ]
