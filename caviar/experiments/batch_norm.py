"""Batch norm and internal covariate shift: what it speeds up, and what it does to either meaning of the word."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.data.loaders import load
from caviar.errors import InputError
from caviar.experiments.batch_norm_figures import DRAWINGS
from caviar.experiments.conclusions import OWN, SHIFTS, WITH, WITHOUT, found
from caviar.experiments.finding import Finding
from caviar.experiments.intervals import bootstrap
from caviar.experiments.sweeping import band_row, best, rates_table, sweep
from caviar.experiments.watching import typical, watch

CLAIM = "Batch normalization makes training faster, because it reduces internal covariate shift."
SOURCE = (
    "Ioffe & Szegedy 2015, Batch normalization, ICML, figure 1 and section 2; that it reduces the shift is disputed by "
    "Santurkar et al. 2018, How does batch normalization help optimization?, NeurIPS, section 2.2"
)
FIGURE_ONE = {  # the network of the 2015 paper's first figure
    "hidden_layers": 3,
    "hidden_units": 100,
    "activation": "sigmoid",
    "batch_size": 60,
    "optimizer": "momentum",
    "momentum": 0.0,
}
RATES = tuple(float(rate) for rate in 10.0 ** np.linspace(-3, 2, 16))  # three a decade
MEASURED = 40  # steps of a training that are measured, evenly on the log scale

Network = tuple[bool, int]  # with batch norm or without, and the place of its learning rate


def covariate_shift(
    data: Any = "digits",
    *,
    steps: int = 1000,
    seeds: int = 5,
    accuracy: float = 0.9,
    rates: Sequence[float] = RATES,
    every: int = 5,
    **config: Any,
) -> Finding:
    """Train one network with and without batch norm, from the same seeds on the same mini-batches, and measure.

    First every learning rate is tried with both: steps to `accuracy`, and the band of rates in which it is reached.
    Then three networks are watched: without batch norm at its best rate, with batch norm at that same rate, and with
    batch norm at its own best rate; "best" reaches the accuracy in the fewest steps (median over the seeds). By
    default the network is that of Ioffe & Szegedy's first figure: three hidden layers of 100 sigmoid units,
    mini-batches of 60, plain gradient descent; on the digits instead of MNIST and from Glorot's initial weights,
    where the paper says small random Gaussian values.

    Args:
        data: for classification, as `caviar.Study` takes it.
        steps: of each training, from 10 up.
        seeds: trainings of each network, from 1 up.
        accuracy: validation accuracy that counts as success, in (0, 1].
        rates: learning rates to try, rising.
        every: steps between two looks at the accuracy.
        config: other hyperparameters of the network; 2 hidden layers or more.

    Returns:
        A finding with these tables.
        `summary`, a row a network: learning rate, steps to the accuracy (median over the seeds), how many times
        faster than without, and per step the shift in both meanings, each with a bootstrap 95% interval over the
        seeds (of a seed: the median over the measured steps and the hidden layers above the first).
        `bands`, a row with and a row without: decades between the lowest and the highest rate of the longest
        unbroken row of rates that reach the accuracy.
        `rates`, a row a rate and network: the share of the seeds that reach it with its exact interval, median steps.
        `layers`, a row a network, seed, measured step and layer: means, standard deviations, how they move in that
        step (the original meaning), and norm and cosine of the change of the gradient (Santurkar et al. 2018,
        definition 2.1; zero for layer 1); the columns are those of `watching.watch`.
        `accuracy`, test accuracy through training; `inputs`, the 15th, 50th and 85th percentile of what a typical
        unit of the last hidden layer reads.

    Raises:
        InputError: regression data, too few layers or steps, or an accuracy that no rate reaches.

    Source of the claim: Ioffe & Szegedy 2015, ICML; disputed by Santurkar et al. 2018, NeurIPS.
    """
    dataset, network = load(data), {**FIGURE_ONE, **config}
    _check(dataset, network, steps, seeds)
    numbers, until = list(range(seeds)), {"accuracy": accuracy, "steps": steps, "every": every}
    reached = {n: sweep({**network, "batch_norm": n}, rates, numbers, dataset, **until) for n in (False, True)}
    chosen = _chosen(reached, until)
    watched = {
        name: _watched({**network, "batch_norm": norm, "learning_rate": rates[place]}, numbers, dataset, steps)
        for name, (norm, place) in chosen.items()
    }
    tables = {
        key: _stacked({name: of[key] for name, of in watched.items()}) for key in ("layers", "accuracy", "inputs")
    }
    raced = {name: (rates[place], reached[norm][place]) for name, (norm, place) in chosen.items()}
    summary = pd.DataFrame([_summary(name, raced, watched[name]["layers"]) for name in chosen])
    both = ((WITHOUT, reached[False]), (WITH, reached[True]))
    bands = pd.DataFrame([band_row(name, steps_of, rates) for name, steps_of in both])
    swept = pd.concat([rates_table(name, steps_of, rates) for name, steps_of in both], ignore_index=True)
    for table in (summary, bands, swept):
        table["accuracy"], table["seeds"] = accuracy, seeds
    found_tables = {"summary": summary, "bands": bands, "rates": swept, **tables}
    return Finding("covariate-shift", CLAIM, SOURCE, found(summary, bands), found_tables, DRAWINGS)


def _check(dataset: Dataset, network: Mapping[str, Any], steps: int, seeds: int) -> None:
    if dataset.task != "classification":
        raise InputError(f"{dataset.name} is for regression; covariate_shift counts steps to an accuracy: give classes")
    if network["hidden_layers"] < 2 or steps < 10 or seeds < 1:
        raise InputError(
            f"hidden_layers={network['hidden_layers']}, {steps=}, {seeds=}: give at least 2 layers (the first has no "
            "shift), 10 steps and 1 seed"
        )


def _chosen(reached: Mapping[bool, NDArray[np.float64]], until: Mapping[str, Any]) -> dict[str, Network]:
    """The networks to watch: a network that reaches the accuracy at no rate takes the other's."""
    without, own = (best(reached[norm]) for norm in (False, True))
    same = without if without is not None else own
    if same is None:
        raise InputError(
            f"no learning rate reaches accuracy={until['accuracy']} within steps={until['steps']}; lower it"
        )
    chosen = {WITHOUT: (False, same), WITH: (True, same)}
    return chosen | ({OWN: (True, own)} if own not in (None, same) else {})


