"""The trainer against PyTorch: the same weights and batches give the same network, to 1e-9, after 300 steps."""

import numpy as np
import pytest

from caviar.data.loaders import from_arrays
from caviar.model.evaluation import outputs_of
from caviar.model.training import Training

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it is a part of the test extra")

pytestmark = pytest.mark.slow
torch.set_num_threads(1)  # more threads are slower on matrices this small

ROWS, FEATURES, UNITS, LAYERS, BATCH, STEPS = 900, 12, 21, 2, 32, 300


def dataset():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, FEATURES))
    return from_arrays(
        x, (x @ generator.normal(size=(FEATURES, 4)) + x**2 @ generator.normal(size=(FEATURES, 4))).argmax(1)
    )


def torch_network(training):
    """Return the unpadded twin of a stack of one, with its initial weights."""
    layers, units = [], FEATURES
    for _ in range(LAYERS):
        layers += [torch.nn.Linear(units, UNITS, bias=False), torch.nn.BatchNorm1d(UNITS), torch.nn.ReLU()]
        units = UNITS
    twin = torch.nn.Sequential(*layers, torch.nn.Linear(units, 4)).double()
    with torch.no_grad():
        for ours, theirs in pairs(training.network, twin):
            theirs.copy_(torch.from_numpy(ours))
    return twin


def pairs(network, twin):
    """Yield (ours, theirs) for every parameter, ours without padding and in PyTorch's orientation."""
    inputs = FEATURES
    linear = [layer for layer in twin if isinstance(layer, torch.nn.Linear)]
    norms = [layer for layer in twin if isinstance(layer, torch.nn.BatchNorm1d)]
    for parameters, dense, norm in zip(network.parameter_views, linear, [*norms, None], strict=True):
        outputs = dense.out_features
        yield parameters["weight"][0, :inputs, :outputs].T, dense.weight
        if norm is None:
            yield parameters["bias"][0, 0], dense.bias
        else:
            yield parameters["gamma"][0, 0, :outputs], norm.weight
            yield parameters["beta"][0, 0, :outputs], norm.bias
        inputs = outputs


OPTIMIZERS = {
    "Adam": ({"momentum": 0.85, "beta2": 0.99}, lambda p: torch.optim.Adam(p, lr=3e-3, betas=(0.85, 0.99), eps=1e-8)),
    "AdamW": ({"weight_decay": 0.1}, lambda p: torch.optim.AdamW(p, lr=3e-3, weight_decay=0.1)),
    "SGD": ({"optimizer": "momentum", "momentum": 0.8}, lambda p: torch.optim.SGD(p, lr=3e-3, momentum=0.8)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_300_steps_agree_with_torch(name):
    config, make = OPTIMIZERS[name]
    data = dataset()
    fixed = {"hidden_units": UNITS, "hidden_layers": LAYERS, "batch_size": BATCH, "dtype": "float64"}
    training = Training([{"learning_rate": 3e-3, **fixed, **config}], [5], data, epochs=100)
    twin = torch_network(training)
    optimizer, loss = make(twin.parameters()), torch.nn.CrossEntropyLoss()
    x, y = torch.from_numpy(data.train_x).double(), torch.from_numpy(data.train_y)
    for _ in range(STEPS):
        if not training.steps_remaining:
            training.epoch()
        rows = torch.from_numpy(training.batches.order[0, training.batches.position :][:BATCH].copy())
        training.run(1)
        optimizer.zero_grad()
        loss(twin(x[rows]), y[rows]).backward()
        optimizer.step()
    for ours, theirs in pairs(training.network, twin):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-9)
    norms = [layer for layer in twin if isinstance(layer, torch.nn.BatchNorm1d)]
    for running, norm in zip(training.network.running_views, norms, strict=True):
        np.testing.assert_allclose(running["mean"][0, 0, :UNITS], norm.running_mean.numpy(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(running["variance"][0, 0, :UNITS], norm.running_var.numpy(), rtol=0, atol=1e-9)
    twin.eval()
    with torch.no_grad():
        expected = twin(torch.from_numpy(data.val_x).double()).numpy()
    np.testing.assert_allclose(outputs_of(training.network, data.val_x)[:, 0].T, expected, rtol=0, atol=1e-9)
