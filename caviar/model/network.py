"""A stack of K networks of one shape: dense layers with batch norm between features and outputs.

A single network is a stack of one. All parameters of a stack lie in one (K, P) array, and so do their
gradients, so that an optimizer is a few calls however many layers there are; layers see views of it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.layers.batch_norm import MOMENTUM, BatchNorm
from caviar.model.layers.dense import Dense, initial_weight
from caviar.model.layers.hidden import Hidden
from caviar.model.shapes import Shape, widths

Array = NDArray[Any]
Layout = list[tuple[int, str, tuple[int, int]]]  # layer, name, shape of one model's part


def parameter_layout(shape: Shape, features: int, outputs: int) -> Layout:
    """Give the order in which a model's parameters lie in its row of the flat array."""
    sizes = widths(shape, features, outputs)
    layout: Layout = []
    for layer, (inputs, units) in enumerate(pairwise(sizes)):
        hidden = layer < shape.layers
        layout.append((layer, "weight", (inputs, units)))
        for name in ("gamma", "beta") if hidden and shape.batch_norm else ("bias",):
            layout.append((layer, name, (1, units)))
    return layout


def views(flat: Array, layout: Layout) -> list[dict[str, Array]]:
    """Give views of a flat (K, P) array, for each layer a dict of name to (K, rows, columns)."""
    layers: list[dict[str, Array]] = [{} for _ in range(layout[-1][0] + 1)]
    start = 0
    for layer, name, (rows, columns) in layout:
        stop = start + rows * columns
        layers[layer][name] = flat[:, start:stop].reshape(len(flat), rows, columns)
        start = stop
    return layers


def size(layout: Layout) -> int:
    """Give how many numbers a layout holds for one model."""
    return sum(rows * columns for _, _, (rows, columns) in layout)


