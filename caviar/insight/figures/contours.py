"""Two hyperparameters at once: what the Gaussian process expects over them, and where each rank of trials lies."""

import numpy as np

from caviar.errors import InputError
from caviar.insight.estimate import Z_95
from caviar.insight.figures.axes import index_of, spread_points, unit_axis
from caviar.insight.figures.metric import crosses, finished_values
from caviar.insight.figures.squares import hover_labels
from caviar.insight.figures.style import ACCENT, PLAIN, Attributes, Figure, escape_label, figure, marker_scale
from caviar.insight.surrogate import Surrogate
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS
from caviar.space.scales import Array

POSITIONS = 41  # along each hyperparameter
SMOOTH = 8  # values; with fewer, cells are drawn instead of contour lines
LEVELS = 12  # contour lines
# from the worst to the best: legible on light and dark pages
EXPECTED = ((0.0, "rgba(138,148,166,0.10)"), (0.5, "rgba(61,116,214,0.45)"), (1.0, "rgba(224,123,57,0.85)"))
RANKED = ((0.0, PLAIN), (0.5, "#3d74d6"), (0.85, "#2aa876"), (1.0, ACCENT))  # from the last rank to the first


def contour(outcome: Outcome, x: str, y: str) -> Figure:
    """Return what the process expects of the metric over x and y, with all others as in the winner, and the trials."""
    if x == y:
        raise InputError(f"x and y must be two hyperparameters, got {x!r} twice")
    surrogate, metric = Surrogate.of(outcome), outcome.settings.objective.metric
    space = surrogate.space
    i, j = index_of(x, space), index_of(y, space)
    across, up = surrogate.steps(i, POSITIONS), surrogate.steps(j, POSITIONS)
    grid = np.tile(surrogate.winner, (len(up) * len(across), 1))
    grid[:, i], grid[:, j] = np.tile(across, len(up)), np.repeat(up, len(across))
    mean, deviation = (values.reshape(len(up), len(across)) for values in surrogate.predict(grid))
    field: Attributes = {
        "x": across,
        "y": up,
        "z": mean,
        "customdata": Z_95 * deviation,
        "colorscale": [list(stop) for stop in (EXPECTED if surrogate.sign < 0 else _reversed(EXPECTED))],
        "colorbar": {"title": {"text": escape_label(metric)}, "thickness": 12, "outlinewidth": 0},
        "hovertemplate": "expected %{z:.4g} ± %{customdata:.2g}<extra></extra>",
        "name": "expected",
    }
    smooth = min(space.levels[i], space.levels[j]) >= SMOOTH
    lines = {"type": "contour", "ncontours": LEVELS, "line": {"width": 0.5, "color": "rgba(128,128,128,0.6)"}}
    traces = [field | (lines if smooth else {"type": "heatmap"}), *_trials(outcome, x, y)]
    best = {"size": 11, "color": ACCENT, "symbol": "diamond", "line": {"width": 1.5, "color": "#ffffff"}}
    winner = {"mode": "markers", "name": f"the winner, trial {outcome.best.trial}", "marker": best}
    traces.append({**winner, "x": [surrogate.winner[i]], "y": [surrogate.winner[j]], "hoverinfo": "name"})
    caption = (
        f"What the Gaussian process expects of {metric} over {x} and {y}, with all others as in the winner. Dots are "
        f"all trials, whatever their other values; crosses {BROKEN_WORDS}, and count like a median trial."
    )
    return figure(caption, traces, xaxis=unit_axis(x, space), yaxis=unit_axis(y, space))


def ranks(outcome: Outcome, x: str, y: str) -> Figure:
    """Return all trials over x and y, coloured by rank; crosses did not finish."""
    objective, space = outcome.settings.objective, outcome.space
    table = outcome.table[outcome.table["confirms"].isna()]
    across, up = spread_points(table, space, [index_of(name, space) for name in (x, y)]).T
    values = objective.sign * finished_values(table, objective.metric)
    finished = np.flatnonzero(np.isfinite(values))
    counted = values[finished].argsort(kind="stable").argsort(kind="stable") + 1  # equal ones in the order of trials
    shown_ranks = sorted({1, len(finished), *(round(len(finished) * share) for share in (0.25, 0.5, 0.75))} - {0})
    labels = hover_labels(table, x, y, objective.metric)
    order = np.argsort(-counted)  # the best on top
    shown = finished[order]
    dots: Attributes = {
        "mode": "markers",
        "name": "finished",
        "x": across[shown],
        "y": up[shown],
        "text": [f"rank {rank}: {labels[i]}" for rank, i in zip(counted[order], shown, strict=True)],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": -counted[order],  # so that the first rank is at the top of the bar
            "colorscale": [list(stop) for stop in RANKED],
            "cmin": -max(2, len(finished)),
            "cmax": -1,
            "size": 9 * marker_scale(len(table)),
            "colorbar": {
                "title": {"text": "rank"},
                "thickness": 12,
                "outlinewidth": 0,
                "tickvals": [-rank for rank in shown_ranks],
                "ticktext": list(map(str, shown_ranks)),
            },
        },
    }
    others = np.flatnonzero(~np.isfinite(values))
    traces = [dots, *([crosses(across[others], up[others], [labels[i] for i in others])] if len(others) else [])]
    caption = f"The rank of each trial by {objective.metric} over {x} and {y}; the best is 1."
    return figure(caption, traces, xaxis=unit_axis(x, space), yaxis=unit_axis(y, space), showlegend=bool(len(others)))


def _trials(outcome: Outcome, x: str, y: str) -> list[Attributes]:
    table, space = outcome.table, outcome.space
    points: Array = spread_points(table, space, [index_of(name, space) for name in (x, y)])
    broken = table["state"].isin(BROKEN).to_numpy(bool)
    labels = hover_labels(table, x, y, outcome.settings.objective.metric)
    size, edge = 6 * marker_scale(len(table)), {"width": 0.8, "color": "#ffffff"}
    marker = {"size": size, "color": "#5b6472", "line": edge}
    shown = np.flatnonzero(~broken)
    dots: Attributes = {"mode": "markers", "name": "trials", "x": points[shown, 0], "y": points[shown, 1]}
    dots |= {"marker": marker, "text": [labels[i] for i in shown], "hovertemplate": "%{text}<extra></extra>"}
    lost = np.flatnonzero(broken)
    return [dots, *([crosses(points[lost, 0], points[lost, 1], [labels[i] for i in lost])] if len(lost) else [])]


def _reversed(scale: tuple[tuple[float, str], ...]) -> list[tuple[float, str]]:
    return [(1 - position, colour) for position, colour in reversed(scale)]
