"""Internal covariate shift of one optimizer step, by the differing definitions of two papers.

Ioffe & Szegedy 2015 (section 2): "the change in the distribution of network activations due to the change in network
parameters during training"; here the mean and standard deviation of each unit before and after the step, on the same
rows. Santurkar et al. 2018 (definition 2.1): the change of a layer's gradient, on the same batch, when the layers below
have taken the step and the layer itself has not.
"""

from dataclasses import dataclass

import numpy as np

from caviar.model.arrays import Array
from caviar.model.inspection import LayerView, inspect_layers
from caviar.model.layers.losses import Loss
from caviar.model.network import Network
from caviar.model.numpy_settings import numpy_settings


@dataclass(frozen=True)
class GradientShift:
    """The shift of one layer through gradients."""

    norm: float  # of the gradient G
    change: float  # the norm of G' - G
    relative: float  # change / norm; NaN if G or G' is zero
    cosine: float  # between G and G'; NaN if G or G' is zero


@dataclass(frozen=True)
class Movement:
    """How far one layer's units moved in a step, root mean square over the units.

    The distance is sqrt((change of mean)^2 + (change of standard deviation)^2), in the unit of z: the Wasserstein-2
    distance between two normal distributions with these moments.
    """

    distance: float
    relative: float  # in each unit's own standard deviations before the step


def gradient_shift(before: Network, after: Network, x: Array, targets: Array, loss: Loss) -> list[GradientShift]:
    """Return the shift of each layer through gradients (Santurkar et al. 2018, definition 2.1).

    With W_1..W_k the layers' parameters at step t, for layer i on the batch (x, y) of that step
    G_i = dL/dW_i (W_1(t), ..., W_k(t)) and G'_i = dL/dW_i (W_1(t+1), ..., W_{i-1}(t+1), W_i(t), ..., W_k(t)).
    The gradient is that of the layer's weight matrix; in the layers below all parameters are updated: weight, bias,
    gamma and beta. No layer is below the first, so its G' is G and its shift is zero.

    Args:
        before, after: a stack of one network before and after the step; not modified.
        x, targets: the batch of the step, (B, features) and (B, outputs).
        loss: from `LOSSES`.
    """
    mixed = before.select([0])
    shifts = []
    with numpy_settings():
        gradients = [view.weight_gradient for view in inspect_layers(mixed, x, targets, loss)]
        for layer, gradient in enumerate(gradients):
            if layer:
                for name, parameters in mixed.parameter_views[layer - 1].items():
                    parameters[:] = after.parameter_views[layer - 1][name]
            shifts.append(_compare(gradient, inspect_layers(mixed, x, targets, loss)[layer].weight_gradient))
    return shifts


def movement(before: LayerView, after: LayerView, *, normalized: bool) -> Movement:
    """Return the shift of one layer as the change of distributions over the same rows (Ioffe & Szegedy 2015).

    With `normalized` it is that of the activation function's input, after batch norm, else that of the pre-activations
    z = x W (+ b). Without batch norm the two are equal.
    """
    (mean, deviation), (new_mean, new_deviation) = moments(before, normalized), moments(after, normalized)
    distances = np.hypot(new_mean - mean, new_deviation - deviation)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = distances / deviation
    return Movement(_root_mean_square(distances), _root_mean_square(relative))


def moments(view: LayerView, normalized: bool) -> tuple[Array, Array]:
    """Return the mean and the standard deviation of each unit over the rows, both of shape (units,)."""
    z = view.normalized if normalized else view.pre_activation
    return z.mean(axis=0), z.std(axis=0)


def _compare(gradient: Array, other: Array) -> GradientShift:
    norm, other_norm, change = (float(np.linalg.norm(g)) for g in (gradient, other, other - gradient))
    if not norm * other_norm > 0:
        return GradientShift(norm, change, np.nan, np.nan)
    cosine = float(np.vdot(gradient, other)) / (norm * other_norm)
    return GradientShift(norm, change, change / norm, min(1.0, cosine))


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
