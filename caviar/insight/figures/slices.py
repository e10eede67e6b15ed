"""Slices through the winner: what the Gaussian process expects along each hyperparameter, with the trials."""

from collections.abc import Sequence

import numpy as np

from caviar.insight.estimate import Z_95
from caviar.insight.figures.axes import index_of, spread_points, unit_axis
from caviar.insight.figures.metric import beyond, crosses, finished_values, outlier_range
from caviar.insight.figures.style import ACCENT, PLAIN, Attributes, Figure, axis_layout, escape_label, figure
from caviar.insight.surrogate import Surrogate
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS, State
from caviar.space.scales import Array

COLUMNS = 3  # of panels
GAP_X, GAP_Y = 0.04, 70  # between panels: a share of the width, and pixels
PANEL = 210  # pixels: the height of a panel
MOST = 1000  # dots in a panel: the closest to the slice
POSITIONS = 61  # along a hyperparameter
FLOOR = 0.04  # of the height of a panel: where trials without a value are
FAINTEST = 0.12  # the opacity of trials far from the slice
MEAN = "#3d74d6"
BAND = "rgba(61,116,214,0.18)"


def slices(outcome: Outcome, names: Sequence[str] = ()) -> Figure:
    """Return a panel for each hyperparameter: mean and 95% band of the process, with all others as in the winner.

    The closer a trial lies to the slice, by the process's own distance, the more strongly it is drawn.

    Args:
        outcome: with at least 4 finished trials.
        names: of the hyperparameters; those that the winner uses, if left out.
    """
    surrogate, objective, table = Surrogate.of(outcome), outcome.settings.objective, outcome.table
    space = surrogate.space
    chosen = [index_of(name, space) for name in names] or surrogate.active
    values = finished_values(table, objective.metric)
    shown = np.flatnonzero(np.isfinite(values))
    curves = {j: surrogate.predict(surrogate.along(j, surrogate.steps(j, POSITIONS))) for j in chosen}
    ends = [mean + Z_95 * sign * deviation for mean, deviation in curves.values() for sign in (-1, 0, 1)]
    limits = outlier_range(np.concatenate([values[shown], *ends]))
    height = -(-len(chosen) // COLUMNS) * (PANEL + GAP_Y) + 50
    traces: list[Attributes] = []
    axes: dict[str, Attributes] = {}
    for panel, j in enumerate(chosen):
        suffix = "" if panel == 0 else str(panel + 1)
        place: Attributes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "showlegend": panel == 0}
        x = spread_points(table, space, [j])[shown, 0]
        dots = _dots(x, values[shown], _closeness(outcome, surrogate, j)[shown], table["trial"].to_numpy()[shown])
        drawn = [
            *_process(surrogate, j, *curves[j]),
            dots,
            *_broken(outcome, j, limits),
            _winner(surrogate, j, outcome),
        ]
        traces += [trace | place for trace in drawn]
        across, up = _domains(panel, len(chosen), height)
        first = panel % COLUMNS == 0
        title = escape_label(objective.metric) if first else ""
        axes[f"xaxis{suffix}"] = (
            unit_axis(space.dimensions[j].name, space, short=True) | across | {"anchor": f"y{suffix}"}
        )
        axes[f"yaxis{suffix}"] = {"range": limits, "showticklabels": first, "title": title, "anchor": f"x{suffix}"} | up
    caption = (
        f"{objective.metric} along each hyperparameter, with all others as in the winner: the mean of the Gaussian "
        f"process and its 95% band. {_which(len(shown))}; crosses at the bottom {BROKEN_WORDS}, "
        f"and count like a median trial.{beyond(values, limits)}"
    )
    layout = {name: axis_layout(axis) for name, axis in axes.items()}
    return figure(caption, traces, xaxis=layout.pop("xaxis"), yaxis=layout.pop("yaxis"), height=height, **layout)