class Network:
    """K networks: `parameters` and `gradients`, (K, P); `running` averages of the batch statistics, (K, R)."""

    def __init__(self, shape: Shape, features: int, outputs: int, asked: Sequence[int]) -> None:
        """Make a stack with zero weights; see `initialise`.

        Args:
            shape: from `shape_of`.
            features, outputs: of the data.
            asked: each model's hidden units before padding; the stack has len(asked) models.
        """
        self.shape, self.asked = shape, list(asked)
        self.sizes = widths(shape, features, outputs)
        members, dtype = len(self.asked), np.dtype(shape.dtype)
        self.layout = parameter_layout(shape, features, outputs)
        self.parameters, self.gradients = np.zeros((2, members, size(self.layout)), dtype)
        statistics: Layout = [
            (layer, name, (1, shape.units)) for layer in range(shape.layers) for name in ("mean", "variance")
        ]
        batch_norm = statistics if shape.batch_norm else []
        self.running, self.batch_statistics = np.zeros((2, members, size(batch_norm)), dtype)
        self.parameter_views = views(self.parameters, self.layout)
        self.gradient_views = views(self.gradients, self.layout)
        self.running_views = views(self.running, batch_norm) if batch_norm else []
        batch_views = views(self.batch_statistics, batch_norm) if batch_norm else []
        self.hidden = [self._hidden(layer, batch_views) for layer in range(shape.layers)]
        self.last = self._dense(shape.layers)
        self.rows = 0

    def initialise(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw each model's weights from its own generator, for its asked units: padding changes no number."""
        for member, (generator, asked) in enumerate(zip(generators, self.asked, strict=True)):
            sizes = [self.sizes[0], *[asked] * self.shape.layers, self.sizes[-1]]
            for layer, parameters in enumerate(self.parameter_views):
                inputs, units = sizes[layer], sizes[layer + 1]
                activation = self.shape.activation if layer < self.shape.layers else "linear"
                weight = initial_weight(generator, inputs, units, activation)
                parameters["weight"][member, :inputs, :units] = weight
                if "gamma" in parameters:
                    parameters["gamma"][member] = 1.0
                    self.running_views[layer]["variance"][member] = 1.0

    def take(self, places: Sequence[int]) -> "Network":
        """Give a stack of some of the models, in that order and with repeats if asked, copying their numbers."""
        asked = [self.asked[place] for place in places]
        taken = Network(self.shape, self.sizes[0], self.sizes[-1], asked)
        taken.parameters[:], taken.running[:] = self.parameters[places], self.running[places]
        return taken

    def forward(self, x: Array, *, training: bool = True) -> Array:
        """Give the outputs (logits, or targets as the network sees them), (outputs, K, B).

        Args:
            x: (K, B, features), or (B, features) shared by all models.
            training: normalize by the batch and drop units, or by the running averages and drop none.
        """
        x = x.reshape(-1, *x.shape[-2:])  # not broadcast_to, which takes as long as three layers of a small network
        self._resize(x.shape[1])
        for hidden in self.hidden:
            x = hidden.forward(x, training=training)
        self.last.forward(x, out=self.outputs.transpose(1, 2, 0))
        return self.outputs

    def backward(self, x: Array, d_outputs: Array, *, training: bool = True) -> None:
        """Write dL/d(parameters) into `gradients`, after `forward` of the same x and mode.

        Args:
            x: as in `forward`.
            d_outputs: dL/d(outputs), (outputs, K, B).
            training: as in `forward`.
        """
        inputs = [x.reshape(-1, *x.shape[-2:]), *(hidden.output for hidden in self.hidden)]
        d = self.d_hidden
        self.last.backward(inputs[-1], d_outputs.transpose(1, 2, 0), d if self.hidden else None)
        for layer in reversed(range(len(self.hidden))):
            d = self.hidden[layer].backward(inputs[layer], d, training=training, first=layer == 0)

    def update_running(self) -> None:
        """Move the running averages towards the last training batch's statistics."""
        if self.running.size:
            np.multiply(self.running, 1 - MOMENTUM, out=self.running)
            np.multiply(self.batch_statistics, self.step_to_batch, out=self.batch_statistics)
            np.add(self.running, self.batch_statistics, out=self.running)

    def inference_layers(self) -> list[tuple[Array, Array]]:
        """Give for each layer weight (K, inputs, units) and shift (K, 1, units), batch norm folded in:
        gamma (x W - mean) / sqrt(variance + eps) + beta = x (W scale) + (beta - mean scale)."""
        layers = []
        for hidden in self.hidden:
            weight, shift = hidden.dense.weight, hidden.dense.bias
            if hidden.norm is not None:
                scale, shift = hidden.norm.inference()
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
            norm = BatchNorm(
                parameters["gamma"],
                parameters["beta"],
                gradients["gamma"],
                gradients["beta"],
                running["mean"],
                running["variance"],
                batch["mean"],
                batch["variance"],
            )
        live = None
        if self.shape.activation == "sigmoid" and any(asked < self.shape.units for asked in self.asked):
            # sigmoid(0) is 1/2: what is inert for the others has to be silenced here
            units = np.arange(self.shape.units) < np.array(self.asked)[:, None, None]
            live = units.astype(self.parameters.dtype)
        return Hidden(self._dense(layer), norm, ACTIVATIONS[self.shape.activation], live)

    def _resize(self, rows: int) -> None:
        if rows == self.rows:
            return
        self.rows, members, dtype = rows, len(self.asked), self.parameters.dtype
        self.outputs = np.empty((self.sizes[-1], members, rows), dtype)
        self.d_hidden = np.empty((members, rows, self.shape.units), dtype)
        unbiased = rows / (rows - 1) if rows > 1 else 1.0
        per_layer = [1.0] * self.shape.units + [unbiased] * self.shape.units
        batch_norm = self.running.shape[1] // (2 * self.shape.units)
        self.step_to_batch = np.array(per_layer * batch_norm, dtype) * MOMENTUM
        for hidden in self.hidden:
            hidden.resize(rows)
