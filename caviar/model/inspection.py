"""A look inside one network: what its layers hold for some rows, and the gradients of these rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.model.layers.losses import Loss
from caviar.model.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LayerView:
    """One layer for n rows, cut to the asked units.

    pre_activation: z = x W (+ b), (n, units); normalized: after batch norm (z itself without), (n, units);
    activation: what the next layer reads, (n, units); weight, weight_gradient: (inputs, units).
    """

    pre_activation: Array
    normalized: Array
    activation: Array
    weight: Array
    weight_gradient: Array


def look(network: Network, x: Array, targets: Array, loss: Loss, *, training: bool = True) -> list[LayerView]:
    """Run a stack of one forward and backward over some rows, without changing it.

    Args:
        network: of one model (`Network.take` picks it).
        x: (n, features).
        targets: (n, outputs), one-hot or standardised.
        loss: from `LOSSES`.
        training: normalize by these rows, as training does, or by the running averages.

    Returns:
        A view for each hidden layer, then one for the output layer, whose activation is its pre-activation.
    """
    (asked,), hidden = network.asked, network.hidden
    outputs = network.forward(x, training=training)
    logits = outputs[:, 0].T.copy()
    activations = [layer.h[0, :, :asked].copy() for layer in hidden]
    loss(outputs, np.ascontiguousarray(targets[None]).transpose(2, 0, 1), np.empty_like(outputs))
    network.backward(x, outputs, training=training)
    views, reads = [], x
    for layer, activation in zip(hidden, activations, strict=True):
        weight = layer.dense.weight[0, : reads.shape[1], :asked].copy()
        bias = 0.0 if layer.dense.bias is None else layer.dense.bias[0, :, :asked]
        z = reads @ weight + bias
        normalized = z
        if layer.norm is not None:
            scale, shift = layer.norm.batch() if training else layer.norm.inference()
            normalized = z * scale[0, :, :asked] + shift[0, :, :asked]
        gradient = layer.dense.weight_gradient[0, : reads.shape[1], :asked].copy()
        views.append(LayerView(z, normalized, activation, weight, gradient))
        reads = activation
    last = network.last
    weight, gradient = (array[0, : reads.shape[1]].copy() for array in (last.weight, last.weight_gradient))
    return [*views, LayerView(logits, logits, logits, weight, gradient)]
