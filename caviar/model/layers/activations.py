"""Activation functions, in place, and their derivatives from the activation itself.

Each is a pair: `forward(h, zeros)` turns pre-activations into activations; `backward(dh, h, mask)` turns dL/dh into
the gradient of the pre-activations. All arrays are (K, B, units), except `zeros` (B, units); `mask` is boolean scratch.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from caviar.model.arrays import Array


class Activation(NamedTuple):
    """A function and its derivative, both in place.

    >>> h = np.array([[[-1.0, 2.0]]])
    >>> ACTIVATIONS["relu"].forward(h, np.zeros((1, 2)))
    >>> h
    array([[[0., 2.]]])
    """

    forward: Callable[[Array, Array], None]
    backward: Callable[[Array, Array, Array], None]


def _relu(h: Array, zeros: Array) -> None:
    """Compute max(h, 0); NaN stays NaN, so that divergence is noticed."""
    np.maximum(h, zeros, out=h)  # NumPy's maximum with a scalar is not vectorised


def _relu_backward(dh: Array, h: Array, mask: Array) -> None:
    """Compute dh where h > 0, else 0."""
    np.greater(h, 0, out=mask)
    np.multiply(dh, mask, out=dh)


def _sigmoid(h: Array, zeros: Array) -> None:
    """Compute 1 / (1 + exp(-h)) as (1 + tanh(h / 2)) / 2, which cannot overflow."""
    np.multiply(h, 0.5, out=h)
    np.tanh(h, out=h)
    np.multiply(h, 0.5, out=h)
    np.add(h, 0.5, out=h)


def _sigmoid_backward(dh: Array, h: Array, mask: Array) -> None:
    """Compute dh h (1 - h)."""
    np.multiply(dh, h * (1 - h), out=dh)


def _tanh(h: Array, zeros: Array) -> None:
    """Compute tanh(h)."""
    np.tanh(h, out=h)


def _tanh_backward(dh: Array, h: Array, mask: Array) -> None:
    """Compute dh (1 - h^2)."""
    np.multiply(dh, 1 - h * h, out=dh)


ACTIVATIONS = {
    "relu": Activation(_relu, _relu_backward),
    "sigmoid": Activation(_sigmoid, _sigmoid_backward),
    "tanh": Activation(_tanh, _tanh_backward),
}
