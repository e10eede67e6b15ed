"""The importance of hyperparameters as bars with intervals."""

import numpy as np
import pandas as pd

from caviar.insight.figures.style import ACCENT, PLAIN, Attributes, Figure, error_bars, escape_label, figure

INTERACTION = "#f2c6a0"  # the colour of shares that only two hyperparameters together explain
MIN_NAMED_SHARE = 0.01  # smaller interactions are drawn without the partner's name


def importance_bars(table: pd.DataFrame) -> Figure:
    """Return a figure of the table of `importance`: three bars for each hyperparameter.

    They show its share of the variance alone, only together with its strongest partner, and alone in the last square.
    """
    rows = table.iloc[::-1]  # Plotly draws bars from the bottom up
    partners = [
        f"with {escape_label(partner)}" if partner and share >= MIN_NAMED_SHARE else ""
        for partner, share in zip(rows["partner"], rows["interaction"], strict=True)
    ]
    names = {"text": partners, "textposition": "outside", "textfont": {"size": 10}, "cliponaxis": False}
    traces = [
        _bars(rows, "alone, in the last square", PLAIN, "square_share") | _intervals(rows, "square_"),
        _bars(rows, "only together with its strongest partner", INTERACTION, "interaction") | names,
        _bars(rows, "alone, in the whole space", ACCENT, "share") | _intervals(rows, ""),
    ]
    caption = (
        "The share of the metric's variance that each hyperparameter explains alone, with 95% intervals, "
        "and together with its strongest partner."
    )
    longest = np.nanmax([*table["high"], *table["square_high"].fillna(0), *table["interaction"], 0.1])
    return figure(
        caption,
        traces,
        xaxis={"tickformat": ".0%", "range": [0, min(1.02, 1.05 * longest)]},
        yaxis={"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"},
        height=100 + 56 * len(rows),
        legend_traceorder="reversed",
        bargap=0.3,
    )


def _bars(rows: pd.DataFrame, name: str, colour: str, column: str) -> Attributes:
    tiers = zip(rows["hyperparameter"], rows["tier"], strict=True)
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": rows[column].to_numpy(),
        "y": [f"{escape_label(hyperparameter)} (tier {tier})" for hyperparameter, tier in tiers],
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
    }


def _intervals(rows: pd.DataFrame, prefix: str) -> Attributes:
    """Return error bars from the columns share, low and high with a prefix."""
    low, share, high = (rows[prefix + column].to_numpy() for column in ("low", "share", "high"))
    return {"error_x": error_bars(share, low, high)}
