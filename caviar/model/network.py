"""A stack of K networks of one shape: dense layers with batch norm between features and outputs.

A single network is a stack of one. All parameters of a stack are in one (K, P) array, and so are their gradients, so
an optimizer needs only a few calls, however many layers there are; layers hold views of it.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from caviar.model.arrays import Array
from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.layers.batch_norm import MOMENTUM, BatchNorm
from caviar.model.layers.dense import Dense, initial_weight
from caviar.model.layers.dropout import draw_mask
from caviar.model.layers.hidden import Hidden
from caviar.model.shapes import Shape, widths

_Layout = list[tuple[int, str, tuple[int, int]]]  # layer, name, shape for one model


def _parameter_layout(shape: Shape, sizes: list[int]) -> _Layout:
    """Return the order of a model's parameters in its row of the flat array."""
    layout: _Layout = []
    for layer, (inputs, units) in enumerate(pairwise(sizes)):
        hidden = layer < shape.layers
        layout.append((layer, "weight", (inputs, units)))
        for name in ("gamma", "beta") if hidden and shape.batch_norm else ("bias",):
            layout.append((layer, name, (1, units)))
    return layout


def _views(flat: Array, layout: _Layout) -> list[dict[str, Array]]:
    """Return views of a flat (K, P) array: for each layer a dict of name to (K, rows, columns)."""
    layers: list[dict[str, Array]] = [{} for _ in range(layout[-1][0] + 1)]
    start = 0
    for layer, name, (rows, columns) in layout:
        stop = start + rows * columns
        layers[layer][name] = flat[:, start:stop].reshape(len(flat), rows, columns)
        start = stop
    return layers


def _size(layout: _Layout) -> int:
    """Return the number of parameters of one model in a layout."""
    return sum(rows * columns for _, _, (rows, columns) in layout)


