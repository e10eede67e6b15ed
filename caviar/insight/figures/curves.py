"""How a study got where it is: the best metric so far, and the learning curves."""

import numpy as np
import pandas as pd

from caviar.errors import InputError
from caviar.insight.figures.metric import beyond, finished_values, outlier_range, wave_dots
from caviar.insight.figures.style import ACCENT, BAD, PLAIN, Attributes, Figure, escape_label, figure
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS, State

MAX_UNFINISHED = 200  # curves of trials that ended early
RUNNER_UP = "#3d74d6"  # the colour of the best trials after the winner
ENDED_EARLY = (("stopped early", (State.STOPPED,), PLAIN, "circle"), (BROKEN_WORDS, BROKEN, BAD, "x"))


def best_so_far(outcome: Outcome, over: str = "trials") -> Figure:
    """Return a figure of every finished trial's metric and of the best so far, over "trials" or "seconds"."""
    if over not in ("trials", "seconds"):
        raise InputError(f"over must be 'trials' or 'seconds', got {over!r}; try 'trials'")
    objective, table = outcome.settings.objective, outcome.table
    x = table["trial"].to_numpy(float) + 1 if over == "trials" else table["seconds"].cumsum().to_numpy(float)
    values = finished_values(table, objective.metric)
    finished = np.isfinite(values)
    traces = wave_dots(outcome, x, values, sizes=6.0)
    traces.append(
        {
            "mode": "lines",
            "name": "best so far",
            "x": x[finished].astype(np.float32),
            "y": objective.sign * np.minimum.accumulate(objective.sign * values[finished]),
            "line": {"color": ACCENT, "width": 2.5, "shape": "hv"},
        }
    )
    title, summed = ("trials", "") if over == "trials" else ("seconds of training", ", summed over all trainers")
    limits = outlier_range(values[finished])
    caption = f"The best {objective.metric} so far over {title}{summed}; dots are finished trials, coloured by wave."
    xaxis = {"title": title, "rangemode": "tozero"}
    yaxis = {"title": escape_label(objective.metric), "range": limits}
    return figure(caption + beyond(values, limits), traces, xaxis=xaxis, yaxis=yaxis)


def learning_curves(outcome: Outcome) -> Figure:
    """Return a figure of the metric over epochs for the ten best trials; thin lines are trials that ended early."""
    metric, table, history = outcome.settings.objective.metric, outcome.table, outcome.history
    by_trial = dict(list(history.groupby("trial"))) if metric in history else {}
    unfinished = table[(table["state"] != State.FINISHED) & table["trial"].isin(list(by_trial))].head(MAX_UNFINISHED)
    traces: list[Attributes] = []
    for name, states, colour, symbol in ENDED_EARLY:
        for i, trial in enumerate(unfinished["trial"][unfinished["state"].isin(states)]):
            only_last = [0.0] * (len(by_trial[trial]) - 1) + [1.0]
            traces.append(
                _curve(by_trial[trial], metric)
                | {"name": name, "legendgroup": name, "showlegend": i == 0, "opacity": 0.55, "hoverinfo": "skip"}
                | {"marker": {"symbol": symbol, "size": 5, "color": colour, "opacity": only_last}}
                | {"line": {"color": colour, "width": 1}}
            )
    for rank, result in reversed(list(enumerate(outcome.ranking[:10]))):  # the winner on top
        trial = result.trial
        name, colour, width, opacity = ("the next best", RUNNER_UP, 1.3, 0.75)
        if rank == 0:
            name, colour, width, opacity = (f"the winner, trial {trial}", ACCENT, 3.0, 1.0)
        traces.append(
            _curve(by_trial[trial], metric)
            | {"name": name, "legendgroup": name, "showlegend": rank < 2, "opacity": opacity, "meta": {"trial": trial}}
            | {"marker": {"size": 4, "color": colour}, "line": {"color": colour, "width": width}}
            | {"hovertemplate": f"trial {trial}, epoch %{{x}}: %{{y:.4g}}<extra></extra>"}
        )
    early = f", and {len(unfinished)} that ended early" if len(unfinished) else ""
    values = history[metric].to_numpy(float) if metric in history else np.empty(0)
    limits = outlier_range(values)
    caption = f"{metric} over epochs: the ten best trials{early}.{beyond(values, limits)}"
    yaxis = {"title": escape_label(metric), "range": limits}
    return figure(caption, traces, xaxis={"title": "epoch"}, yaxis=yaxis)


def _curve(curve: pd.DataFrame, metric: str) -> Attributes:
    return {"mode": "lines+markers", "x": curve["epoch"].to_numpy(), "y": curve[metric].to_numpy(float)}
