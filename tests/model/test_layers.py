"""Every layer's gradients against central differences in float64, to 1e-6 relative."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.layers.batch_norm import EPSILON, BatchNorm
from caviar.model.layers.dense import Dense, initial_weight
from caviar.model.layers.losses import LOSSES, softmax, weigh
from tests.model.differences import assert_close, derivative

MEMBERS, ROWS, INPUTS, UNITS = 3, 7, 4, 5


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def norm_layer():
    one_row = (MEMBERS, 1, UNITS)
    return BatchNorm(
        gamma=1 + 0.3 * normal(*one_row),
        beta=normal(*one_row, seed=1),
        gamma_gradient=np.empty(one_row),
        beta_gradient=np.empty(one_row),
        running_mean=0.5 * normal(*one_row, seed=2),
        running_variance=0.5 + normal(*one_row, seed=3) ** 2,
        mean=np.empty(one_row),
        variance=np.empty(one_row),
    )


@pytest.mark.parametrize("bias", [True, False])
def test_dense_gradients(bias):
    x, weight, dz = normal(MEMBERS, ROWS, INPUTS), normal(MEMBERS, INPUTS, UNITS), normal(MEMBERS, ROWS, UNITS, seed=1)
    shift = normal(MEMBERS, 1, UNITS) if bias else None
    layer = Dense(weight, np.empty_like(weight), shift, None if shift is None else np.empty_like(shift))

    def loss():
        out = np.empty((MEMBERS, ROWS, UNITS))
        layer.forward(x, out)
        return float((out * dz).sum())

    dx = np.empty_like(x)
    layer.backward(x, dz, dx)
    assert_close(dx, derivative(loss, x))
    assert_close(layer.weight_gradient, derivative(loss, weight))
    if shift is not None:
        assert_close(layer.bias_gradient, derivative(loss, shift))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_gradients_of_input_gamma_and_beta(training):
    layer, z, dy = norm_layer(), normal(MEMBERS, ROWS, UNITS), normal(MEMBERS, ROWS, UNITS, seed=1)
    average, ones = np.full((1, ROWS), 1 / ROWS), np.ones((1, ROWS))

    def forward():
        centred, out = z.copy(), np.empty_like(z)
        layer.forward(centred, average, out, training=training)
        return centred, out

    def loss():
        return float((forward()[1] * dy).sum())

    centred, _ = forward()
    dz = dy.copy()
    layer.backward(dz, centred, ones, np.empty_like(dz), training=training)
    gamma_gradient, beta_gradient = layer.gamma_gradient.copy(), layer.beta_gradient.copy()
    assert_close(dz, derivative(loss, z))
    assert_close(gamma_gradient, derivative(loss, layer.gamma))
    assert_close(beta_gradient, derivative(loss, layer.beta))


def test_batch_norm_output_has_mean_beta_and_deviation_gamma():
    layer, z = norm_layer(), 3 + 10 * normal(MEMBERS, ROWS, UNITS)
    variance, out = z.var(axis=1, keepdims=True), np.empty_like(z)
    layer.forward(z, np.full((1, ROWS), 1 / ROWS), out, training=True)
    np.testing.assert_allclose(out.mean(axis=1, keepdims=True), layer.beta, atol=1e-12)
    expected = np.abs(layer.gamma) * np.sqrt(variance / (variance + EPSILON))
    np.testing.assert_allclose(out.std(axis=1, keepdims=True), expected)


@given(st.floats(0.1, 100), st.floats(-100, 100))
@settings(max_examples=30, deadline=None)
def test_batch_norm_is_invariant_to_scale_and_shift_of_its_input(scale, shift):
    average = np.full((1, ROWS), 1 / ROWS)
    outs = []
    for z in (normal(MEMBERS, ROWS, UNITS), scale * normal(MEMBERS, ROWS, UNITS) + shift):
        out = np.empty_like(z)
        norm_layer().forward(z, average, out, training=True)
        outs.append(out)
    np.testing.assert_allclose(*outs, atol=2e-2 if scale < 1 else 1e-4)  # epsilon shows where the scale is small


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_affine(training):
    layer, z = norm_layer(), normal(MEMBERS, ROWS, UNITS)
    original, out = z.copy(), np.empty_like(z)
    layer.forward(z, np.full((1, ROWS), 1 / ROWS), out, training=training)
    scale, shift = layer.affine(training=training)
    np.testing.assert_allclose(original * scale + shift, out, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradients(name):
    forward, backward = ACTIVATIONS[name]
    z, dh, zeros = normal(MEMBERS, ROWS, UNITS), normal(MEMBERS, ROWS, UNITS, seed=1), np.zeros((ROWS, UNITS))

    def loss():
        h = z.copy()
        forward(h, zeros)
        return float((h * dh).sum())

    h, dz = z.copy(), dh.copy()
    forward(h, zeros)
    backward(dz, h, np.empty(h.shape, bool))
    assert_close(dz, derivative(loss, z))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_keeps_nan(name):
    h = np.array([[[np.nan]]])
    ACTIVATIONS[name].forward(h, np.zeros((1, 1)))
    assert np.isnan(h).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("task", LOSSES)
def test_loss_gradients(task, smoothing, weighted):
    outputs = normal(UNITS, MEMBERS, ROWS)
    targets = np.full_like(outputs, smoothing / UNITS)
    targets[np.random.default_rng(0).integers(UNITS, size=ROWS), :, np.arange(ROWS)] += 1.0 - smoothing
    targets = targets if task == "classification" else normal(UNITS, MEMBERS, ROWS, seed=1)
    weights = np.random.default_rng(1).gamma(2.0, size=(MEMBERS, ROWS))

    def losses_and_gradient():
        gradient = outputs.copy()
        losses = LOSSES[task](gradient, targets, np.empty_like(outputs))
        if weighted:
            weigh(losses, gradient, weights)
        return losses, gradient

    def loss():
        return float(losses_and_gradient()[0].sum() / ROWS)

    assert_close(losses_and_gradient()[1], derivative(loss, outputs))


def test_cross_entropy_is_finite_where_the_probability_underflows():
    outputs = np.array([1000.0, 0.0], np.float32).reshape(2, 1, 1)
    targets = np.array([0.0, 1.0], np.float32).reshape(2, 1, 1)
    assert LOSSES["classification"](outputs, targets, np.empty_like(outputs)).item() == 1000.0
    assert outputs.ravel().tolist() == [1.0, -1.0]


def test_softmax_sums_to_one():
    logits = 50 * normal(UNITS, MEMBERS, ROWS)
    softmax(logits)
    np.testing.assert_allclose(logits.sum(axis=0), 1.0)


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 400), ("tanh", 2 / 700), ("sigmoid", 2 / 700)])
def test_initial_weights_have_the_variance_of_the_paper(activation, variance):
    weight = initial_weight(np.random.default_rng(0), 400, 300, activation)
    assert abs(weight.var() / variance - 1) < 0.02
    assert abs(weight.mean()) < 0.01 * np.sqrt(variance)
