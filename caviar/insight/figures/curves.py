"""How a study got where it is: the best so far, and the learning curves."""

from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.insight.figures.metric import fence, finished
from caviar.insight.figures.style import ACCENT, BAD, MANY, PLAIN, crowded, figure, shown, wave_colour
from caviar.records.outcome import View

EARLY = 200  # at most so many curves of trials that ended early
NEXT = "#3d74d6"  # the colour of those that came close


def best(study: View, over: str = "trials") -> Any:
    """Every finished trial's metric, and the best so far, over the number of the trial or over seconds."""
    if over not in ("trials", "seconds"):
        raise InputError(f"over={over!r}: it is 'trials' or 'seconds'")
    metric, table = study.settings.metric, study.table
    place = table["trial"].to_numpy(float) + 1 if over == "trials" else table["seconds"].cumsum().to_numpy(float)
    values, waves = finished(table, metric), table["wave"].to_numpy()
    kept, thin = np.isfinite(values), crowded(len(table))
    running = np.maximum.accumulate if study.settings.mode == "max" else np.minimum.accumulate
    confirming = set(study.waves["wave"][study.waves["kind"] == "confirm"])
    traces: list[Any] = [
        {
            "type": "scattergl" if len(table) > MANY else "scatter",
            "mode": "markers",
            "name": "confirming" if wave in confirming else f"wave {wave}",
            "x": place[kept & (waves == wave)].astype(np.float32),
            "y": values[kept & (waves == wave)],
            "marker": {"color": wave_colour(wave), "size": 6 * thin, "opacity": 0.8 * thin},
            "meta": {"points_per_trial": 1},
        }
        for wave in sorted(set(waves[kept].tolist()))
    ]
    traces.append(
        {
            "mode": "lines",
            "name": "best so far",
            "x": place[kept].astype(np.float32),
            "y": running(values[kept]),
            "line": {"color": ACCENT, "width": 2.5, "shape": "hv"},
        }
    )
    caption = f"The best {metric} so far over {over}; dots are the trials that finished, coloured by wave."
    titles = {"trials": "trials", "seconds": "seconds of training, all trainers together"}
    yaxis: dict[str, Any] = {"title": {"text": shown(metric)}, "range": fence(values[kept])}
    return figure(caption, traces, xaxis={"title": {"text": titles[over]}, "rangemode": "tozero"}, yaxis=yaxis)


def curves(study: View) -> Any:
    """The metric over epochs of the ten best trials; thin lines are those that ended early."""
    metric, table, history = study.settings.metric, study.table, study.history
    ten = [result.trial for result in study.ranking[:10]]
    by_trial = dict(list(history.groupby("trial"))) if metric in history else {}
    ended = table[(table["state"] != "finished") & table["trial"].isin(list(by_trial))].head(EARLY)
    traces: list[Any] = []
    for name, states, colour in (
        ("stopped early", ["stopped"], PLAIN),
        ("failed or diverged", ["diverged", "failed", "timed_out"], BAD),
    ):
        for i, trial in enumerate(ended["trial"][ended["state"].isin(states)]):
            curve = by_trial[trial]
            end = {"symbol": "circle" if states == ["stopped"] else "x", "size": 5, "color": colour}
            traces.append(
                {"mode": "lines+markers", "x": curve["epoch"].to_numpy(), "y": curve[metric].to_numpy(float)}
                | {"line": {"color": colour, "width": 1}, "opacity": 0.55, "hoverinfo": "skip"}
                | {"marker": end | {"opacity": [0.0] * (len(curve) - 1) + [1.0]}}
                | {"name": name, "legendgroup": name, "showlegend": i == 0}
            )
    for rank, trial in reversed(list(enumerate(ten))):  # the winner on top
        curve = by_trial[trial]
        colour = NEXT if rank else ACCENT
        traces.append(
            {"mode": "lines+markers", "x": curve["epoch"].to_numpy(), "y": curve[metric].to_numpy(float)}
            | {"name": "the next best" if rank else f"the winner, trial {trial}", "showlegend": rank < 2}
            | {"line": {"color": colour, "width": 1.3 if rank else 3}, "marker": {"size": 4, "color": colour}}
            | {"opacity": 0.75 if rank else 1.0, "meta": {"trial": trial}, "legendgroup": f"{min(rank, 1)}"}
            | {"hovertemplate": f"trial {trial}, epoch %{{x}}: %{{y:.4g}}<extra></extra>"}
        )
    caption = f"{metric} over epochs: the ten best trials, and {len(ended)} that ended early."
    ends = history[metric].to_numpy(float) if metric in history else np.empty(0)
    yaxis: dict[str, Any] = {"title": {"text": shown(metric)}, "range": fence(ends)}
    return figure(caption, traces, xaxis={"title": {"text": "epoch"}}, yaxis=yaxis)
