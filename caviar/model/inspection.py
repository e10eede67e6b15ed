"""A look inside one network: the activations and gradients of its layers for some rows."""

from dataclasses import dataclass

import numpy as np

from caviar.model.arrays import Array
from caviar.model.layers.losses import Loss
from caviar.model.network import Network


@dataclass(frozen=True, eq=False)
class LayerView:
    """One layer for n rows, without padding.

    Args:
        pre_activation: z = x W (+ b), (n, units).
        normalized: z after batch norm, or z itself without it, (n, units).
        activation: the next layer's input, (n, units).
        weight, weight_gradient: (inputs, units).
    """

    pre_activation: Array
    normalized: Array
    activation: Array
    weight: Array
    weight_gradient: Array


def inspect_layers(network: Network, x: Array, targets: Array, loss: Loss, *, training: bool = True) -> list[LayerView]:
    """Run a stack of one forward and backward over some rows, without changing it, and return its layers.

    The last one is the output layer, whose activation is its pre-activation.

    Args:
        network: a stack of one (see `Network.select`).
        x: (n, features).
        targets: (n, outputs), one-hot or standardised.
        loss: from `LOSSES`.
        training: normalize by these rows, as in training, or by the running averages.
    """
    (units,), hidden = network.unpadded_units, network.hidden
    outputs = network.forward(x, training=training)
    logits = outputs[:, 0].T.copy()
    activations = [layer.h[0, :, :units].copy() for layer in hidden]
    loss(outputs, np.ascontiguousarray(targets[None]).transpose(2, 0, 1), np.empty_like(outputs))
    network.backward(x, outputs, training=training)
    views, inputs = [], x
    for layer, activation in zip(hidden, activations, strict=True):
        weight = layer.dense.weight[0, : inputs.shape[1], :units].copy()
        bias = 0.0 if layer.dense.bias is None else layer.dense.bias[0, :, :units]
        z = inputs @ weight + bias
        normalized = z
        if layer.norm is not None:
            scale, shift = layer.norm.affine(training=training)
            normalized = z * scale[0, :, :units] + shift[0, :, :units]
        gradient = layer.dense.weight_gradient[0, : inputs.shape[1], :units].copy()
        views.append(LayerView(z, normalized, activation, weight, gradient))
        inputs = activation
    last = network.last
    weight, gradient = (array[0, : inputs.shape[1]].copy() for array in (last.weight, last.weight_gradient))
    return [*views, LayerView(logits, logits, logits, weight, gradient)]
