"""The shift of one step, compared with numeric and hand-written gradients."""

import numpy as np
import pytest

from caviar.experiments.shift import gradient_shift, moments, movement
from caviar.model.inspection import inspect_layers
from caviar.model.layers.batch_norm import EPSILON
from caviar.model.layers.losses import LOSSES
from caviar.model.network import Network
from caviar.model.shapes import shape_of

LOSS = LOSSES["classification"]
FEATURES, UNITS, CLASSES, ROWS = 4, 16, 3, 9
GENERATOR = np.random.default_rng(7)
X = GENERATOR.standard_normal((ROWS, FEATURES))
TARGETS = np.eye(CLASSES)[GENERATOR.integers(CLASSES, size=ROWS)]


def network(layers, seed, **config):
    """Return a stack of one in float64 with random parameters."""
    fixed = {"hidden_layers": layers, "hidden_units": UNITS, "activation": "sigmoid", "dtype": "float64"}
    shape = shape_of({**fixed, **config})
    stack = Network(shape, FEATURES, CLASSES, [UNITS])
    generator = np.random.default_rng(seed)
    stack.initialise([generator])
    stack.parameters += 0.3 * generator.standard_normal(stack.parameters.shape)
    return stack


def copy(parameters):
    return [{name: array[0].copy() for name, array in layer.items()} for layer in parameters]


def loss_of(layers):
    """Return the mean loss from the formulas, for dicts of each layer's parameters."""
    h = X
    for layer in layers[:-1]:
        z = h @ layer["weight"]
        if "gamma" in layer:
            z = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON) * layer["gamma"] + layer["beta"]
        else:
            z = z + layer["bias"]
        h = 1 / (1 + np.exp(-z))
    scores = h @ layers[-1]["weight"] + layers[-1]["bias"]
    return np.mean(np.log(np.exp(scores).sum(axis=1)) - (scores * TARGETS).sum(axis=1))


def slope(layers, layer):
    """Return dL/dW of one layer by central differences."""
    weight = layers[layer]["weight"]
    gradient = np.empty_like(weight)
    for index in np.ndindex(weight.shape):
        value, losses = weight[index], []
        for step in (1e-5, -1e-5):
            weight[index] = value + step
            losses.append(loss_of(layers))
        weight[index] = value
        gradient[index] = (losses[0] - losses[1]) / 2e-5
    return gradient


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_shift_follows_its_definition(batch_norm):
    """G and G' are central differences of the loss above, with the layers below replaced."""
    before, after = network(3, 1, batch_norm=batch_norm), network(3, 2, batch_norm=batch_norm)
    old, new = copy(before.parameter_views), copy(after.parameter_views)
    for layer, shift in enumerate(gradient_shift(before, after, X, TARGETS, LOSS)):
        g, changed = slope(old, layer), slope(new[:layer] + old[layer:], layer)
        assert shift.norm == pytest.approx(np.linalg.norm(g), rel=1e-6)
        assert shift.change == pytest.approx(np.linalg.norm(changed - g), rel=1e-6, abs=1e-12)
        cosine = (g * changed).sum() / np.linalg.norm(g) / np.linalg.norm(changed)
        assert shift.cosine == pytest.approx(cosine, rel=1e-6)
        assert shift.relative == pytest.approx(shift.change / shift.norm)


def test_a_case_solved_by_hand():
    """With two layers and no batch norm the outputs' gradient is h'(p - y) / B; the first layer's step moves h."""
    before = network(1, 3, batch_norm=False)
    after = before.select([0])
    after.parameter_views[0]["weight"] += 0.1
    after.parameter_views[1]["weight"] += 5.0  # its own step must not count
    first, last = copy(before.parameter_views)

    def gradient(weight):
        h = 1 / (1 + np.exp(-(X @ weight + first["bias"])))
        scores = np.exp(h @ last["weight"] + last["bias"])
        return h.T @ (scores / scores.sum(axis=1, keepdims=True) - TARGETS) / ROWS

    g, changed = gradient(first["weight"]), gradient(first["weight"] + 0.1)
    shift = gradient_shift(before, after, X, TARGETS, LOSS)[1]
    assert shift.norm == pytest.approx(np.linalg.norm(g))
    assert shift.change == pytest.approx(np.linalg.norm(changed - g))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_first_layer_has_no_shift_to_the_bit(batch_norm):
    before, after = network(2, 1, batch_norm=batch_norm), network(2, 2, batch_norm=batch_norm)
    parameters = before.parameters.copy(), after.parameters.copy()
    first, *others = gradient_shift(before, after, X, TARGETS, LOSS)
    assert (first.change, first.relative) == (0.0, 0.0)
    assert first.cosine == pytest.approx(1.0)
    assert all(shift.change > 0 for shift in others)
    np.testing.assert_array_equal(parameters, (before.parameters, after.parameters))
    unchanged = gradient_shift(before, before.select([0]), X, TARGETS, LOSS)
    assert [shift.change for shift in unchanged] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_movement_measures_means_and_deviations(batch_norm):
    before = network(2, 1, batch_norm=batch_norm)
    after = before.select([0])
    name = "beta" if batch_norm else "bias"
    after.parameter_views[0][name] += 0.25  # moves what the first activation reads, in every unit
    old, new = (inspect_layers(stack, X, TARGETS, LOSS)[0] for stack in (before, after))
    moved = movement(old, new, normalized=True)
    assert moved.distance == pytest.approx(0.25)
    _, deviation = moments(old, normalized=True)
    assert moved.relative == pytest.approx(np.sqrt(np.mean((0.25 / deviation) ** 2)))
    unnormalized = movement(old, new, normalized=False)
    assert unnormalized.distance == pytest.approx(0.0 if batch_norm else 0.25)
    unchanged = movement(old, old, normalized=True)
    assert (unchanged.distance, unchanged.relative) == (0.0, 0.0)
