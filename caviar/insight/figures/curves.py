"""How a study got where it is: the best metric so far, and the learning curves."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from caviar.errors import InputError
from caviar.insight.figures.axes import confirming_waves
from caviar.insight.figures.metric import BROKEN, finished_values, outlier_range
from caviar.insight.figures.style import ACCENT, BAD, PLAIN, Attributes, escape_label, figure, marker_scale, wave_dots
from caviar.records.outcome import Outcome
from caviar.records.trial import State

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_UNFINISHED = 200  # curves of trials that ended early
RUNNER_UP = "#3d74d6"  # the colour of the best trials after the winner
X_TITLES = {"trials": "trials", "seconds": "seconds of training, summed over all trainers"}


def best_so_far(outcome: Outcome, over: str = "trials") -> "Figure":
    """Return a figure of every finished trial's metric, and of the best metric so far.

    Args:
        outcome: of a study.
        over: "trials" (their number) or "seconds" (of training, summed over all trainers).

    Raises:
        InputError: `over` is something else.
    """
    if over not in X_TITLES:
        raise InputError(f"over must be 'trials' or 'seconds', got {over!r}")
    objective, table = outcome.settings.objective, outcome.table
    x = table["trial"].to_numpy(float) + 1 if over == "trials" else table["seconds"].cumsum().to_numpy(float)
    values, waves = finished_values(table, objective.metric), table["wave"].to_numpy()
    finished, confirming = np.isfinite(values), confirming_waves(outcome.waves)
    traces: list[Attributes] = [
        wave_dots(
            wave,
            x[finished & (waves == wave)],
            values[finished & (waves == wave)],
            confirms=wave in confirming,
            trials=len(table),
            marker={"size": 6 * marker_scale(len(table))},
        )
        for wave in sorted(set(waves[finished].tolist()))
    ]
    traces.append(
        {
            "mode": "lines",
            "name": "best so far",
            "x": x[finished].astype(np.float32),
            "y": objective.sign * np.minimum.accumulate(objective.sign * values[finished]),
            "line": {"color": ACCENT, "width": 2.5, "shape": "hv"},
        }
    )
    caption = f"The best {objective.metric} so far over {over}; dots are finished trials, coloured by wave."
    xaxis = {"title": X_TITLES[over], "rangemode": "tozero"}
    yaxis = {"title": escape_label(objective.metric), "range": outlier_range(values[finished])}
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis)


def learning_curves(outcome: Outcome) -> "Figure":
    """Return a figure of the metric over epochs for the ten best trials; thin lines are trials that ended early."""
    metric, table, history = outcome.settings.objective.metric, outcome.table, outcome.history
    by_trial = dict(list(history.groupby("trial"))) if metric in history else {}
    unfinished = table[(table["state"] != State.FINISHED) & table["trial"].isin(list(by_trial))].head(MAX_UNFINISHED)
    traces: list[Attributes] = []
    for name, states, colour, symbol in (
        ("stopped early", (State.STOPPED,), PLAIN, "circle"),
        ("failed or diverged", BROKEN, BAD, "x"),
    ):
        for i, trial in enumerate(unfinished["trial"][unfinished["state"].isin(states)]):
            curve = by_trial[trial]
            only_last = [0.0] * (len(curve) - 1) + [1.0]
            traces.append(
                {
                    **_curve(curve, metric),
                    "line": {"color": colour, "width": 1},
                    "opacity": 0.55,
                    "hoverinfo": "skip",
                    "marker": {"symbol": symbol, "size": 5, "color": colour, "opacity": only_last},
                    "name": name,
                    "legendgroup": name,
                    "showlegend": i == 0,
                }
            )
    for rank, result in reversed(list(enumerate(outcome.ranking[:10]))):  # the winner on top
        trial, wins = result.trial, rank == 0
        colour = ACCENT if wins else RUNNER_UP
        traces.append(
            {
                **_curve(by_trial[trial], metric),
                "name": f"the winner, trial {trial}" if wins else "the next best",
                "showlegend": rank < 2,
                "line": {"color": colour, "width": 3 if wins else 1.3},
                "marker": {"size": 4, "color": colour},
                "opacity": 1.0 if wins else 0.75,
                "meta": {"trial": trial},
                "legendgroup": "winner" if wins else "next best",
                "hovertemplate": f"trial {trial}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
            }
        )
    caption = f"{metric} over epochs: the ten best trials, and {len(unfinished)} that ended early."
    values = history[metric].to_numpy(float) if metric in history else np.empty(0)
    yaxis = {"title": escape_label(metric), "range": outlier_range(values)}
    return figure(caption, traces, xaxis={"title": "epoch"}, yaxis=yaxis)


def _curve(curve: pd.DataFrame, metric: str) -> Attributes:
    return {"mode": "lines+markers", "x": curve["epoch"].to_numpy(), "y": curve[metric].to_numpy(float)}
