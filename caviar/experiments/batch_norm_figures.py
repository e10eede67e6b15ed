"""The pictures of `covariate_shift`, each drawn from one of its tables."""

from collections.abc import Sequence

import pandas as pd

from caviar.experiments.conclusions import OWN_RATE, WITH, WITHOUT
from caviar.experiments.finding import Drawing
from caviar.insight.figures.style import figure

Attributes = dict[str, object]  # of a Plotly trace, axis or layout

COLOURS = {WITHOUT: "#8a94a6", WITH: "#e07b39", OWN_RATE: "#2f8fd8"}
LOG: Attributes = {"type": "log", "dtick": 1, "exponentformat": "power"}  # a tick per decade
STEPS: Attributes = {"title": {"text": "step"}, **LOG}


def draw_accuracy(table: pd.DataFrame) -> object:
    """Draw test accuracy over steps: the mean over the seeds, and the range of all seeds."""
    traces: list[Attributes] = []
    for network, rows in table.groupby("network", sort=False):
        seeds = rows.groupby("step")["test_accuracy"].agg(["mean", "min", "max"])
        traces += _line_with_band(str(network), seeds)
    caption = "Test accuracy through training, batch norm with the running averages; the band holds all seeds."
    yaxis = {"title": {"text": "test accuracy"}, "tickformat": ".0%"}
    return figure(caption, traces, xaxis=STEPS, yaxis=yaxis)


def draw_rates(table: pd.DataFrame) -> object:
    """Draw steps to the accuracy over learning rates; a rate at which half of the seeds fail has no point."""
    traces: list[Attributes] = []
    for network, rows in table.groupby("network", sort=False):
        reached = rows[rows["steps"] < float("inf")]
        points = {"x": reached["learning_rate"], "y": reached["steps"]}
        line = {"color": COLOURS[str(network)], "width": 2}
        traces.append({"mode": "lines+markers", "name": network, **points, "line": line})
    caption = "Median steps to the accuracy over learning rates; where a line ends, most seeds do not reach it."
    yaxis = {"title": {"text": "steps"}, **LOG, "dtick": "D2"}
    return figure(caption, traces, xaxis={"title": {"text": "learning rate"}, **LOG}, yaxis=yaxis)


def draw_inputs(table: pd.DataFrame) -> object:
    """Draw the percentiles of a typical unit's input through training, a panel per network."""
    networks = list(table["network"].unique())
    traces: list[Attributes] = []
    for i, network in enumerate(networks):
        rows = table[table["network"] == network]
        for name, width in (("p15", 1), ("p50", 2.5), ("p85", 1)):
            line = {"color": COLOURS[network], "width": width}
            axes = {"xaxis": f"x{i + 1}", "yaxis": "y", "showlegend": False, "name": f"{network}, {name}"}
            traces.append({"mode": "lines", "x": rows["step"], "y": rows[name], "line": line, **axes})
    caption = "The 15th, 50th and 85th percentile of the input of a typical unit of the last hidden layer."
    xaxis, panels = _panels(networks)
    return figure(caption, traces, xaxis=xaxis, yaxis={"title": {"text": "input"}}, **panels)


def draw_distributions(table: pd.DataFrame) -> object:
    """Draw the shift in its original meaning: how far a step moves the distribution of a unit's input."""
    hidden = table[table["layer"] < table["layer"].max()]
    caption = "How far a step moves the distribution of a unit's input, in its standard deviations (median over seeds)."
    return _by_layer(hidden, "input_moved_relative", caption, {"title": {"text": "moved, standard deviations"}, **LOG})


def draw_gradients(table: pd.DataFrame) -> object:
    """Draw the shift through gradients: how a layer's gradient changes once the layers below have taken their step."""
    caption = "The change of a layer's gradient once the layers below have taken their step, as a share of its norm."
    yaxis = {"title": {"text": "change of the gradient"}, **LOG}
    return _by_layer(table[table["layer"] > 1], "gradient_relative", caption, yaxis)


def draw_cosines(table: pd.DataFrame) -> object:
    """Draw the cosine between a layer's gradient before and after the layers below have taken their step."""
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
            line = {"color": COLOURS[network], "width": 1 + 1.5 * depth}
            opacity = 0.35 + 0.65 * depth
            traces.append({"mode": "lines", "x": median.index, "y": median, "line": line, "opacity": opacity, **axes})
    xaxis, panels = _panels(networks)
    return figure(caption, traces, xaxis=xaxis, yaxis=yaxis, **panels)


def _line_with_band(network: str, seeds: pd.DataFrame) -> list[Attributes]:
    """Return the traces of a line for the mean and a band from min to max."""
    red, green, blue = (int(COLOURS[network][i : i + 2], 16) for i in (1, 3, 5))
    edge: Attributes = {"mode": "lines", "x": seeds.index, "line": {"width": 0}, "hoverinfo": "skip"}
    edge |= {"showlegend": False}
    fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.2)"}
    line = {"color": COLOURS[network], "width": 2.5}
    return [
        {**edge, "y": seeds["min"]},
        {**edge, "y": seeds["max"], **fill},
        {"mode": "lines", "name": network, "x": seeds.index, "y": seeds["mean"], "line": line},
    ]


def _panels(networks: Sequence[str]) -> tuple[Attributes, Attributes]:
    """Return the first x axis, and the rest of the layout of panels side by side, each under its network's name."""
    share = 1 / len(networks)
    starts = [i * share for i in range(len(networks))]
    axes = [{"domain": [x + 0.02 * (x > 0), x + share], "anchor": "y", **STEPS} for x in starts]
    title = {"xref": "paper", "yref": "paper", "y": 1.02, "yanchor": "bottom", "showarrow": False}
    names = [{**title, "x": x + share / 2, "text": name} for x, name in zip(starts, networks, strict=True)]
    return axes[0], {"annotations": names, **{f"xaxis{i}": axis for i, axis in enumerate(axes[1:], start=2)}}


DRAWINGS = {
    "accuracy": Drawing("accuracy", draw_accuracy),
    "rates": Drawing("rates", draw_rates),
    "inputs": Drawing("inputs", draw_inputs),
    "distributions": Drawing("layers", draw_distributions),
    "gradients": Drawing("layers", draw_gradients),
    "cosines": Drawing("layers", draw_cosines),
}
