"""A model as ONNX: preparation, networks with batch norm folded in, and what they predict, in one graph.

The outputs are `label`, (rows,), and `probabilities`, (rows, classes), or `value`, float64, (rows,); they agree with
NumPy's to 1e-5. An output whose name is that of a column has an underscore at its end.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from caviar._checks import check_path
from caviar.files import write_atomically
from caviar.model.arrays import Array
from caviar.model.trained.model import Model
from caviar.model.trained.network import TrainedNetwork
from caviar.model.trained.onnx.columns import add_preparation
from caviar.model.trained.onnx.graph import Graph, Value

if TYPE_CHECKING:
    from onnx import ModelProto

_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def to_onnx(model: Model, path: str | Path | None = None) -> "ModelProto":
    """Return a model as ONNX, and write it to a file if `path` is given; see `TrainedEstimator.to_onnx`."""
    graph, schema = Graph(), model.schema
    x = add_preparation(graph, schema)
    logits = [_logits(network, x) for network in model.networks]
    if schema.task == "regression":
        _add_value(graph, model, logits)
    else:
        _add_label(graph, model, logits)
    made = graph.model(schema.name)
    if path is not None:
        write_atomically(Path(check_path("path", path)), made.SerializeToString())
    return made


def _logits(network: TrainedNetwork, x: Value) -> Value:
    """Add the layers of a network; the outputs, (rows, outputs), in the network's own precision."""
    if network.layers[0][0].dtype == np.float64:
        x = x.cast(x.graph.types.DOUBLE)
    for number, (weight, shift) in enumerate(network.layers):
        x = x @ weight + shift
        if number < len(network.layers) - 1:
            x = x.apply(_ACTIVATIONS[network.activation])
    return x


def _mean(values: list[Value], dtype: str) -> Value:
    return values[0] if len(values) == 1 else values[0].apply("Sum", *values[1:]) / np.array(len(values), dtype)


def _add_value(graph: Graph, model: Model, logits: list[Value]) -> None:
    double = graph.types.DOUBLE
    values = [
        outputs.cast(double) * network.target_scale + network.target_mean
        for network, outputs in zip(model.networks, logits, strict=True)
    ]
    graph.output("value", _mean(values, "float64").apply("Squeeze", np.array([1])), double)


def _add_label(graph: Graph, model: Model, logits: list[Value]) -> None:
    single = graph.types.FLOAT
    probabilities = _mean([outputs.cast(single).apply("Softmax", axis=1) for outputs in logits], "float32")
    # of a single network by its logits, which rounded probabilities could change, as in Model.classify
    number = (logits[0] if len(logits) == 1 else probabilities).apply("ArgMax", axis=1, keepdims=0)
    labels, kind = _labels(graph, model.labels)
    graph.output("label", graph.apply("Gather", labels, number, axis=0), kind)
    if not isinstance(model.sorting, slice):
        probabilities = graph.apply("Gather", probabilities, model.sorting, axis=1)
    graph.output("probabilities", probabilities, single, len(model.schema.classes))


def _labels(graph: Graph, classes: Array) -> tuple[Array, int]:
    """The labels as an array of a type that ONNX knows, and that type."""
    types = {"b": graph.types.BOOL, "i": graph.types.INT64, "f": graph.types.DOUBLE}
    kind = types.get(classes.dtype.kind, graph.types.STRING)
    return (classes.astype(object) if kind == graph.types.STRING else classes), kind
