"""Trials over two hyperparameters, with the squares of the waves nested in each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.insight.figures.axes import coordinates, ticks, wave_sides
from caviar.insight.figures.metric import sizes
from caviar.insight.figures.style import MANY, crowded, figure, shown, wave_colour
from caviar.records.outcome import View
from caviar.space.hyperparameters import Choice, Integer
from caviar.space.scales import Array
from caviar.space.space import Space

RIM = [-0.04, 1.04]  # the range of an axis of the unit interval, with a margin
CORNERS = ("top left", "bottom right", "top right", "bottom left")  # for the names of frames, so that they keep apart
SYMBOLS = {"failed": "x-thin-open", "diverged": "x-thin-open", "timed_out": "x-thin-open"}


def squares(study: View, x: str, y: str) -> Any:
    """All trials over two hyperparameters, each on its own scale; frames are the squares of the waves.

    Raises:
        InputError: a name that is not in the space.
    """
    space, table, metric = study.space, study.table, study.settings.metric
    axes = [_dimension(space, name) for name in (x, y)]
    points = coordinates(table, space)
    pixels = sizes(table, metric, study.settings.mode) * np.float32(crowded(len(table)))
    confirming = set(study.waves["wave"][study.waves["kind"] == "confirm"])
    traces: list[Any] = []
    for wave in sorted(set(table["wave"].tolist())):
        rows = np.flatnonzero(table["wave"] == wave)
        rows = rows[np.argsort(table["state"].iloc[rows].isin(list(SYMBOLS)).to_numpy(), kind="stable")]  # crosses last
        place = [_spread(points[rows, j], space, j, table["trial"].to_numpy()[rows], k) for k, j in enumerate(axes)]
        plain = "circle-open" if wave in confirming else "circle"
        traces.append(
            {
                "type": "scattergl" if len(table) > MANY else "scatter",
                "mode": "markers",
                "name": "confirming" if wave in confirming else f"wave {wave}",
                "x": np.where(np.isnan(place[0]), 0.5, place[0]).astype(np.float32),
                "y": np.where(np.isnan(place[1]), 0.5, place[1]).astype(np.float32),
                "marker": {
                    "size": pixels[rows],
                    "color": wave_colour(wave),
                    "opacity": 0.8 * crowded(len(table)),
                    "symbol": [SYMBOLS.get(state, plain) for state in table["state"].iloc[rows]],
                    "line": {"width": 1.5 if wave in confirming else 1, "color": wave_colour(wave)},
                },
                "text": [shown(text) for text in _hover(table.iloc[rows], x, y, metric)],
                "hovertemplate": "%{text}<extra></extra>",
                "meta": {"points_per_trial": 1},
            }
        )
    frames = [_frame(row, space, axes, CORNERS[i % len(CORNERS)]) for i, row in enumerate(study.fine_waves)]
    scales = [
        {"title": {"text": shown(name)}, "tickvals": marks[0], "ticktext": [shown(t) for t in marks[1]], "range": RIM}
        for name, marks in zip((x, y), (ticks(space.dimensions[j].hyperparameter) for j in axes), strict=True)
    ]
    caption = (
        f"{x} and {y}: a dot a trial, larger where {metric} is better, a cross where it failed or diverged; "
        "a frame is the square of its wave."
    )
    return figure(caption, traces, xaxis=scales[0], yaxis=scales[1], shapes=frames)


def _frame(row: Mapping[Any, Any], space: Space, axes: list[int], corner: str) -> dict[str, Any]:
    """The square of a wave as a rectangle."""
    (x0, x1), (y0, y1) = wave_sides(row, space)[axes]
    colour = wave_colour(row["wave"])
    label = {"text": f"wave {row['wave']}", "textposition": corner, "font": {"color": colour}}
    return {
        "type": "rect",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "line": {"color": colour, "width": 2},
        "label": label,
    }


def _dimension(space: Space, name: str) -> int:
    names = [dimension.name for dimension in space.dimensions]
    if name not in names:
        raise InputError(f"nothing named {name!r} varies{did_you_mean(name, names)}")
    return names.index(name)


def _spread(points: Array, space: Space, j: int, trials: Array, which: int) -> Array:
    """Choices and small whole numbers a little apart, so that equal ones do not hide each other."""
    hyperparameter = space.dimensions[j].hyperparameter
    if not isinstance(hyperparameter, Choice | Integer) or hyperparameter.levels > 12:
        return points
    golden = (trials * (0.6180339887, 0.7548776662)[which]) % 1.0  # evenly spread, the same every time
    moved: Array = points + (golden - 0.5) * 0.6 / hyperparameter.levels
    return moved


def _hover(table: pd.DataFrame, x: str, y: str, metric: str) -> list[str]:
    value = table[metric] if metric in table else table["state"]
    columns = zip(table["trial"], table[x], table[y], table["state"], value, strict=True)
    return [
        f"trial {trial}: {x} {_short(a)}, {y} {_short(b)}, {metric} {_short(m) if state == 'finished' else state}"
        for trial, a, b, state, m in columns
    ]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
