"""A graph of ONNX under construction."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar._checks import import_optional
from caviar._version import VERSION
from caviar.model.arrays import Array

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

# of ONNX 1.8, so that old runtimes read it
_OPSETS, _IR_VERSION = {"": 13, "ai.onnx.ml": 2}, 7


class Graph:
    """The operations so far; each value has a name of its own."""

    def __init__(self) -> None:
        self._onnx = import_optional("onnx", "model.to_onnx()", "onnx")
        self.types = self._onnx.TensorProto
        self._names: set[str] = set()
        self._domains = {""}
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, kind: int, columns: int) -> "Value":
        """Add an input, (rows, columns)."""
        value = self._new(name)
        self._inputs.append(self._onnx.helper.make_tensor_value_info(value.name, kind, ["rows", columns]))
        return value

    def apply(self, operator: str, *operands: "Operand", domain: str = "", **attributes: object) -> "Value":
        """Add an operation, and return its output."""
        inputs = [operand if isinstance(operand, Value) else self._constant(operand) for operand in operands]
        output = self._new(f"{operator.lower()}_{len(self._nodes)}")
        names = [value.name for value in inputs]
        self._add(operator, names, output.name, domain, **attributes)
        self._domains.add(domain)
        return output

    def _add(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> None:
        name = f"{operator}_{len(self._nodes)}"  # some versions of onnxruntime confuse nodes without names
        node = self._onnx.helper.make_node(operator, inputs, [output], name=name, domain=domain, **attributes)
        self._nodes.append(node)

    def concatenate(self, values: "list[Value]") -> "Value":
        """Return values of the same rows side by side."""
        return values[0] if len(values) == 1 else self.apply("Concat", *values, axis=1)

    def output(self, name: str, value: "Value", kind: int, columns: int | None = None) -> None:
        """Make a value an output, (rows,) or (rows, columns)."""
        output = self._new(name).name
        self._add("Identity", [value.name], output)
        shape: list[str | int] = ["rows"] if columns is None else ["rows", columns]
        self._outputs.append(self._onnx.helper.make_tensor_value_info(output, kind, shape))

    def model(self, name: str) -> "ModelProto":
        """Return the whole, checked."""
        helper = self._onnx.helper
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid(domain, _OPSETS[domain]) for domain in sorted(self._domains)]
        details = {"ir_version": _IR_VERSION, "producer_name": "caviar", "producer_version": VERSION}
        model: ModelProto = helper.make_model(graph, opset_imports=opsets, **details)
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _constant(self, value: "Array | float") -> "Value":
        constant = self._new(f"constant_{len(self._constants)}")
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), constant.name))
        return constant

    def _new(self, name: str) -> "Value":
        """Return a value of this name; underscores follow it if it is empty or taken."""
        while not name or name in self._names:
            name += "_"
        self._names.add(name)
        return Value(self, name)


@dataclass(frozen=True)
class Value:
    """A value in a graph; arithmetic with it adds operations. Of integers, / rounds towards zero."""

    graph: Graph
    name: str

    def apply(self, operator: str, *others: "Operand", **attributes: object) -> "Value":
        """Add an operation whose first operand this is."""
        return self.graph.apply(operator, self, *others, **attributes)  # type: ignore[arg-type]

    def cast(self, kind: int) -> "Value":
        """Return it as another type."""
        return self.apply("Cast", to=kind)

    def columns(self, positions: list[int]) -> "Value":
        """Return some of its columns."""
        return self.apply("Gather", np.array(positions, np.int64), axis=1)

    def __add__(self, other: "Operand") -> "Value":
        return self.apply("Add", other)

    def __sub__(self, other: "Operand") -> "Value":
        return self.apply("Sub", other)

    def __mul__(self, other: "Operand") -> "Value":
        return self.apply("Mul", other)

    def __truediv__(self, other: "Operand") -> "Value":
        return self.apply("Div", other)

    def __mod__(self, other: "Operand") -> "Value":
        return self.apply("Mod", other)

    def __matmul__(self, other: "Operand") -> "Value":
        return self.apply("MatMul", other)

    def __lt__(self, other: "Operand") -> "Value":
        return self.apply("Less", other)

    def __abs__(self) -> "Value":
        return self.apply("Abs")


Operand = Value | Array | float
