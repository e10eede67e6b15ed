"""Importance as bars."""

from typing import Any

import numpy as np
import pandas as pd

from caviar.insight.figures.style import ACCENT, PLAIN, figure, shown

TOGETHER = "#f2c6a0"  # the colour of what only two explain


def bars(table: pd.DataFrame) -> Any:
    """The share of variance that each hyperparameter explains alone, with its strongest partner, in the last square.

    Args:
        table: of `caviar.insight.importance.importance`.
    """
    rows = table.iloc[::-1]
    names = [f"{shown(name)} (tier {tier})" for name, tier in zip(rows["hyperparameter"], rows["tier"], strict=True)]
    partners = [
        f"with {shown(partner)}" if partner and share >= 0.01 else ""
        for partner, share in zip(rows["partner"], rows["interaction"], strict=True)
    ]
    series: list[dict[str, Any]] = [
        {"name": "alone, in the last square", "color": PLAIN, **_middle(rows, "square_")},
        {"name": "only together with its strongest partner", "color": TOGETHER, "x": rows["interaction"].to_numpy()}
        | {"text": partners, "textposition": "outside", "textfont": {"size": 10}, "cliponaxis": False},
        {"name": "alone, in the whole space", "color": ACCENT, **_middle(rows, "")},
    ]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "marker": {"color": one.pop("color"), "line": {"width": 0}},
            **one,
        }
        | {"hovertemplate": "%{y}: %{x:.1%}<extra></extra>"}
        for one in series
    ]
    caption = (
        "The share of the metric's variance that each hyperparameter explains alone, with 95% intervals, "
        "and together with its strongest partner."
    )
    reach = np.nanmax([*table["high"], *table["square_high"].fillna(0), *table["interaction"], 0.1])
    xaxis = {"tickformat": ".0%", "range": [0, min(1.02, 1.05 * reach)]}
    apart = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    return figure(
        caption, traces, xaxis=xaxis, yaxis=apart, height=100 + 56 * len(rows), legend_traceorder="reversed", bargap=0.3
    )


def _middle(rows: pd.DataFrame, where: str) -> dict[str, Any]:
    """Bars with intervals."""
    low, middle, high = (rows[where + column].to_numpy() for column in ("low", "share", "high"))
    spread = {"type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low}
    return {"x": middle, "error_x": spread | {"color": "rgba(128,128,128,0.9)", "thickness": 1.2, "width": 3}}
