"""The pictures of `covariate_shift`, each from one of its tables."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from caviar.experiments.finding import Drawing
from caviar.insight.figures.style import figure

COLOURS = {"without": "#8a94a6", "with": "#e07b39", "with, own rate": "#2f8fd8"}
LOG = {"type": "log", "dtick": 1, "exponentformat": "power"}  # a mark a decade


def accuracy_curves(table: pd.DataFrame) -> Any:
    """Test accuracy over steps: the mean over seeds, and from the lowest to the highest seed."""
    traces: list[Any] = []
    for network, rows in table.groupby("network", sort=False):
        seeds = rows.groupby("step")["test_accuracy"].agg(["mean", "min", "max"])
        traces += _ribbon(str(network), seeds.index, seeds["mean"], seeds["min"], seeds["max"])
    caption = "Test accuracy through training, batch norm with the running averages; the band holds all seeds."
    yaxis = {"title": {"text": "test accuracy"}, "tickformat": ".0%"}
    return figure(caption, traces, xaxis=_steps(), yaxis=yaxis)


def sigmoid_inputs(table: pd.DataFrame) -> Any:
    """The percentiles of a typical unit's input through training, a panel a network."""
    networks = list(table["network"].unique())
    traces: list[Any] = []
    for i, network in enumerate(networks):
        rows = table[table["network"] == network]
        for name, width in (("p15", 1), ("p50", 2.5), ("p85", 1)):
            line = {"color": COLOURS[network], "width": width}
            place = {"xaxis": f"x{i + 1}", "yaxis": "y", "showlegend": False, "name": f"{network}, {name}"}
            traces.append({"mode": "lines", "x": rows["step"], "y": rows[name], "line": line, **place})
    caption = "The 15th, 50th and 85th percentile of what a typical unit of the last hidden layer reads."
    return figure(caption, traces, yaxis={"title": {"text": "input"}}, **_panels(networks))


def distributions(table: pd.DataFrame) -> Any:
    """The shift in its original meaning: how far the distribution that a layer's units read moves in a step."""
    return _by_layer(
        table[table["layer"] < table["layer"].max()],
        "input_moved_relative",
        "How far a step moves the distribution that a unit reads, in its standard deviations (median over seeds).",
        "moved, standard deviations",
    )


def gradients(table: pd.DataFrame) -> Any:
    """The shift through gradients: the change of a layer's gradient when the layers below have taken their step."""
    return _by_layer(
        table[table["layer"] > 1],
        "gradient_relative",
        "How much a layer's gradient changes when the layers below have taken their step, as a share of its norm.",
        "change of the gradient",
    )


def cosines(table: pd.DataFrame) -> Any:
    """The cosine between a layer's gradient and the one after the layers below have taken their step."""
    caption = "The cosine between a layer's gradient before and after the layers below have taken their step."
    return _by_layer(table[table["layer"] > 1], "gradient_cosine", caption, "cosine", kind={})


def rates(table: pd.DataFrame) -> Any:
    """Steps to the accuracy over learning rates; a rate at which half of the seeds fail has no point."""
    traces = []
    for network, rows in table.groupby("network", sort=False):
        reached = rows[rows["steps"] < float("inf")]
        line = {"color": COLOURS[str(network)], "width": 2}
        traces.append(
            {
                "mode": "lines+markers",
                "name": network,
                "x": reached["learning_rate"],
                "y": reached["steps"],
                "line": line,
            }
        )
    caption = "Median steps to the accuracy over learning rates; where a line ends, most seeds do not arrive."
    yaxis = {"title": {"text": "steps"}, **LOG, "dtick": "D2"}
    return figure(caption, traces, xaxis={"title": {"text": "learning rate"}, **LOG}, yaxis=yaxis)


def _by_layer(table: pd.DataFrame, column: str, caption: str, title: str, kind: Any = LOG) -> Any:
    """One line a layer, the deeper the darker, a panel a network."""
    networks, layers = list(table["network"].unique()), sorted(table["layer"].unique())
    traces = []
    for i, network in enumerate(networks):
        for j, layer in enumerate(layers):
            rows = table[(table["network"] == network) & (table["layer"] == layer)]
            median = rows.groupby("step")[column].median()
            name = "outputs" if "gradient" in column and layer == layers[-1] else f"layer {layer}"
            strength = 0.35 + 0.65 * (j + 1) / len(layers)
            place = {"xaxis": f"x{i + 1}", "yaxis": "y", "name": name, "legendgroup": name, "showlegend": i == 0}
            line = {"color": COLOURS[network], "width": 1 + 1.5 * (j + 1) / len(layers)}
            traces.append({"mode": "lines", "x": median.index, "y": median, "line": line, "opacity": strength, **place})
    return figure(caption, traces, yaxis={"title": {"text": title}, **kind}, **_panels(networks))


def _ribbon(name: str, x: Any, middle: Any, low: Any, high: Any) -> list[dict[str, Any]]:
    """A line and the band around it."""
    edge = {"mode": "lines", "x": x, "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    red, green, blue = (int(COLOURS[name][i : i + 2], 16) for i in (1, 3, 5))
    filled = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.2)"}
    line = {"color": COLOURS[name], "width": 2.5}
    return [
        {**edge, "y": low},
        {**edge, "y": high, **filled},
        {"mode": "lines", "name": name, "x": x, "y": middle, "line": line},
    ]


def _steps() -> dict[str, Any]:
    return {"title": {"text": "step"}, **LOG}


def _panels(networks: Sequence[str]) -> dict[str, Any]:
    """Panels side by side with one y axis, each under its network's name."""
    layout: dict[str, Any] = {}
    share = 1 / len(networks)
    for i, _ in enumerate(networks):
        axis = {"domain": [i * share + 0.02 * (i > 0), (i + 1) * share], "anchor": "y", **_steps()}
        layout["xaxis" if i == 0 else f"xaxis{i + 1}"] = axis
    above = {"xref": "paper", "yref": "paper", "y": 1.02, "yanchor": "bottom", "showarrow": False}
    layout["annotations"] = [{**above, "x": (i + 0.5) * share, "text": name} for i, name in enumerate(networks)]
    return layout


DRAWINGS: dict[str, tuple[str, Drawing]] = {
    "accuracy": ("accuracy", accuracy_curves),
    "rates": ("rates", rates),
    "inputs": ("inputs", sigmoid_inputs),
    "distributions": ("layers", distributions),
    "gradients": ("layers", gradients),
    "cosines": ("layers", cosines),
}
