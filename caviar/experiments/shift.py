"""Internal covariate shift of one optimizer step, as two papers define it. They do not measure the same thing.

Ioffe & Szegedy 2015 (section 2): "the change in the distribution of network activations due to the change in network
parameters during training"; here the mean and standard deviation of every unit before and after the step, on the
same rows. Santurkar et al. 2018 (definition 2.1): the change of a layer's gradient, on the same batch, when the
layers below it have taken the step and it has not; what the layer's own step did not foresee.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.model.inspection import LayerView, look
from caviar.model.layers.losses import Loss
from caviar.model.network import Network
from caviar.model.numpy_settings import tuned

Array = NDArray[Any]


@dataclass(frozen=True)
class GradientShift:
    """One layer's: norm of G, norm of G' - G, the latter over the former, and the cosine between G and G'.

    relative and cosine are NaN where G or G' is zero.
    """

    norm: float
    change: float
    relative: float
    cosine: float


@dataclass(frozen=True)
class Movement:
    """How one layer's units moved in a step, root mean square over its units.

    distance: sqrt((change of mean)^2 + (change of standard deviation)^2), in the unit of z: the Wasserstein-2
    distance between two normal distributions of these moments; relative: each unit's distance in its own standard
    deviations before the step.
    """

    distance: float
    relative: float


def gradient_shift(before: Network, after: Network, x: Array, targets: Array, loss: Loss) -> list[GradientShift]:
    """The shift through gradients (Santurkar et al. 2018, definition 2.1).

    With W_1..W_k the layers' parameters at step t, for layer i on the batch (x, y) of that step
    G_i = dL/dW_i (W_1(t), ..., W_k(t)) and G'_i = dL/dW_i (W_1(t+1), ..., W_{i-1}(t+1), W_i(t), ..., W_k(t)).
    Of the layer's own parameters the gradient is of its weight matrix; the layers below are updated in all that
    they have: weight, bias, gamma and beta. For the first layer nothing is below: G' is G, and the shift zero.

    Args:
        before, after: the stack of one before and after the step; not changed.
        x: the batch that the step was made with, (B, features).
        targets: its targets as outputs, (B, outputs).
        loss: from `LOSSES`.

    Returns:
        One a layer, from the first hidden layer to the outputs.
    """
    mixed = before.take([0])
    shifts = []
    with tuned():
        seen = [view.weight_gradient for view in look(mixed, x, targets, loss)]
        for layer, gradient in enumerate(seen):
            if layer:
                _take_over(mixed, after, layer - 1)
            shifts.append(_compared(gradient, look(mixed, x, targets, loss)[layer].weight_gradient))
    return shifts


def movement(before: LayerView, after: LayerView, *, normalized: bool) -> Movement:
    """The shift as the change of distributions (Ioffe & Szegedy 2015), of one layer over the same rows.

    Args:
        before, after: the layer's view before and after the step.
        normalized: of what the activation function reads, after batch norm; or of the pre-activations z = x W (+ b).
            Without batch norm the two are the same.
    """
    (mean, deviation), (new_mean, new_deviation) = moments(before, normalized), moments(after, normalized)
    distances = np.hypot(new_mean - mean, new_deviation - deviation)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = distances / deviation
    return Movement(_root_mean_square(distances), _root_mean_square(relative))


def moments(view: LayerView, normalized: bool) -> tuple[Array, Array]:
    """The mean and standard deviation of every unit over the rows, (units,) each."""
    z = view.normalized if normalized else view.pre_activation
    return z.mean(axis=0), z.std(axis=0)


def _take_over(mixed: Network, after: Network, layer: int) -> None:
    """Give `mixed` the parameters that one layer has after the step."""
    for name, parameters in mixed.parameter_views[layer].items():
        parameters[:] = after.parameter_views[layer][name]


def _compared(gradient: Array, other: Array) -> GradientShift:
    norm, other_norm, change = (float(np.linalg.norm(g)) for g in (gradient, other, other - gradient))
    if not norm * other_norm > 0:
        return GradientShift(norm, change, np.nan, np.nan)
    cosine = float(np.vdot(gradient, other)) / (norm * other_norm)
    return GradientShift(norm, change, change / norm, min(1.0, cosine))


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
