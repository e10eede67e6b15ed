"""Trials over two hyperparameters, with the squares of the waves nested in each other."""

import numpy as np
import pandas as pd

from caviar.insight.figures.axes import index_of, spread_points, unit_axis, wave_squares
from caviar.insight.figures.metric import marker_sizes, wave_dots
from caviar.insight.figures.style import Attributes, Figure, escape_label, figure, wave_colour
from caviar.insight.formatting import format_value
from caviar.records.outcome import Outcome
from caviar.records.trial import State
from caviar.space.scales import Array


def nested_squares(outcome: Outcome, x: str, y: str) -> Figure:
    """Return a figure of all trials over the hyperparameters x and y, with the squares of the fine waves as frames."""
    space, table, objective = outcome.space, outcome.table, outcome.settings.objective
    axes = [index_of(name, space) for name in (x, y)]
    horizontal, vertical = spread_points(table, space, axes).T.astype(np.float32)
    labels = hover_labels(table, x, y, objective.metric)
    traces = wave_dots(outcome, horizontal, vertical, marker_sizes(table, objective), labels)
    frames = [
        _frame(sides[axes], wave_colour(wave, len(outcome.waves)))
        for wave, sides in wave_squares(outcome.waves, space).items()
    ]
    caption = (
        f"{x} and {y}: a dot for each trial, larger where {objective.metric} is better, a cross where it failed or "
        "diverged; each frame is the square of the wave with the same colour."
    )
    xaxis, yaxis = (unit_axis(name, space) for name in (x, y))
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis, shapes=frames)


def _frame(sides: Array, colour: str) -> Attributes:
    """Return two sides of a wave's square, shape (2, 2), as a rectangle."""
    (x0, x1), (y0, y1) = sides
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "line": {"color": colour, "width": 2}}


def hover_labels(table: pd.DataFrame, x: str, y: str, metric: str) -> list[str]:
    """Return a line for each trial: its number, its values of x and y, and its metric, or how it ended."""
    values = table[metric] if metric in table else table["state"]
    columns = zip(table["trial"], table[x], table[y], table["state"], values, strict=True)
    return [
        escape_label(
            f"trial {trial}: {x} {format_value(a)}, {y} {format_value(b)}, "
            f"{metric} {format_value(value) if state == State.FINISHED else State(state).words}"
        )
        for trial, a, b, state, value in columns
    ]
