"""Trials over two hyperparameters, with the squares of the waves nested in each other."""

import numpy as np
import pandas as pd

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.insight.figures.axes import coordinates, ticks, wave_squares
from caviar.insight.figures.metric import marker_sizes, wave_dots
from caviar.insight.figures.style import Attributes, Figure, escape_label, figure, wave_colour
from caviar.insight.formatting import format_value
from caviar.records.outcome import Outcome
from caviar.records.trial import State
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

UNIT_RANGE = [-0.04, 1.04]  # the unit interval with a margin
MAX_SPREAD_LEVELS = 12  # hyperparameters with more values are not spread
SEQUENCES = (0.6180339887, 0.7548776662)  # multiples give evenly distributed, reproducible offsets for x and y


def nested_squares(outcome: Outcome, x: str, y: str) -> Figure:
    """Return a figure of all trials over the hyperparameters x and y, with the squares of the fine waves as frames."""
    space, table, objective = outcome.space, outcome.table, outcome.settings.objective
    names = [dimension.name for dimension in space.dimensions]
    for name in (x, y):
        if name not in names:
            raise InputError(f"x and y must be hyperparameters that vary, got {name!r}{did_you_mean(name, names)}")
    axes = [names.index(x), names.index(y)]
    hyperparameters = [space.dimensions[j].hyperparameter for j in axes]
    points, trials = coordinates(table, space)[:, axes], table["trial"].to_numpy()
    for k, (hyperparameter, sequence) in enumerate(zip(hyperparameters, SEQUENCES, strict=True)):
        points[:, k] = np.nan_to_num(_spread(points[:, k], hyperparameter, trials * sequence), nan=0.5)
    labels = [escape_label(label) for label in _hover_labels(table, x, y, objective.metric)]
    horizontal, vertical = points.T.astype(np.float32)
    traces = wave_dots(outcome, horizontal, vertical, marker_sizes(table, objective), labels)
    frames = [_frame(wave, sides[axes]) for wave, sides in wave_squares(outcome.waves, space).items()]
    caption = (
        f"{x} and {y}: a dot for each trial, larger where {objective.metric} is better, a cross where it failed or "
        "diverged; each frame is the square of the wave with the same colour."
    )
    xaxis, yaxis = (_axis(*axis) for axis in zip((x, y), hyperparameters, strict=True))
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis, shapes=frames)


def _axis(name: str, hyperparameter: Hyperparameter) -> Attributes:
    marks = ticks(hyperparameter)
    labels = [escape_label(label) for label in marks.labels]
    return {"title": escape_label(name), "tickvals": marks.positions, "ticktext": labels, "range": UNIT_RANGE}


def _frame(wave: int, sides: Array) -> Attributes:
    """Return two sides of a wave's square, shape (2, 2), as a rectangle."""
    (x0, x1), (y0, y1) = sides
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "line": {"color": wave_colour(wave), "width": 2}}


def _spread(points: Array, hyperparameter: Hyperparameter, offsets: Array) -> Array:
    """Spread out the points of a hyperparameter with few values, so that equal ones do not hide each other.

    The fractional parts of the offsets, shape (n,), decide where each point moves.
    """
    if hyperparameter.levels > MAX_SPREAD_LEVELS:
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
