"""The whole network: gradients, padding, inference, and independence of the other models of a stack."""

import numpy as np
import pytest

from caviar.model.evaluation import outputs_of
from caviar.model.layers.losses import LOSSES
from caviar.model.network import Network
from caviar.model.shapes import shape_of
from tests.model.differences import assert_close, derivative

FEATURES, OUTPUTS, ROWS = 4, 3, 6


def network(config, units=(5, 3), features=FEATURES, dtype="float64"):
    shape = shape_of({"hidden_layers": 2, "hidden_units": max(units), "dtype": dtype, **config})
    stack = Network(shape, features, OUTPUTS, units)
    stack.initialise([np.random.default_rng(seed) for seed in range(len(units))])
    return stack


def batch(members=2):
    generator = np.random.default_rng(7)
    targets = np.eye(OUTPUTS)[generator.integers(OUTPUTS, size=(members, ROWS))]
    return generator.normal(size=(members, ROWS, FEATURES)), targets.transpose(2, 0, 1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_gradients_of_all_parameters(activation, batch_norm, training):
    stack = network({"activation": activation, "batch_norm": batch_norm})
    # away from the kink of ReLU at zero, where a central difference is not a derivative
    stack.parameters += 0.1 * np.random.default_rng(1).normal(size=stack.parameters.shape)
    x, targets = batch()

    def loss():
        outputs = stack.forward(x, training=training)
        return float(LOSSES["classification"](outputs, targets, np.empty_like(outputs)).sum()) / ROWS

    loss()
    stack.backward(x, stack.outputs, training=training)
    gradients = stack.gradients.copy()
    assert_close(gradients, derivative(loss, stack.parameters))


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_padding_stays_exactly_zero(activation, batch_norm):
    stack = network({"activation": activation, "batch_norm": batch_norm})
    x, targets = batch()
    outputs = stack.forward(x)
    LOSSES["classification"](outputs, targets, np.empty_like(outputs))
    stack.backward(x, outputs)
    for member, units in enumerate(stack.unpadded_units):
        for layer, gradients in enumerate(stack.gradient_views):
            for name, gradient in gradients.items():
                columns = gradient[member, :, units:] if layer < 2 else gradient[member, units:, :0]
                assert not columns.any(), (layer, name)
            if layer:
                assert not gradients["weight"][member, units:].any()


def test_the_flat_arrays_hold_exactly_the_padded_parameters():
    stack = network({})
    assert stack.gradients.shape[1] == FEATURES * 16 + 16 * 16 + 4 * 16 + 16 * OUTPUTS + OUTPUTS


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_inference_in_blocks_equals_the_forward_pass_in_inference_mode(activation, batch_norm):
    stack = network({"activation": activation, "batch_norm": batch_norm})
    stack.running += np.abs(np.random.default_rng(3).normal(size=stack.running.shape))
    x = np.random.default_rng(2).normal(size=(700, FEATURES))
    np.testing.assert_allclose(outputs_of(stack, x), stack.forward(x, training=False), atol=1e-12)


def test_initial_weights_do_not_depend_on_the_stack_or_precision():
    alone, together = network({"hidden_units": 16}, units=(5,)), network({}, units=(5, 16, 3))
    assert (alone.parameters[0] == together.parameters[0]).all()
    single = network({}, units=(5, 16, 3), dtype="float32")
    assert (single.parameters == together.parameters.astype(np.float32)).all()


def test_running_averages_move_towards_the_batches():
    stack, (x, _) = network({}), batch()
    stack.forward(x)
    z = x @ stack.hidden[0].dense.weight
    stack.update_running()
    first = stack.running_views[0]
    np.testing.assert_allclose(first["mean"], 0.1 * z.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(first["variance"], 0.9 + 0.1 * z.var(axis=1, ddof=1, keepdims=True))
