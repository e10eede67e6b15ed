"""Activation functions, in place, and their derivatives from the activation itself.

Each is a pair: `forward(h, zeros)` turns pre-activations into activations; `backward(dh, h, mask)` turns dL/dh
into the gradient before the activation. All arrays are (K, B, units); `zeros` are (B, units); `mask` is bool scratch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Activation(NamedTuple):
    """A function and its derivative, both in place."""

    forward: Callable[[Array, Array], Any]
    backward: Callable[[Array, Array, Array], Any]


def relu(h: Array, zeros: Array) -> None:
    """max(h, 0); NaN stays NaN, so that a diverged model shows."""
    np.maximum(h, zeros, out=h)  # an array of zeros: NumPy has no vector instructions for a maximum with a scalar


def relu_backward(dh: Array, h: Array, mask: Array) -> None:
    """dh where h > 0, else 0."""
    np.greater(h, 0, out=mask)
    np.multiply(dh, mask, out=dh)


def sigmoid(h: Array, zeros: Array) -> None:
    """1 / (1 + exp(-h)), by way of tanh, which cannot overflow: (1 + tanh(h / 2)) / 2."""
    np.multiply(h, 0.5, out=h)
    np.tanh(h, out=h)
    np.multiply(h, 0.5, out=h)
    np.add(h, 0.5, out=h)


def sigmoid_backward(dh: Array, h: Array, mask: Array) -> None:
    """dh h (1 - h)."""
    np.multiply(dh, h * (1 - h), out=dh)


def tanh(h: Array, zeros: Array) -> None:
    """tanh(h)."""
    np.tanh(h, out=h)


def tanh_backward(dh: Array, h: Array, mask: Array) -> None:
    """dh (1 - h^2)."""
    np.multiply(dh, 1 - h * h, out=dh)


ACTIVATIONS = {
    "relu": Activation(relu, relu_backward),
    "sigmoid": Activation(sigmoid, sigmoid_backward),
    "tanh": Activation(tanh, tanh_backward),
}
