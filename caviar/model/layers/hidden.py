"""One hidden layer of a stack: dense, batch norm, activation, dropout, with the buffers they work in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.model.layers.activations import Activation
from caviar.model.layers.batch_norm import BatchNorm
from caviar.model.layers.dense import Dense

Array = NDArray[Any]


class Hidden:
    """A hidden layer of K models. After `forward`:

    z: pre-activations less their batch mean with batch norm, (K, B, units); unused without;
    h: activations, (K, B, units);
    output: what the next layer reads: h, or h with some units dropped.
    """

    def __init__(self, dense: Dense, norm: BatchNorm | None, activation: Activation, live: Array | None) -> None:
        """Take the parts; live: (K, 1, units), 1 for asked units and 0 for padding, where f(0) is not 0."""
        self.dense, self.norm, self.activation, self.live = dense, norm, activation, live
        self.mask: Array | None = None
        self.resize(0)

    def resize(self, rows: int) -> None:
        """Make buffers for batches of so many rows."""
        members, _, units = self.dense.weight.shape
        dtype = self.dense.weight.dtype
        self.z, self.h = np.empty((2, members, rows, units), dtype)
        self.positive = np.empty((members, rows, units), bool)
        self.output = self.h
        self.average = np.full((1, rows), 1.0 / max(rows, 1), dtype)
        self.ones = np.ones((1, rows), dtype)
        self.zeros = np.zeros((rows, units), dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """Give the layer's output for x, (K, B, inputs); its own buffer, good until the next call."""
        if self.norm is None:
            self.dense.forward(x, out=self.h)
        else:
            self.dense.forward(x, out=self.z)
            if training:
                self.norm.forward(self.z, self.average, out=self.h)
            else:
                self.norm.forward_inference(self.z, out=self.h)
        self.activation.forward(self.h, self.zeros)
        if self.live is not None:
            np.multiply(self.h, self.live, out=self.h)
        self.output = self.h if self.mask is None or not training else self.h * self.mask
        return self.output

    def backward(self, x: Array, dh: Array, *, training: bool, first: bool) -> Array:
        """Write the parameters' gradients; give dL/dx, (K, B, inputs), in the buffer of z.

        Args:
            x: the input of the forward pass, (K, B, inputs).
            dh: dL/d(output), (K, B, units); destroyed, as are z and h.
            training: whether the forward pass was a training one.
            first: whether x are the data, whose gradient nobody needs; then the return value is void.
        """
        if self.mask is not None and training:
            np.multiply(dh, self.mask, out=dh)
        self.activation.backward(dh, self.h, self.positive)
        if self.norm is not None:
            backward = self.norm.backward if training else self.norm.backward_inference
            backward(dh, self.z, self.ones, self.h)
        self.dense.backward(x, dh, None if first else self.z)
        return self.z
