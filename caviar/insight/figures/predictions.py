"""The winner's predictions for rows that no trial has seen: the confusion matrix, predicted numbers, calibration."""

import numpy as np
import pandas as pd

from caviar.insight.figures.style import (
    ACCENT,
    BAD,
    HEIGHT,
    PLAIN,
    Attributes,
    Figure,
    error_bars,
    escape_label,
    figure,
    marker_scale,
    shorten,
)

RIGHT = "#3d74d6"  # the colour of rows that were predicted right
MOST_COUNTED = 12  # classes; the cells of a larger matrix are too small for a number
LONGEST = 18  # characters of a class on an axis
CELL = 20  # pixels of a cell of a larger matrix
WEAKEST, STRONGEST = 0.15, 0.6  # opacities of cells; the page's text stays legible on the strongest
DIAGONAL = {"mode": "lines", "line": {"color": PLAIN, "width": 1.2, "dash": "dot"}, "hoverinfo": "skip"}


def is_large(labels: tuple[str, ...]) -> bool:
    """Return whether the confusion matrix of these classes needs a row of the page of its own."""
    return len(labels) > MOST_COUNTED


def confusion(table: pd.DataFrame, labels: tuple[str, ...]) -> Figure:
    """Return the confusion matrix as a figure.

    Args:
        table: a row for each pair of classes that occurs: actual, predicted, rows.
        labels: all classes, in order.
    """
    position = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), int)
    counts[table["actual"].map(position), table["predicted"].map(position)] = table["rows"]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(len(labels), dtype=bool)
    names = [escape_label(shorten(label, LONGEST)) for label in labels]
    ticks = {"tickvals": list(range(len(labels))), "ticktext": names}
    square = {"showgrid": False, "constrain": "domain"}
    traces = [
        _cells(np.where(diagonal, shares, np.nan), counts, labels, RIGHT),
        _cells(np.where(diagonal | (counts == 0), np.nan, shares), counts, labels, BAD),
    ]
    caption = (
        "How many rows of each class (lines) were predicted to be of each class (columns): blue are right, red are "
        "wrong; stronger colours are larger shares of their line."
    )
    return figure(
        caption,
        traces,
        xaxis={**ticks, **square, "title": "predicted"},
        yaxis={**ticks, **square, "title": "actual", "autorange": "reversed", "scaleanchor": "x"},
        height=CELL * len(labels) + 110 if is_large(labels) else HEIGHT,
    )


def _cells(shares: np.ndarray, counts: np.ndarray, labels: tuple[str, ...], colour: str) -> Attributes:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    hover = [[f"{escape_label(a)} as {escape_label(p)}: {n} rows" for p, n in zip(labels, row, strict=True)]
             for a, row in zip(labels, counts.tolist(), strict=True)]  # fmt: skip
    shown = np.where(np.isnan(shares) | (counts == 0), "", counts.astype(str))
    return {
        "type": "heatmap",
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "colorscale": [[share, f"rgba({red},{green},{blue},{a})"] for share, a in ((0, WEAKEST), (1, STRONGEST))],
        "text": shown.tolist(),
        "texttemplate": "" if is_large(labels) else "%{text}",
        "customdata": hover,
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
    }


def predicted_over_actual(table: pd.DataFrame, target: str) -> Figure:
    """Return predicted over actual numbers as dots, with the line on which a prediction is exact.

    Args:
        table: a row for each of the rows of the data: actual, predicted.
        target: the name of what is predicted; "" if it has none.
    """
    values = table.to_numpy(float)
    ends = [float(values.min()), float(values.max())]
    size = 8 * marker_scale(3 * len(table))
    dots = {
        "mode": "markers",
        "name": "a row",
        "x": table["actual"].to_numpy(),
        "y": table["predicted"].to_numpy(),
        "marker": {"size": size, "color": RIGHT, "opacity": 0.55},
        "hovertemplate": "actual %{x:.4g}, predicted %{y:.4g}<extra></extra>",
    }
    name = f" {escape_label(target)}" if target else ""
    return figure(
        f"Predicted over actual values of {len(table):,} rows; on the dotted line a prediction is exact.",
        [{**DIAGONAL, "x": ends, "y": ends, "name": "exact"}, dots],
        xaxis={"title": f"actual{name}"},
        yaxis={"title": f"predicted{name}"},
        showlegend=False,
    )


def calibration_curve(table: pd.DataFrame) -> Figure:
    """Return how often predictions of some probability were right; on the diagonal, probabilities are what they say.

    Args:
        table: a row for each bin: predicted, observed, low and high (an interval of observed), rows.
    """
    observed = table["observed"].to_numpy()
    dots = {
        "mode": "markers",
        "x": table["predicted"].to_numpy(),
        "y": observed,
        "marker": {"color": ACCENT, "size": 6 + 12 * np.sqrt(table["rows"] / table["rows"].sum())},
        "error_y": error_bars(observed, table["low"].to_numpy(), table["high"].to_numpy()),
        "text": [f"{rows:,} rows" for rows in table["rows"]],
        "hovertemplate": "said %{x:.1%}, right %{y:.1%} of %{text}<extra></extra>",
    }
    shares = {"tickformat": ".0%", "range": [-0.04, 1.04]}
    return figure(
        "How often the predicted class was right, over the probability that the network gave it, with 95% intervals; "
        "larger dots are more rows. On the dotted line, probabilities are what they say.",
        [{**DIAGONAL, "x": [0, 1], "y": [0, 1]}, dots],
        xaxis={**shares, "title": "predicted probability"},
        yaxis={**shares, "title": "share that was right"},
        showlegend=False,
    )
