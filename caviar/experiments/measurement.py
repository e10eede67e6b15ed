"""Networks measured while they train: what each layer holds, and how far a step moves it, by both definitions."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.data.dataset import Dataset
from caviar.experiments.shift import gradient_shift, moments, movement
from caviar.experiments.sweep import stepwise_training
from caviar.model.batches import targets_as_outputs
from caviar.model.inspection import LayerView, inspect_layers
from caviar.model.network import Network
from caviar.model.training import Training
from caviar.records.trial import Config

_MEASURED_STEPS = 40  # of a training run, evenly spaced on a log scale
_PERCENTILES = (15, 50, 85)


class Measurements(NamedTuple):
    """The tables of one network's training runs.

    layers: a row per seed, measured step and layer (from 1; the last are the outputs), means over the layer's units.
        pre_mean, pre_deviation: of the pre-activations z; input_mean, input_deviation: of the activation function's
        input (equal without batch norm); pre_moved, input_moved: how far the step moves them, in their own unit;
        ..._relative: in their own standard deviations; gradient_...: a `GradientShift`.
    accuracy: a row per seed and measured step: test_accuracy and test_loss before that step.
    inputs: a row per measured step: percentiles of the activation function's input, of a typical unit of the last
        hidden layer.
    """

    layers: pd.DataFrame
    accuracy: pd.DataFrame
    inputs: pd.DataFrame


def measure(config: Config, seeds: int, dataset: Dataset, steps: int) -> Measurements:
    """Train one configuration from the seeds 0, 1, ..., in float64, and measure some of its steps.

    Distributions are those of the validation rows, normalized as a training batch is: by their own mean and variance.
    """
    measured_steps = {int(step) for step in np.geomspace(1, steps - 1, _MEASURED_STEPS)} | {0}
    training = stepwise_training([{**config, "dtype": "float64"}] * seeds, range(seeds), dataset)
    layers: list[dict[str, float]] = []
    accuracy: list[dict[str, float]] = []
    inputs: list[pd.DataFrame] = []
    for step in range(steps):
        networks: dict[int, Network] = {}
        if step in measured_steps:
            networks = {seed: training.network.select([i]) for i, seed in enumerate(training.members)}
            reports = training.evaluate("test")
            accuracy += [{"seed": seed, "step": step, **r} for seed, r in zip(training.members, reports, strict=True)]
        training.run(1)
        for index, (seed, network) in enumerate(networks.items()):
            rows, views = _measure_step(training, index, network)
            layers += [{"seed": seed, "step": step, **row} for row in rows]
            inputs.append(_percentiles(views[-2]).assign(seed=seed, step=step))
        if not training.steps_remaining:
            training.epoch()
        if not training.members:
            break
    unit = typical_unit(pd.concat(inputs, ignore_index=True))
    return Measurements(pd.DataFrame(layers), pd.DataFrame(accuracy), unit)


def typical_unit(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first seed's unit whose median moves by the median distance over all units."""
    first = inputs[inputs["seed"] == inputs["seed"].iloc[0]]
    distances = first.groupby("unit")["p50"].agg(lambda median: median.diff().abs().sum())
    unit = distances.sort_values(kind="stable").index[len(distances) // 2]
    rows: pd.DataFrame = first[first["unit"] == unit].reset_index(drop=True)
    return rows


def _measure_step(
    training: Training, index: int, before: Network
) -> tuple[list[dict[str, float]], Sequence[LayerView]]:
    """Return the rows of one model's layers for its last step, and the layers before that step."""
    after, dataset, loss = training.network.select([index]), training.dataset, training.loss
    shifts = gradient_shift(before, after, training.batches.x[index], training.batches.targets[index], loss)
    dtype = before.parameters.dtype
    x, targets = dataset.val_x.astype(dtype), targets_as_outputs(dataset, dataset.val_y, dtype)
    old, new = (inspect_layers(network, x, targets, loss) for network in (before.select([0]), after))
    rows = [
        {"layer": number, **_layer(a, b), **{f"gradient_{name}": value for name, value in asdict(shift).items()}}
        for number, (shift, a, b) in enumerate(zip(shifts, old, new, strict=True), start=1)
    ]
    return rows, old


def _layer(before: LayerView, after: LayerView) -> dict[str, float]:
    row: dict[str, float] = {}
    for name, normalized in (("pre", False), ("input", True)):
        mean, deviation = moments(before, normalized)
        moved = movement(before, after, normalized=normalized)
        row |= {f"{name}_mean": float(mean.mean()), f"{name}_deviation": float(deviation.mean())}
        row |= {f"{name}_moved": moved.distance, f"{name}_moved_relative": moved.relative}
    return row


def _percentiles(view: LayerView) -> pd.DataFrame:
    values = np.percentile(view.normalized, _PERCENTILES, axis=0)
    columns = {f"p{p}": row for p, row in zip(_PERCENTILES, values, strict=True)}
    return pd.DataFrame({"unit": np.arange(values.shape[1]), **columns})
