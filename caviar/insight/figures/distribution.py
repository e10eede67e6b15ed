"""How the metric is distributed over the trials: the share of them that reach each value or less."""

from collections.abc import Mapping

import numpy as np

from caviar.errors import InputError
from caviar.insight.figures.metric import beyond, finished_values, outlier_range
from caviar.insight.figures.style import ACCENT, WAVES, Attributes, Figure, escape_label, figure
from caviar.records.outcome import Outcome
from caviar.space.scales import Array


def distribution(outcome: Outcome, others: Mapping[str, Outcome] | None = None) -> Figure:
    """Return the empirical distribution of the metric: of all trials, and of those sampled evenly from the space.

    Args:
        outcome: of the study.
        others: other studies of the same metric, by the names that the legend shows.
    """
    metric, mode = outcome.settings.objective.metric, outcome.settings.objective.mode
    table, waves = outcome.table, outcome.waves
    values = finished_values(table, metric)
    coarse = table["wave"].isin(waves["wave"][waves["kind"] == "coarse"]).to_numpy(bool)
    search = table["confirms"].isna().to_numpy(bool)
    samples = {"all trials": values[search], "those of the first wave": values[search & coarse]}
    if others is not None:
        samples = {outcome.settings.name: values[search]}
        for name, other in others.items():
            if other.settings.objective != outcome.settings.objective:
                raise InputError(f"study {name!r} has {other.settings.objective}, not {outcome.settings.objective}")
            first_runs = other.table["confirms"].isna()
            samples[name] = finished_values(other.table[first_runs], metric)
    colours = (ACCENT, WAVES[0], *WAVES[3:])
    traces = [_steps(name, sample, colours[i % len(colours)]) for i, (name, sample) in enumerate(samples.items())]
    better = "further right" if mode == "max" else "further left"
    caption = f"The share of the trials whose {metric} is at most so much; a curve {better} is better."
    everything = np.concatenate(list(samples.values()))
    limits = outlier_range(everything)
    caption += beyond(everything, limits)
    xaxis = {"title": escape_label(metric), "range": limits}
    yaxis = {"title": "share of trials", "tickformat": ".0%", "range": [-0.02, 1.02]}
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis)


def _steps(name: str, sample: Array, colour: str) -> Attributes:
    """Return a step for each finished trial; the trials that did not finish lie beyond the last."""
    finished = np.sort(sample[np.isfinite(sample)])
    shares = np.arange(1, len(finished) + 1) / max(len(sample), 1)
    return {
        "mode": "lines",
        "name": escape_label(name),
        "x": np.concatenate([finished[:1], finished]),
        "y": np.concatenate([np.zeros(min(1, len(finished))), shares]),
        "line": {"color": colour, "width": 2.2, "shape": "hv"},
        "hovertemplate": "%{y:.0%} reach at most %{x:.4g}<extra></extra>",
    }
