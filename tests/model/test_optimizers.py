"""Adam and momentum against the formulas of their papers, computed by hand."""

import math

import numpy as np
import pytest

from caviar.model.config import NETWORK_DEFAULTS, check_config
from caviar.model.optimizers import Optimizer, clip_by_norm
from caviar.model.schedules import rate_of

GRADIENTS = [0.5, -1.0, 2.0, 0.0, 0.25, -3.0]


def path(kind, configs, rates=None):
    """Return the values of one parameter of each model, (steps, K), from 1.0 along GRADIENTS."""
    configs = [check_config({**config, "optimizer": kind}) for config in configs]
    parameters, gradients, values = np.ones((len(configs), 1)), np.empty((len(configs), 1)), []
    optimizer = Optimizer(kind, parameters, gradients)
    optimizer.set_hyperparameters(configs, rates or [config["learning_rate"] for config in configs])
    for gradient in GRADIENTS:
        gradients[:] = gradient
        optimizer.step()
        values.append(parameters[:, 0].copy())
    return np.array(values)


def test_adam_is_algorithm_1_of_its_paper():
    (alpha, beta1, beta2, epsilon), parameter, m, v = (0.1, 0.8, 0.99, 1e-8), 1.0, 0.0, 0.0
    expected = []
    for t, gradient in enumerate(GRADIENTS, start=1):
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        parameter -= alpha * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + epsilon)
        expected.append(parameter)
    config = {"learning_rate": alpha, "momentum": beta1, "beta2": beta2}
    np.testing.assert_allclose(path("adam", [config])[:, 0], expected, rtol=1e-13)


def test_adams_first_step_is_the_learning_rate_whatever_the_gradient():
    assert path("adam", [{"learning_rate": 0.01}])[0, 0] == pytest.approx(0.99, abs=1e-9)


def test_momentum_sums_gradients_as_torch_does():
    velocity, parameter, expected = 0.0, 1.0, []
    for gradient in GRADIENTS:
        velocity = 0.7 * velocity + gradient
        parameter -= 0.01 * velocity
        expected.append(parameter)
    config = {"learning_rate": 0.01, "momentum": 0.7}
    np.testing.assert_allclose(path("momentum", [config])[:, 0], expected, rtol=1e-13)


@pytest.mark.parametrize("kind", ["adam", "momentum"])
def test_each_model_has_its_own_hyperparameters(kind):
    configs = [
        {"learning_rate": 0.1, "momentum": 0.5, "beta2": 0.9, "epsilon": 1e-3},
        {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 0.1},
        {"learning_rate": 0.02, "momentum": 0.0, "clip_norm": 0.3},
    ]
    together = path(kind, configs)
    for number, config in enumerate(configs):
        assert (path(kind, [config])[:, 0] == together[:, number]).all()


def test_decoupled_weight_decay_shrinks_by_rate_times_decay():
    parameters = np.array([[2.0]])
    optimizer = Optimizer("momentum", parameters, np.zeros((1, 1)))
    optimizer.set_hyperparameters([{**NETWORK_DEFAULTS, "weight_decay": 0.5}], [0.1])
    optimizer.step()
    assert parameters.item() == pytest.approx(2.0 * (1 - 0.05))


def test_clipping_shrinks_only_larger_norms():
    gradients = np.array([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]])
    clip_by_norm(gradients, np.array([[1.0], [1.0], [math.inf]]))
    np.testing.assert_allclose(gradients, [[0.6, 0.8], [0.3, 0.4], [30.0, 40.0]])


@pytest.mark.parametrize(
    ("config", "rates"),
    [
        ({"lr_decay": 1.0}, [1, 1 / 2, 1 / 3, 1 / 4]),
        ({"schedule": "constant", "lr_decay": 1.0}, [1, 1, 1, 1]),
        ({"schedule": "cosine"}, [1, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 - math.cos(math.pi / 4)) / 2]),
        ({"schedule": "constant", "warmup": 3}, [0.25, 0.5, 0.75, 1]),
    ],
)
def test_schedules(config, rates):
    full = check_config({**config, "learning_rate": 1.0})
    assert [rate_of(full, epoch, 4) for epoch in range(4)] == pytest.approx(rates)
