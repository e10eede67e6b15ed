"""Networks watched while they train: what every layer holds, and how far a step moves it, by both definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.experiments.racing import endless
from caviar.experiments.shift import gradient_shift, moments, movement
from caviar.model.batches import targets_as_outputs
from caviar.model.inspection import LayerView, look
from caviar.model.network import Network
from caviar.model.training import Training

Array = NDArray[Any]
Rows = list[dict[str, Any]]
PERCENTILES = (15, 50, 85)


def watch(
    config: Mapping[str, Any], seeds: Sequence[int], dataset: Dataset, *, steps: int, measured: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train one configuration from several seeds, in float64, and measure some of its steps.

    Args:
        config: hyperparameters of the network.
        seeds: one a network.
        dataset: for classification. The rows on which distributions are measured are its validation rows,
            normalized as a training batch is: by their own mean and variance.
        steps: how many.
        measured: the steps to measure, from 0 up.

    Returns:
        layers: a row a seed, measured step and layer (from 1; the outputs are the last), see `_layer_rows`;
        accuracy: a row a seed and measured step: test_accuracy, test_loss, before that step;
        inputs: a row a seed, measured step and unit of the last hidden layer: the percentiles p15, p50 and p85 of
        what its activation function reads.
    """
    training = endless([{**config, "dtype": "float64"}] * len(seeds), seeds, dataset)
    layers: Rows = []
    accuracy: Rows = []
    inputs: list[pd.DataFrame] = []
    for step in range(steps):
        befores: dict[int, Network] = {}
        if step in measured:
            befores = {member: training.network.take([i]) for i, member in enumerate(training.members)}
            for member, report in zip(training.members, training.evaluate("test"), strict=True):
                accuracy.append({"seed": seeds[member], "step": step, **report})
        training.run(1)
        for place, (member, before) in enumerate(befores.items()):
            keys = {"seed": seeds[member], "step": step}
            rows, views = _step(training, place, before)
            layers += [{**keys, **row} for row in rows]
            inputs.append(_percentiles(views[-2]).assign(**keys))
        if not training.steps_left:
            training.epoch()
        if not training.members:
            break
    return pd.DataFrame(layers), pd.DataFrame(accuracy), pd.concat(inputs, ignore_index=True)


def typical(inputs: pd.DataFrame) -> pd.DataFrame:
    """The percentiles of one typical unit: the first seed's whose median travels the median way of all units."""
    first = inputs[inputs["seed"] == inputs["seed"].iloc[0]]
    travelled = first.groupby("unit")["p50"].agg(lambda median: median.diff().abs().sum())
    unit = travelled.sort_values(kind="stable").index[len(travelled) // 2]
    rows: pd.DataFrame = first[first["unit"] == unit].reset_index(drop=True)
    return rows


def _step(training: Training, place: int, before: Network) -> tuple[Rows, list[LayerView]]:
    """The rows of one model's layers for the step just made, and what they held before it."""
    after, dataset, loss = training.network.take([place]), training.dataset, training.loss
    batch = training.batches.x[place], training.batches.targets[place]
    shifts = gradient_shift(before, after, *batch, loss)
    dtype = before.parameters.dtype
    probe = dataset.val_x.astype(dtype), targets_as_outputs(dataset, dataset.val_y, dtype)
    old, new = (look(network, *probe, loss) for network in (before.take([0]), after))
    rows: Rows = []
    for number, (shift, a, b) in enumerate(zip(shifts, old, new, strict=True), start=1):
        rows.append({"layer": number, **_layer(a, b), **{f"gradient_{k}": v for k, v in asdict(shift).items()}})
    return rows, old


def _layer(before: LayerView, after: LayerView) -> dict[str, float]:
    """Means over the units of a layer, and how far they moved.

    pre_mean, pre_deviation: of the pre-activations z; input_mean, input_deviation: of what the activation function
    reads (the same without batch norm); pre_moved, input_moved: in their own unit; ..._relative: in their own
    standard deviations.
    """
    row: dict[str, float] = {}
    for name, normalized in (("pre", False), ("input", True)):
        mean, deviation = moments(before, normalized)
        moved = movement(before, after, normalized=normalized)
        row |= {f"{name}_mean": float(mean.mean()), f"{name}_deviation": float(deviation.mean())}
        row |= {f"{name}_moved": moved.distance, f"{name}_moved_relative": moved.relative}
    return row


def _percentiles(view: LayerView) -> pd.DataFrame:
    values = np.percentile(view.normalized, PERCENTILES, axis=0)
    columns = {f"p{p}": row for p, row in zip(PERCENTILES, values, strict=True)}
    return pd.DataFrame({"unit": np.arange(values.shape[1]), **columns})
