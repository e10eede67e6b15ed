"""The importance of the table's columns as bars."""

import pandas as pd

from caviar.insight.figures.style import ACCENT, Figure, escape_label, figure, shorten

MOST_BARS = 20
LONGEST = 28  # characters of a column's name


def column_bars(table: pd.DataFrame, metric: str) -> Figure:
    """Return a bar for each of the most important columns: how much worse the metric becomes when it is shuffled.

    Args:
        table: a row for each column, the most important first: column, mean, deviation.
        metric: which the means are of.
    """
    rows = table.head(MOST_BARS).iloc[::-1]  # Plotly draws bars from the bottom up
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": rows["mean"].to_numpy(),
        "y": list(range(len(rows))),
        "marker": {"color": ACCENT, "line": {"width": 0}},
        "error_x": {"type": "data", "array": rows["deviation"].to_numpy(), "thickness": 1.2, "width": 3},
        "customdata": [escape_label(name) for name in rows["column"]],
        "hovertemplate": "%{customdata}: %{x:.4g}<extra></extra>",
    }
    first = f"The {MOST_BARS} columns" if len(table) > MOST_BARS else "The columns"
    caption = (
        f"{first} that the network needs most: how much worse its {metric} becomes when the values of one are "
        "shuffled; lines are standard deviations of five shuffles."
    )
    return figure(
        caption,
        [bars],
        xaxis={"title": f"{escape_label(metric)} worse by", "zeroline": True, "zerolinecolor": "rgba(128,128,128,0.6)"},
        yaxis={
            "tickvals": bars["y"],
            "ticktext": [escape_label(shorten(name, LONGEST)) for name in rows["column"]],
            "showgrid": False,
            "title": "column",
        },
        height=110 + 24 * len(rows),
        bargap=0.35,
    )