class Network:
    """K networks of one shape.

    Attributes:
        parameters, gradients: (K, P).
        running: averages of the batch statistics, (K, R).
        unpadded_units: each model's hidden units.

    >>> from caviar.model.shapes import shape_of
    >>> network = Network(shape_of({"hidden_units": 32, "dtype": "float64"}), 4, 3, [32, 20])
    >>> network.initialise([np.random.default_rng(0), np.random.default_rng(1)])
    >>> network.forward(np.zeros((5, 4))).shape
    (3, 2, 5)
    """

    def __init__(self, shape: Shape, features: int, outputs: int, unpadded_units: Sequence[int]) -> None:
        """Make a stack of zero weights with one model for each number of `unpadded_units`; `initialise` draws them."""
        self.shape, self.unpadded_units = shape, list(unpadded_units)
        self.sizes = widths(shape, features, outputs)
        members, dtype = len(self.unpadded_units), np.dtype(shape.dtype)
        layout = _parameter_layout(shape, self.sizes)
        self.parameters, self.gradients = np.zeros((2, members, _size(layout)), dtype)
        layers = range(shape.layers if shape.batch_norm else 0)
        batch_norm: _Layout = [(layer, name, (1, shape.units)) for layer in layers for name in ("mean", "variance")]
        self.running, self.batch_statistics = np.zeros((2, members, _size(batch_norm)), dtype)
        self.parameter_views = _views(self.parameters, layout)
        self.gradient_views = _views(self.gradients, layout)
        self.running_views = _views(self.running, batch_norm) if batch_norm else []
        batch_views = _views(self.batch_statistics, batch_norm) if batch_norm else []
        self.hidden = [self._hidden(layer, batch_views) for layer in range(shape.layers)]
        self.last = self._dense(shape.layers)
        self.rows = 0

    def initialise(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw each model's weights with its own generator, for unpadded units only: padding does not change them."""
        for member, (generator, hidden_units) in enumerate(zip(generators, self.unpadded_units, strict=True)):
            sizes = [self.sizes[0], *[hidden_units] * self.shape.layers, self.sizes[-1]]
            for layer, parameters in enumerate(self.parameter_views):
                inputs, units = sizes[layer], sizes[layer + 1]
                activation = self.shape.activation if layer < self.shape.layers else "linear"
                weight = initial_weight(generator, inputs, units, activation)
                parameters["weight"][member, :inputs, :units] = weight
                if "gamma" in parameters:
                    parameters["gamma"][member] = 1.0
                    self.running_views[layer]["variance"][member] = 1.0

    def select(self, indices: Sequence[int]) -> "Network":
        """Return a stack with copies of some of the models, in the order of the indices, which may repeat."""
        unpadded_units = [self.unpadded_units[index] for index in indices]
        selected = Network(self.shape, self.sizes[0], self.sizes[-1], unpadded_units)
        selected.parameters[:], selected.running[:] = self.parameters[indices], self.running[indices]
        return selected

    def forward(self, x: Array, *, training: bool = True) -> Array:
        """Return the outputs (logits, or standardised targets), (outputs, K, B).

        Args:
            x: (K, B, features), or (B, features) shared by all models.
            training: normalize by the batch and drop units, or by the running averages and drop none.
        """
        x = x.reshape(-1, *x.shape[-2:])  # broadcast_to takes as long as three layers of a small network
        self._resize(x.shape[1])
        for hidden in self.hidden:
            x = hidden.forward(x, training=training)
        self.last.forward(x, out=self.outputs.transpose(1, 2, 0))
        return self.outputs

    def backward(self, x: Array, d_outputs: Array, *, training: bool = True) -> None:
        """Write dL/d(parameters) into `gradients`, after `forward` of the same x and mode.

        `d_outputs` is dL/d(outputs), (outputs, K, B).
        """
        inputs = [x.reshape(-1, *x.shape[-2:]), *(hidden.output for hidden in self.hidden)]
        d = self.d_hidden
        self.last.backward(inputs[-1], d_outputs.transpose(1, 2, 0), d if self.hidden else None)
        for layer in reversed(range(len(self.hidden))):
            d = self.hidden[layer].backward(inputs[layer], d, training=training, first=layer == 0)

    def draw_dropout(self, generators: Sequence[np.random.Generator], rates: Sequence[float], rows: int) -> None:
        """Draw the hidden units that the next training passes keep; rates, one per model, are shares to drop."""
        for hidden in self.hidden:
            hidden.dropout_mask = draw_mask(generators, rates, rows, self.shape.units, self.parameters.dtype)

    def clear_dropout(self) -> None:
        """Keep all hidden units from now on."""
        for hidden in self.hidden:
            hidden.dropout_mask = None

    def update_running(self) -> None:
        """Move the running averages towards the last training batch's statistics."""
        if self.running.size:
            np.multiply(self.running, 1 - MOMENTUM, out=self.running)
            np.multiply(self.batch_statistics, self.step_to_batch, out=self.batch_statistics)
            np.add(self.running, self.batch_statistics, out=self.running)

    def inference_layers(self) -> list[tuple[Array, Array]]:
        """Return for each layer its weight, (K, inputs, units), and shift, (K, 1, units), with batch norm folded in:

        gamma (x W - mean) / sqrt(variance + eps) + beta = x (W scale) + (beta - mean scale).
        """
        layers = []
        for hidden in self.hidden:
            weight, shift = hidden.dense.weight, hidden.dense.bias
            if hidden.norm is not None:
                scale, shift = hidden.norm.affine(training=False)
                weight = weight * scale
            assert shift is not None
            layers.append((weight, shift))
        assert self.last.bias is not None
        return [*layers, (self.last.weight, self.last.bias)]

    def _dense(self, layer: int) -> Dense:
        parameters, gradients = self.parameter_views[layer], self.gradient_views[layer]
        return Dense(parameters["weight"], gradients["weight"], parameters.get("bias"), gradients.get("bias"))

    def _hidden(self, layer: int, batch_views: list[dict[str, Array]]) -> Hidden:
        parameters, gradients, norm = self.parameter_views[layer], self.gradient_views[layer], None
        if self.shape.batch_norm:
            running, batch = self.running_views[layer], batch_views[layer]
            averages = running["mean"], running["variance"], batch["mean"], batch["variance"]
            norm = BatchNorm(parameters["gamma"], parameters["beta"], gradients["gamma"], gradients["beta"], *averages)
        unit_mask = None
        if self.shape.activation == "sigmoid" and any(units < self.shape.units for units in self.unpadded_units):
            # sigmoid(0) is 1/2, so padding units must be masked
            unpadded = np.arange(self.shape.units) < np.array(self.unpadded_units)[:, None, None]
            unit_mask = unpadded.astype(self.parameters.dtype)
        return Hidden(self._dense(layer), norm, ACTIVATIONS[self.shape.activation], unit_mask)

    def _resize(self, rows: int) -> None:
        if rows == self.rows:
            return
        self.rows, members, dtype = rows, len(self.unpadded_units), self.parameters.dtype
        self.outputs = np.empty((self.sizes[-1], members, rows), dtype)
        self.d_hidden = np.empty((members, rows, self.shape.units), dtype)
        unbiased = rows / (rows - 1) if rows > 1 else 1.0
        per_layer = [1.0] * self.shape.units + [unbiased] * self.shape.units
        batch_norm = self.running.shape[1] // (2 * self.shape.units)
        self.step_to_batch = np.array(per_layer * batch_norm, dtype) * MOMENTUM
        for hidden in self.hidden:
            hidden.resize(rows)
