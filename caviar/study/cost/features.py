"""What is known about the time of a training before it begins: from the shape of a stack, or from a config.

A stack of networks is priced by its arithmetic. Of a user's function nothing is known but its hyperparameters: larger
integers, such as units, layers or trees, are expected to cost more, and anything else may.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from caviar.fleet.worker.networks import NetworkTrainable
from caviar.model.config import check_config
from caviar.model.shapes import parameter_count
from caviar.space import Space
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer
from caviar.space.scales import Array
from caviar.study.cost.regression import Features
from caviar.study.stacking import STEP_OPERATIONS

_SECONDS = 1.4e-10  # of an operation: a parameter times a row
_STACK_NOISE = 0.06  # of logs of seconds
_TRIAL_NOISE = 0.15
_ANY = 10.0  # the deviation of a weight about which nothing is known


def stack_features(stacks: Sequence[tuple[Mapping[str, Any], int]], trainable: NetworkTrainable) -> Features:
    """Return the features of an epoch of stacks of networks, each given by one of its configs and its width."""
    rows = [_stack_row(check_config(config), width, trainable) for config, width in stacks]
    table = np.array(rows, dtype=float).reshape(len(rows), 11)
    deviation = np.array([1.0, 0.2, 0.2, 0.3, 0.2, 0.3, 0.7, 0.3, 0.5, 0.3])
    return Features(table[:, 0], table[:, 1:], np.zeros(10), deviation, _STACK_NOISE)


def _stack_row(config: Mapping[str, Any], width: int, trainable: NetworkTrainable) -> tuple[float, ...]:
    dataset = trainable.dataset
    parts = dataset.folds or (dataset,)
    batch, parameters = config["batch_size"], parameter_count(config, dataset)
    steps = sum(max(1, len(part.train_x) // min(batch, len(part.train_x))) for part in parts)
    return (
        math.log(_SECONDS * steps * (STEP_OPERATIONS + width * batch * parameters)),
        1.0,
        math.log(batch / 64),
        math.log(parameters / 10_000),
        math.log1p(config["hidden_layers"]) - 1.0,
        math.log(width),
        config["optimizer"] != "adam",
        config["dtype"] != "float32",
        not config["batch_norm"],
        config["dropout"] > 0,
        config["activation"] != "relu",
    )


class _Column(NamedTuple):
    """A column of features, shape (n,), and the prior of its weight."""

    values: Array
    mean: float
    deviation: float


def trial_features(space: Space, points: Array) -> Features:
    """Return the features of a trial of a user's function, for points of the unit cube, shape (n, d)."""
    columns, active = [_Column(np.ones(len(points)), 0.0, _ANY)], space.active(points).astype(float)
    for j, dimension in enumerate(space.dimensions):
        columns += _columns(dimension.hyperparameter, points[:, j], active[:, j])
    values, mean, deviation = zip(*columns, strict=True)
    return Features(np.zeros(len(points)), np.column_stack(values), np.array(mean), np.array(deviation), _TRIAL_NOISE)


def _columns(hyperparameter: Hyperparameter, units: Array, active: Array) -> Iterator[_Column]:
    """Yield one column of a number, or one for each option of a choice without an order."""
    low, high = hyperparameter.low, hyperparameter.high
    if low is None or high is None:
        index = hyperparameter.indices(units) if isinstance(hyperparameter, Choice) else units
        for option in range(int(hyperparameter.levels)):
            yield _Column(active * (index == option), 0.0, 0.7)
    elif low > 0 and high <= sys.float_info.max and (span := math.log(high) - math.log(low)) > 0:
        logs = active * np.log(hyperparameter.values(units).astype(float) / (math.sqrt(low) * math.sqrt(high)))
        if isinstance(hyperparameter, Integer):
            yield _Column(logs, 0.5, 0.5)
        else:
            yield _Column(logs / span, 0.0, 0.7)
    else:
        yield _Column(active * (units - 0.5), 0.0, 0.7)
