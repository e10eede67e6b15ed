"""A dense layer of K models at once: z = x W (+ b).

Before batch normalization there is no bias, since subtracting the batch mean would cancel it.
"""

from dataclasses import dataclass

import numpy as np

from caviar.model.arrays import Array


@dataclass(frozen=True)
class Dense:
    """The weights of one layer of a stack, and buffers of the same shapes for their gradients.

    Args:
        weight, weight_gradient: (K, inputs, units).
        bias, bias_gradient: (K, 1, units), or None.

    >>> layer, out = Dense(np.ones((1, 2, 3)), np.empty((1, 2, 3))), np.empty((1, 1, 3))
    >>> layer.forward(np.array([[[1.0, 2.0]]]), out)
    >>> out
    array([[[3., 3., 3.]]])
    """

    weight: Array
    weight_gradient: Array
    bias: Array | None = None
    bias_gradient: Array | None = None

    def forward(self, x: Array, out: Array) -> None:
        """Write z = x W + b into `out`, (K, B, units); x is (K, B, inputs)."""
        np.matmul(x, self.weight, out=out)
        if self.bias is not None:
            np.add(out, self.bias, out=out)

    def backward(self, x: Array, dz: Array, dx: Array | None) -> None:
        """Write dL/dW = x' dz and dL/db = sum over the batch of dz; and dL/dx = dz W' if `dx` is given.

        Args:
            x: the input of the forward pass, (K, B, inputs).
            dz: dL/dz, (K, B, units).
            dx: the buffer for dL/dx, (K, B, inputs); None for the first layer.
        """
        np.matmul(x.transpose(0, 2, 1), dz, out=self.weight_gradient)
        if self.bias_gradient is not None:
            # where dz is a view of (units, K, B), a matmul with ones would sum in an order that depends on K
            np.add.reduce(dz, axis=1, keepdims=True, out=self.bias_gradient)
        if dx is not None:
            np.matmul(dz, self.weight.transpose(0, 2, 1), out=dx)


def initial_weight(generator: np.random.Generator, inputs: int, units: int, activation: str) -> Array:
    """Draw one model's initial weight, (inputs, units), float64, from a normal distribution.

    Its variance is He's 2 / inputs for ReLU (He et al. 2015, eq. 10), else Glorot's 2 / (inputs + units) (Glorot &
    Bengio 2010, eq. 12).

    >>> initial_weight(np.random.default_rng(0), 4, 3, "relu").shape
    (4, 3)
    """
    fan = inputs if activation == "relu" else inputs + units
    weight: Array = generator.standard_normal((inputs, units)) * np.sqrt(2.0 / fan)
    return weight