def _domains(panel: int, count: int, height: int) -> tuple[Attributes, Attributes]:
    """Return the place of a panel, across and up, as shares of the figure."""
    columns, rows = min(COLUMNS, count), -(-count // COLUMNS)
    left, top = panel % COLUMNS / columns, 1 - panel // COLUMNS / rows
    bottom = max(0.0, top - 1 / rows + GAP_Y / height)
    return {"domain": [left + GAP_X / 2, left + 1 / columns - GAP_X / 2]}, {"domain": [bottom, top]}


def _which(trials: int) -> str:
    closer = "Trials close to the slice are stronger"
    return closer if trials <= MOST else f"{closer}, and the {MOST:,} closest are shown"


def _process(surrogate: Surrogate, j: int, mean: Array, deviation: Array) -> list[Attributes]:
    """Return mean and band; points with bars where the hyperparameter is a choice without an order."""
    x = surrogate.steps(j, POSITIONS)
    name, band = "expected", "95% band"
    if surrogate.space.categorical[j]:
        bars = {"type": "data", "array": Z_95 * deviation, "color": MEAN, "thickness": 1.5, "width": 6}
        marker = {"symbol": "line-ew-open", "size": 22, "color": MEAN, "line": {"width": 2.5, "color": MEAN}}
        points: Attributes = {"mode": "markers", "name": name, "x": x, "y": mean, "marker": marker, "error_y": bars}
        return [points | {"legendgroup": name, "hovertemplate": "expected %{y:.4g}<extra></extra>"}]
    high, low = mean + Z_95 * deviation, mean - Z_95 * deviation
    area: Attributes = {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([high, low[::-1]])}
    area |= {"mode": "lines", "fill": "toself", "fillcolor": BAND, "line": {"width": 0}, "hoverinfo": "skip"}
    line: Attributes = {"mode": "lines", "x": x, "y": mean, "line": {"color": MEAN, "width": 2}}
    line |= {"name": name, "legendgroup": name, "hovertemplate": "expected %{y:.4g}<extra></extra>"}
    return [area | {"name": band, "legendgroup": band}, line]


def _dots(x: Array, y: Array, closeness: Array, trials: Array) -> Attributes:
    order = np.argsort(closeness, kind="stable")[-MOST:]  # the closest on top
    opacity = FAINTEST + (1 - FAINTEST) * closeness[order]
    return {
        "mode": "markers",
        "name": "trials",
        "legendgroup": "trials",
        "x": x[order],
        "y": y[order],
        "marker": {"size": 6, "color": PLAIN, "opacity": opacity},
        "text": [f"trial {trial}" for trial in trials[order].tolist()],
        "hovertemplate": "%{text}: %{y:.4g}<extra></extra>",
    }


def _broken(outcome: Outcome, j: int, limits: list[float] | None) -> list[Attributes]:
    """Return a trace of the trials without a value, at the bottom; none if there are none."""
    table = outcome.table[outcome.table["state"].isin(BROKEN)]
    if not len(table) or limits is None:
        return []
    x = spread_points(table, outcome.space, [j])[:, 0]
    states = [State(state).words for state in table["state"]]
    labels = [f"trial {trial}: {words}" for trial, words in zip(table["trial"], states, strict=True)]
    return [crosses(x, np.full(len(x), limits[0] + FLOOR * (limits[1] - limits[0])), labels)]


def _winner(surrogate: Surrogate, j: int, outcome: Outcome) -> Attributes:
    best = outcome.best
    return {
        "mode": "markers",
        "name": "the winner",
        "legendgroup": "winner",
        "x": [surrogate.winner[j]],
        "y": [best.metrics[outcome.settings.objective.metric]],
        "marker": {"size": 10, "color": ACCENT, "symbol": "diamond"},
        "hovertemplate": f"the winner, trial {best.trial}: %{{y:.4g}}<extra></extra>",
    }


def _closeness(outcome: Outcome, surrogate: Surrogate, j: int) -> Array:
    """Return how close each trial is to the slice along coordinate j, (n,): its correlation with its nearest point."""
    kernel, moved = surrogate.process.kernel, surrogate.points_of(outcome.table)
    moved[:, j] = surrogate.winner[j]  # which leaves the distance along all others
    covariance = kernel.covariance(moved, surrogate.winner[None])[:, 0]
    closeness: Array = covariance / kernel.signal_variance
    return closeness
