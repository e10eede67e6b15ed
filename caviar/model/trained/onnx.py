"""A model as ONNX: preparation, networks with batch norm folded in, and what they predict, in one graph.

If all columns are numbers, the input is `x`, float64, (rows, columns), raw; otherwise each column has an input of its
own name, (rows, 1): float64 for numbers, text for others. The outputs are `label`, (rows,), and `probabilities`, (rows,
classes), or `value`, float64, (rows,). Numbers are standardised in float64, as they are here, so the outputs agree with
NumPy's to 1e-5.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from caviar._checks import import_optional
from caviar._version import VERSION
from caviar.data.preparation.columns import Column, Number
from caviar.errors import InputError
from caviar.files import write_atomically
from caviar.model.arrays import Array
from caviar.model.trained.model import Model
from caviar.model.trained.network import TrainedNetwork

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

_OPSET, _IR_VERSION = 17, 8  # which every onnxruntime since 1.12 reads
_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


class Graph:
    """A graph under construction; each value has a name."""

    def __init__(self) -> None:
        self._onnx = import_optional("onnx", "model.to_onnx()", "onnx")
        self.types = self._onnx.TensorProto
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, kind: int, columns: int) -> str:
        """Add an input, (rows, columns)."""
        self._inputs.append(self._onnx.helper.make_tensor_value_info(name, kind, ["rows", columns]))
        return name

    def constant(self, value: object) -> str:
        """Add a constant."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def apply(self, operator: str, *inputs: str, name: str = "", **attributes: object) -> str:
        """Add an operation, and return the name of its output."""
        name = name or f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def output(self, name: str, kind: int, columns: int | None = None) -> None:
        """Make a value an output, (rows,) or (rows, columns)."""
        shape: list[str | int] = ["rows"] if columns is None else ["rows", columns]
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, kind, shape))

    def model(self, name: str) -> "ModelProto":
        """Return the whole, checked."""
        helper = self._onnx.helper
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        opset = [helper.make_opsetid("", _OPSET)]
        details = {"ir_version": _IR_VERSION, "producer_name": "caviar", "producer_version": VERSION}
        model: ModelProto = helper.make_model(graph, opset_imports=opset, **details)
        self._onnx.checker.check_model(model)
        return model


def to_onnx(model: Model, path: str | Path | None = None) -> "ModelProto":
    """Return a model as ONNX, and write it to a file if `path` is given; see `TrainedEstimator.to_onnx`."""
    graph, schema = Graph(), model.schema
    x = _features(graph, model)
    logits = [_logits(graph, network, x) for network in model.networks]
    if schema.task == "regression":
        _value(graph, model, logits)
    else:
        _label(graph, model, logits)
    made = graph.model(schema.name)
    if path is not None:
        write_atomically(Path(path), made.SerializeToString())
    return made


def _features(graph: Graph, model: Model) -> str:
    """Add the preparation: the features, float32, (rows, features)."""
    preparation = model.schema.preparation
    if preparation is None:
        raw = graph.input("x", graph.types.DOUBLE, model.schema.features)
        return graph.apply("Cast", raw, to=graph.types.FLOAT)
    numbers = [column for column in preparation.columns if isinstance(column, Number)]
    if len(numbers) == len(preparation.columns):
        return _standardised(graph, graph.input("x", graph.types.DOUBLE, len(numbers)), numbers)
    parts: list[str] = []
    for column in preparation.columns:
        if type(column) not in ENCODERS:
            kind = type(column).__name__.lower()
            raise InputError(
                f"ONNX cannot express how the column {column.name!r} ({kind}) is prepared; prepare the rows with "
                "model.model.schema.prepare, or leave the column out of the study"
            )
        parts.append(ENCODERS[type(column)](graph, column))
    return graph.apply("Concat", *parts, axis=1)


def _number(graph: Graph, column: Column) -> str:
    assert isinstance(column, Number)
    return _standardised(graph, graph.input(column.name, graph.types.DOUBLE, 1), [column])


# how each kind of column is added to the graph: its input, and its features, float32, (rows, features)
ENCODERS: Mapping[type[Column], Callable[[Graph, Column], str]] = {Number: _number}


def _standardised(graph: Graph, raw: str, columns: list[Number]) -> str:
    means, scales = ([getattr(column, name) for column in columns] for name in ("mean", "scale"))
    centred = graph.apply("Sub", raw, graph.constant(np.array(means)))
    return graph.apply("Cast", graph.apply("Div", centred, graph.constant(np.array(scales))), to=graph.types.FLOAT)


def _logits(graph: Graph, network: TrainedNetwork, x: str) -> str:
    """Add the layers of a network; the outputs, (rows, outputs), in the network's own precision."""
    if network.layers[0][0].dtype == np.float64:
        x = graph.apply("Cast", x, to=graph.types.DOUBLE)
    for number, (weight, shift) in enumerate(network.layers):
        x = graph.apply("Add", graph.apply("MatMul", x, graph.constant(weight)), graph.constant(shift))
        if number < len(network.layers) - 1:
            x = graph.apply(_ACTIVATIONS[network.activation], x)
    return x


def _mean(graph: Graph, parts: list[str], dtype: str) -> str:
    if len(parts) == 1:
        return parts[0]
    return graph.apply("Div", graph.apply("Sum", *parts), graph.constant(np.array(len(parts), dtype)))


def _value(graph: Graph, model: Model, logits: list[str]) -> None:
    values: list[str] = []
    for network, name in zip(model.networks, logits, strict=True):
        exact = graph.apply("Cast", name, to=graph.types.DOUBLE)
        scaled = graph.apply("Mul", exact, graph.constant(np.float64(network.target_scale)))
        values.append(graph.apply("Add", scaled, graph.constant(np.float64(network.target_mean))))
    graph.apply("Squeeze", _mean(graph, values, "float64"), graph.constant(np.array([1])), name="value")
    graph.output("value", graph.types.DOUBLE)


def _label(graph: Graph, model: Model, logits: list[str]) -> None:
    as_floats = [graph.apply("Cast", name, to=graph.types.FLOAT) for name in logits]
    probabilities = _mean(graph, [graph.apply("Softmax", name, axis=1) for name in as_floats], "float32")
    graph.apply("Identity", probabilities, name="probabilities")
    scores = logits[0] if len(logits) == 1 else probabilities
    labels, kind = _labels(graph, np.array(model.schema.classes))
    number = graph.apply("ArgMax", scores, axis=1, keepdims=0)
    graph.apply("Gather", graph.constant(labels), number, axis=0, name="label")
    graph.output("label", kind)
    graph.output("probabilities", graph.types.FLOAT, len(model.schema.classes))


def _labels(graph: Graph, classes: Array) -> tuple[Array, int]:
    """The labels as an array of a type that ONNX knows, and that type."""
    types = {"b": graph.types.BOOL, "i": graph.types.INT64, "f": graph.types.DOUBLE}
    kind = types.get(classes.dtype.kind, graph.types.STRING)
    return (classes.astype(object) if kind == graph.types.STRING else classes), kind
