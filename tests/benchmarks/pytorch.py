"""The built-in network on the digits, as a PyTorch user would write it: what Optuna, Ray Tune and a pool train."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import caviar

if TYPE_CHECKING:
    import torch

EPOCHS = 20


def train(config: Mapping[str, Any], seed: int) -> tuple[float, float]:
    """Train one configuration on the digits; return its accuracy on the validation rows and on the test rows."""
    import torch  # here and below, since the tests collect this module

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = caviar.load_digits()
    x, y = torch.tensor(np.array(data.train_x)), torch.tensor(np.array(data.train_y))
    model = network(config, data.features, data.outputs)
    optimizer = torch.optim.Adam(model.parameters(), config["learning_rate"], (config["momentum"], 0.999))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + config["lr_decay"] * epoch))
    batch = config["batch_size"]
    for _ in range(EPOCHS):
        model.train()
        order = torch.randperm(len(x))
        for i in range(len(x) // batch):
            rows = order[i * batch : (i + 1) * batch]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
        validation = accuracy(model, data.val_x, data.val_y)
    return validation, accuracy(model, data.test_x, data.test_y)


def network(config: Mapping[str, Any], features: int, classes: int) -> "torch.nn.Sequential":
    """Return the network, with batch normalization before each activation."""
    import torch

    layers: list[torch.nn.Module] = []
    width = features
    for _ in range(config["hidden_layers"]):
        units = config["hidden_units"]
        layers += [torch.nn.Linear(width, units, bias=False), torch.nn.BatchNorm1d(units), torch.nn.ReLU()]
        width = units
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, classes))


def accuracy(model: "torch.nn.Module", x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows whose class is right."""
    import torch

    model.eval()
    with torch.no_grad():
        return float((model(torch.tensor(np.array(x))).argmax(1).numpy() == y).mean())
