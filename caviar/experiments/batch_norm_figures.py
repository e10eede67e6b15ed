"""The pictures of `covariate_shift`, each drawn from one of its tables."""

from collections.abc import Sequence

import pandas as pd

from caviar.experiments.conclusions import OWN_RATE, WITH, WITHOUT
from caviar.experiments.finding import Drawing
from caviar.insight.figures.style import Attributes, figure

_COLOURS = {WITHOUT: "#8a94a6", WITH: "#e07b39", OWN_RATE: "#2f8fd8"}
_LOG: Attributes = {"type": "log", "dtick": 1, "exponentformat": "power"}  # a tick per decade
_STEPS: Attributes = {"title": {"text": "step"}, **_LOG}


def _draw_accuracy(table: pd.DataFrame) -> object:
    traces: list[Attributes] = []
    for network, rows in table.groupby("network", sort=False):
        seeds = rows.groupby("step")["test_accuracy"].agg(["mean", "min", "max"])
        colour = _COLOURS[str(network)]
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.2)"}
        line: Attributes = {"mode": "lines", "x": seeds.index}
        edge = {**line, "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        traces += [{**edge, "y": seeds["min"]}, {**edge, "y": seeds["max"], **fill}]
        traces.append({**line, "name": network, "y": seeds["mean"], "line": {"color": colour, "width": 2.5}})
    caption = "Test accuracy through training, batch norm with the running averages; the band holds all seeds."
    yaxis = {"title": {"text": "test accuracy"}, "tickformat": ".0%"}
    return figure(caption, traces, xaxis=_STEPS, yaxis=yaxis)


def _draw_rates(table: pd.DataFrame) -> object:
    traces: list[Attributes] = []
    for network, rows in table.groupby("network", sort=False):
        reached = rows[rows["steps"] < float("inf")]
        line: Attributes = {"mode": "lines+markers", "line": {"color": _COLOURS[str(network)], "width": 2}}
        traces.append({**line, "name": network, "x": reached["learning_rate"], "y": reached["steps"]})
    caption = "Median steps to the accuracy over learning rates; where a line ends, most seeds do not reach it."
    yaxis = {"title": {"text": "steps"}, **_LOG, "dtick": "D2"}
    return figure(caption, traces, xaxis={"title": {"text": "learning rate"}, **_LOG}, yaxis=yaxis)


def _draw_inputs(table: pd.DataFrame) -> object:
    networks = list(table["network"].unique())
    traces: list[Attributes] = []
    for i, network in enumerate(networks):
        rows = table[table["network"] == network]
        for name, width in (("p15", 1), ("p50", 2.5), ("p85", 1)):
            line = {"color": _COLOURS[network], "width": width}
            axes = {"xaxis": f"x{i + 1}", "yaxis": "y", "showlegend": False, "name": f"{network}, {name}"}
            traces.append({"mode": "lines", "x": rows["step"], "y": rows[name], "line": line, **axes})
    caption = "The 15th, 50th and 85th percentile of the input of a typical unit of the last hidden layer."
    xaxis, panels = _panels(networks)
    return figure(caption, traces, xaxis=xaxis, yaxis={"title": {"text": "input"}}, **panels)


def _draw_distributions(table: pd.DataFrame) -> object:
    hidden = table[table["layer"] < table["layer"].max()]
    caption = "How far a step moves the distribution of a unit's input, in its standard deviations (median over seeds)."
    return _by_layer(hidden, "input_moved_relative", caption, {"title": {"text": "moved, standard deviations"}, **_LOG})


def _draw_gradients(table: pd.DataFrame) -> object:
    caption = "The change of a layer's gradient once the layers below have taken their step, as a share of its norm."
    yaxis = {"title": {"text": "change of the gradient"}, **_LOG}
    return _by_layer(table[table["layer"] > 1], "gradient_relative", caption, yaxis)


def _draw_cosines(table: pd.DataFrame) -> object:
    caption = "The cosine between a layer's gradient before and after the layers below have taken their step."
    return _by_layer(table[table["layer"] > 1], "gradient_cosine", caption, {"title": {"text": "cosine"}})


def _by_layer(table: pd.DataFrame, column: str, caption: str, yaxis: Attributes) -> object:
    """Draw a line per layer, thicker for deeper layers, in a panel per network."""
    networks, layers = list(table["network"].unique()), sorted(table["layer"].unique())
    traces: list[Attributes] = []
    for i, network in enumerate(networks):
        for j, layer in enumerate(layers):
            rows = table[(table["network"] == network) & (table["layer"] == layer)]
            median = rows.groupby("step")[column].median()
            name = "outputs" if "gradient" in column and layer == layers[-1] else f"layer {layer}"
            depth = (j + 1) / len(layers)
            axes = {"xaxis": f"x{i + 1}", "yaxis": "y", "name": name, "legendgroup": name, "showlegend": i == 0}
            line = {"color": _COLOURS[network], "width": 1 + 1.5 * depth}
            opacity = 0.35 + 0.65 * depth
            traces.append({"mode": "lines", "x": median.index, "y": median, "line": line, "opacity": opacity, **axes})
    xaxis, panels = _panels(networks)
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis, **panels)


def _panels(networks: Sequence[str]) -> tuple[Attributes, Attributes]:
    """Return the first x axis, and the rest of the layout of panels side by side, each under its network's name."""
    share = 1 / len(networks)
    starts = [i * share for i in range(len(networks))]
    axes = [{"domain": [x + 0.02 * (x > 0), x + share], "anchor": "y", **_STEPS} for x in starts]
    title = {"xref": "paper", "yref": "paper", "y": 1.02, "yanchor": "bottom", "showarrow": False}
    names = [{**title, "x": x + share / 2, "text": name} for x, name in zip(starts, networks, strict=True)]
    above = {
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.09},
        "margin": {"l": 30, "r": 16, "t": 56, "b": 30},
    }
    return axes[0], {"annotations": names, **above, **{f"xaxis{i}": axis for i, axis in enumerate(axes[1:], start=2)}}


DRAWINGS = {
    "accuracy": Drawing("accuracy", _draw_accuracy),
    "rates": Drawing("rates", _draw_rates),
    "inputs": Drawing("inputs", _draw_inputs),
    "distributions": Drawing("layers", _draw_distributions),
    "gradients": Drawing("layers", _draw_gradients),
    "cosines": Drawing("layers", _draw_cosines),
}