def _watched(config: Mapping[str, Any], seeds: list[int], dataset: Dataset, steps: int) -> dict[str, pd.DataFrame]:
    measured = sorted({int(step) for step in np.geomspace(1, steps - 1, MEASURED)} | {0})
    layers, accuracy, inputs = watch(config, seeds, dataset, steps=steps, measured=measured)
    return {"layers": layers, "accuracy": accuracy, "inputs": typical(inputs)}


def _stacked(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several networks as one, with the network's name in front."""
    return pd.concat(tables, names=["network", None]).reset_index("network").reset_index(drop=True)


def _summary(name: str, raced: Mapping[str, tuple[float, Any]], layers: pd.DataFrame) -> dict[str, Any]:
    """The row of one network; raced: each one's learning rate and its steps to the accuracy, (seeds,)."""
    rate, steps = raced[name]
    row: dict[str, Any] = {"network": name, "learning_rate": rate, "steps": float(np.median(steps))}
    row["steps_low"], row["steps_high"] = bootstrap(steps, np.median)
    faster = raced[WITHOUT][1] / steps  # pairs of equal seeds; NaN where neither arrives
    row["times_faster"] = float(np.median(faster))
    row["times_low"], row["times_high"] = bootstrap(faster, np.median)
    above_first = layers[(layers["layer"] > 1) & (layers["layer"] < layers["layer"].max())]
    for shift in SHIFTS:
        of_seed = above_first.groupby("seed")[shift].median()
        row[shift] = float(of_seed.mean())
        row[f"{shift}_low"], row[f"{shift}_high"] = bootstrap(of_seed)
    return row
