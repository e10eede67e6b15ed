"""One hidden layer of a stack: dense, batch norm, activation and dropout, with their buffers."""

import numpy as np

from caviar.model.arrays import Array
from caviar.model.layers.activations import Activation
from caviar.model.layers.batch_norm import BatchNorm
from caviar.model.layers.dense import Dense


class Hidden:
    """A hidden layer of K models.

    Attributes:
        z: pre-activations minus their batch mean, (K, B, units); unused without batch norm.
        h: activations, (K, B, units).
        output: the next layer's input: h, with some units dropped in training.
        dropout_mask: the factors of h in training, (K, B, units); None: no dropout.
    """

    def __init__(self, dense: Dense, norm: BatchNorm | None, activation: Activation, unit_mask: Array | None) -> None:
        """Make a layer from parts; `unit_mask`, (K, 1, units), is 0 for padding units, None if they are 0 anyway."""
        self.dense, self.norm, self.activation, self.unit_mask = dense, norm, activation, unit_mask
        self.dropout_mask: Array | None = None
        self.resize(0)

    def resize(self, rows: int) -> None:
        """Allocate buffers for batches of `rows` rows."""
        members, _, units = self.dense.weight.shape
        dtype = self.dense.weight.dtype
        self.z, self.h = np.empty((2, members, rows, units), dtype)
        self.positive = np.empty((members, rows, units), bool)
        self.output = self.h
        self.average = np.full((1, rows), 1.0 / max(rows, 1), dtype)
        self.ones = np.ones((1, rows), dtype)
        self.zeros = np.zeros((rows, units), dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """Return the layer's output for x, (K, B, inputs), in a buffer that the next call overwrites."""
        if self.norm is None:
            self.dense.forward(x, out=self.h)
        else:
            self.dense.forward(x, out=self.z)
            self.norm.forward(self.z, self.average, out=self.h, training=training)
        self.activation.forward(self.h, self.zeros)
        if self.unit_mask is not None:
            np.multiply(self.h, self.unit_mask, out=self.h)
        self.output = self.h if self.dropout_mask is None or not training else self.h * self.dropout_mask
        return self.output

    def backward(self, x: Array, dh: Array, *, training: bool, first: bool) -> Array:
        """Write the parameters' gradients and return dL/dx, (K, B, inputs), in the buffer of z.

        Args:
            x: the input of the forward pass, (K, B, inputs).
            dh: dL/d(output), (K, B, units); destroyed, as are z and h.
            training: whether the forward pass was a training one.
            first: whether x is the data, whose gradient is not needed; the returned buffer is then meaningless.
        """
        if self.dropout_mask is not None and training:
            np.multiply(dh, self.dropout_mask, out=dh)
        self.activation.backward(dh, self.h, self.positive)
        if self.norm is not None:
            self.norm.backward(dh, self.z, self.ones, self.h, training=training)
        self.dense.backward(x, dh, None if first else self.z)
        return self.z
