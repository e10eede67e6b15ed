"""Predictions and metrics of K models on shared rows, using the running averages of batch norm."""

import math
from collections.abc import Sequence

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.source import Task
from caviar.model.arrays import Array
from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.layers.losses import softmax
from caviar.model.network import Network

_BLOCK = 512  # rows at a time, the same for every K: a row's position in its block may change its rounding


def outputs_of(network: Network, x: Array) -> Array:
    """Return the outputs, (outputs, K, n), for rows that all models share, x of (n, features)."""
    return outputs_of_layers(network.inference_layers(), network.shape.activation, x)


def outputs_of_layers(layers: Sequence[tuple[Array, Array]], activation_name: str, x: Array) -> Array:
    """Return the outputs, (outputs, K, n), of layers that `Network.inference_layers` has returned."""
    activation, last = ACTIVATIONS[activation_name].forward, layers[-1][0]
    members, _, count = last.shape
    dtype = last.dtype
    outputs = np.empty((count, members, len(x)), dtype)
    zeros = np.zeros((_BLOCK, layers[0][0].shape[2]), dtype)
    for start in range(0, len(x), _BLOCK):
        h: Array = x[None, start : start + _BLOCK].astype(dtype, copy=False)
        for weight, shift in layers[:-1]:
            h = np.matmul(h, weight)
            np.add(h, shift, out=h)
            activation(h, zeros[: h.shape[1]])
        out = outputs[:, :, start : start + _BLOCK].transpose(1, 2, 0)
        np.matmul(h, last, out=out)
        np.add(out, layers[-1][1], out=out)
    return outputs


def dead_units(network: Network, x: Array) -> list[tuple[float, ...]]:
    """Return for each model the share of each hidden layer's units that are 0 for all rows of x, (n, features).

    They have no gradient for these rows, so training on them does not revive them. () unless the units are ReLU.
    """
    dead: list[list[float]] = [[] for _ in network.unpadded_units]
    if network.shape.activation == "relu":
        h: Array = x[None].astype(network.parameters.dtype, copy=False)
        for weight, shift in network.inference_layers()[:-1]:
            h = np.matmul(h, weight)
            live = np.maximum(np.add(h, shift, out=h), 0, out=h).max(axis=1) > 0
            for shares, units, row in zip(dead, network.unpadded_units, live, strict=True):
                shares.append(1 - float(row[:units].mean()))
    return [tuple(shares) for shares in dead]


def predictions(network: Network, x: Array, dataset: Dataset) -> Array:
    """Return (K, n, outputs): probabilities of the classes, or targets in their own unit; x is (n, features)."""
    outputs = outputs_of(network, x)
    return predictions_of(outputs, dataset.task, dataset.target_mean, dataset.target_scale)


def predictions_of(outputs: Array, task: Task, target_mean: float, target_scale: float) -> Array:
    """Return (K, n, outputs), as `predictions`, for the outputs of networks, which classification overwrites."""
    if task == "classification":
        softmax(outputs)
    else:  # float32 could not tell large targets apart
        outputs = outputs.astype(np.float64) * target_scale + target_mean
    return np.ascontiguousarray(outputs.transpose(1, 2, 0))


def rows_of(dataset: Dataset, part: str) -> tuple[Array, Array, Array | None]:
    """Return x, y and the weights of the "val" or "test" part."""
    if part == "val":
        return dataset.val_x, dataset.val_y, dataset.val_weights
    return dataset.test_x, dataset.test_y, dataset.test_weights


def metrics(network: Network, dataset: Dataset, part: str) -> list[dict[str, float]]:
    """Return every model's metrics on the "val" or "test" part of the data; {} if it has no rows.

    They are the mean loss, and the accuracy in [0, 1] or, for regression, the root mean squared error in the target's
    own unit (the loss is that of standardised targets). Rows count by their weights. Names begin with the part.
    """
    x, y, weights = rows_of(dataset, part)
    if not len(y):
        return [{} for _ in network.unpadded_units]
    total = len(y) if weights is None else float(weights.sum())
    outputs = outputs_of(network, x)
    if dataset.task == "regression":
        errors = outputs[0] - (y - dataset.target_mean) / dataset.target_scale
        losses = [float((row if weights is None else row * weights) @ row) / total for row in errors]
        return [{f"{part}_loss": loss, f"{part}_rmse": math.sqrt(loss) * dataset.target_scale} for loss in losses]
    correct = np.argmax(outputs, axis=0) == y
    np.subtract(outputs, np.maximum.reduce(outputs, axis=0), out=outputs)
    target_logits = np.take_along_axis(outputs, y[None, None, :], axis=0)[0]
    losses_of_rows = np.log(np.add.reduce(np.exp(outputs, out=outputs), axis=0)) - target_logits
    if weights is None:
        weights = np.ones(len(y))
    of_losses = weights.astype(losses_of_rows.dtype)
    return [
        {f"{part}_loss": float(row @ of_losses) / total, f"{part}_accuracy": float(weights[hits].sum()) / total}
        for row, hits in zip(losses_of_rows, correct, strict=True)
    ]
