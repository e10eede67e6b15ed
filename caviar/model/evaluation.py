"""Predictions and metrics of K models on shared rows, with the running averages of batch norm."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.layers.losses import softmax
from caviar.model.network import Network

Array = NDArray[Any]

BLOCK = 512  # rows at a time, the same for every K: a row's place in its block may round it differently


def outputs_of(network: Network, x: Array) -> Array:
    """Give the outputs for rows that all models share: (outputs, K, n) for x of (n, features)."""
    layers = network.inference_layers()
    activation = ACTIVATIONS[network.shape.activation].forward
    members, dtype = len(network.asked), network.parameters.dtype
    outputs = np.empty((network.sizes[-1], members, len(x)), dtype)
    zeros = np.zeros((BLOCK, network.shape.units), dtype)
    for start in range(0, len(x), BLOCK):
        h: Array = x[None, start : start + BLOCK].astype(dtype, copy=False)
        for weight, shift in layers[:-1]:
            h = np.matmul(h, weight)
            np.add(h, shift, out=h)
            activation(h, zeros[: h.shape[1]])
        out = outputs[:, :, start : start + BLOCK].transpose(1, 2, 0)
        np.matmul(h, layers[-1][0], out=out)
        np.add(out, layers[-1][1], out=out)
    return outputs


def predictions(network: Network, x: Array, dataset: Dataset) -> Array:
    """Give (K, n, outputs): probabilities of the classes, or targets in their own unit."""
    outputs = outputs_of(network, x)
    if dataset.task == "classification":
        softmax(outputs)
    else:
        outputs = outputs * dataset.target_scale + dataset.target_mean
    return np.ascontiguousarray(outputs.transpose(1, 2, 0))


def metrics(network: Network, x: Array, y: Array, dataset: Dataset, part: str) -> list[dict[str, float]]:
    """Give every model's metrics on a part of the data.

    Args:
        network: the stack.
        x: (n, features).
        y: (n,) class indices, or targets in their own unit.
        dataset: says which task it is and the target's unit.
        part: "val" or "test", the prefix of the names.

    Returns:
        For each model its mean loss, and its accuracy in [0, 1], or for regression the root mean squared
        error in the target's own unit (the loss is of standardised targets).
    """
    outputs = outputs_of(network, x)
    if dataset.task == "regression":
        errors = outputs[0] - (y - dataset.target_mean) / dataset.target_scale
        losses = [float(row @ row) / len(y) for row in errors]
        return [{f"{part}_loss": loss, f"{part}_rmse": math.sqrt(loss) * dataset.target_scale} for loss in losses]
    right = np.argmax(outputs, axis=0) == y
    np.subtract(outputs, np.maximum.reduce(outputs, axis=0), out=outputs)
    picked = np.take_along_axis(outputs, y[None, None, :], axis=0)[0]
    rows = np.log(np.add.reduce(np.exp(outputs, out=outputs), axis=0)) - picked
    ones = np.ones(len(y), rows.dtype)
    return [
        {f"{part}_loss": float(row @ ones) / len(y), f"{part}_accuracy": int(hits.sum()) / len(y)}
        for row, hits in zip(rows, right, strict=True)
    ]
