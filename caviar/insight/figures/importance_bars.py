"""The importance of hyperparameters as bars with intervals."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from caviar.insight.figures.style import ACCENT, PLAIN, Attributes, escape_label, figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

INTERACTION = "#f2c6a0"  # the colour of what only two hyperparameters explain together
MIN_NAMED_SHARE = 0.01  # interactions below it are drawn without the partner's name


def importance_bars(table: pd.DataFrame) -> "Figure":
    """Return a figure of the share of variance that each hyperparameter explains.

    It has three bars: alone in the whole space, together with its strongest partner, and alone in the last square.

    Args:
        table: of `caviar.insight.importance.importance`.
    """
    rows = table.iloc[::-1]  # Plotly draws bars from the bottom up
    tiers = zip(rows["hyperparameter"], rows["tier"], strict=True)
    names = [f"{escape_label(name)} (tier {tier})" for name, tier in tiers]
    partners = [
        f"with {escape_label(partner)}" if partner and share >= MIN_NAMED_SHARE else ""
        for partner, share in zip(rows["partner"], rows["interaction"], strict=True)
    ]
    interactions = {
        "x": rows["interaction"].to_numpy(),
        "text": partners,
        "textposition": "outside",
        "textfont": {"size": 10},
        "cliponaxis": False,
    }
    traces = [
        _bars("alone, in the last square", PLAIN, names, _with_interval(rows, "square_")),
        _bars("only together with its strongest partner", INTERACTION, names, interactions),
        _bars("alone, in the whole space", ACCENT, names, _with_interval(rows, "")),
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


def _bars(name: str, colour: str, labels: list[str], values: Attributes) -> Attributes:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": labels,
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
        **values,
    }


def _with_interval(rows: pd.DataFrame, prefix: str) -> Attributes:
    """Return the lengths of bars and their error bars, from the columns share, low and high with a prefix."""
    low, share, high = (rows[prefix + column].to_numpy() for column in ("low", "share", "high"))
    interval = {"type": "data", "symmetric": False, "array": high - share, "arrayminus": share - low}
    return {"x": share, "error_x": {**interval, "color": "rgba(128,128,128,0.9)", "thickness": 1.2, "width": 3}}
