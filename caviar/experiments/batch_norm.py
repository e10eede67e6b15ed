"""Batch norm and internal covariate shift: what it speeds up, and what it does to both meanings of the shift."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from caviar._checks import check_integer
from caviar.data.dataset import Dataset
from caviar.data.loaders import load
from caviar.errors import InputError
from caviar.experiments.batch_norm_figures import DRAWINGS
from caviar.experiments.conclusions import OWN_RATE, SHIFTS, WITH, WITHOUT, conclusions
from caviar.experiments.finding import Finding
from caviar.experiments.intervals import bootstrap
from caviar.experiments.measurement import Measurements, measure
from caviar.experiments.sweep import Steps, Target, band_row, fastest, rates_table, sweep
from caviar.records.trial import Config

_CLAIM = "Batch normalization makes training faster, because it reduces internal covariate shift."
_SOURCE = (
    "Ioffe & Szegedy 2015, Batch normalization, ICML, figure 1 and section 2; that it reduces the shift is disputed by "
    "Santurkar et al. 2018, How does batch normalization help optimization?, NeurIPS, section 2.2"
)
_FIGURE_ONE: Config = {  # the network in figure 1 of the 2015 paper
    "hidden_layers": 3,
    "hidden_units": 100,
    "activation": "sigmoid",
    "batch_size": 60,
    "optimizer": "momentum",
    "momentum": 0.0,
}
_RATES = tuple(float(rate) for rate in 10.0 ** np.linspace(-3, 2, 16))  # three per decade


class _Race(NamedTuple):
    """A network to compare."""

    batch_norm: bool
    rate: float
    steps: Steps  # to the accuracy, for each seed


def covariate_shift(
    data: str | Dataset | tuple[ArrayLike, ArrayLike] = "digits",
    *,
    steps: int = 1000,
    seeds: int = 5,
    accuracy: float = 0.9,
    rates: Sequence[float] = _RATES,
    every: int = 5,
    **config: bool | int | float | str,
) -> Finding:
    """Train one network with and without batch norm, from the same seeds on the same mini-batches, and measure.

    First all learning rates are tried with both, to find the steps to `accuracy` and the band of rates that reach it.
    Then three networks are measured: without batch norm at its best rate, with batch norm at that same rate, and with
    batch norm at its own best rate; the best rate reaches the accuracy in the fewest steps (median over the seeds). The
    default network is that of figure 1 of Ioffe & Szegedy 2015: three hidden layers of 100 sigmoid units, mini-batches
    of 60, plain gradient descent; on the digits instead of MNIST, and from Glorot's initial weights where the paper
    only says small random Gaussian values.

    Args:
        data: classification data, as `caviar.Study` accepts them.
        steps: steps of each training run, >= 10.
        seeds: training runs of each network, >= 1.
        accuracy: validation accuracy to reach, in (0, 1].
        rates: learning rates to try, > 0.
        every: steps between checks of the accuracy, >= 1.
        config: other hyperparameters of the network; at least 2 hidden layers.

    Returns:
        A finding with these tables.
        `summary`, a row per network: learning rate, steps to the accuracy (median over the seeds), how many times
        faster than without, and per step the shift in both meanings, each with a bootstrap 95% interval over the
        seeds (of a seed: the median over the measured steps and the hidden layers above the first).
        `bands`, a row with and a row without: decades between the lowest and the highest rate of the longest unbroken
        run of rates that reach the accuracy.
        `rates`, a row per rate and network: the share of the seeds that reach it with its exact interval, median steps.
        `layers`, a row per network, seed, measured step and layer: means, standard deviations, how they move in that
        step (the original meaning), and norm and cosine of the change of the gradient (Santurkar et al. 2018,
        definition 2.1; zero for layer 1); `measurement.Measurements` lists the columns.
        `accuracy`, test accuracy through training; `inputs`, the 15th, 50th and 85th percentile of the input of a
        typical unit of the last hidden layer.

    Raises:
        InputError: regression data, an invalid argument, or an accuracy that no rate reaches.

    >>> finding = covariate_shift(hidden_layers=2, hidden_units=8, steps=20, seeds=1, accuracy=0.2, rates=[0.1, 1.0])
    >>> list(finding.tables)
    ['summary', 'bands', 'rates', 'layers', 'accuracy', 'inputs']
    """
    dataset, network, rates = load(data), {**_FIGURE_ONE, **config}, sorted(rates)
    if dataset.task != "classification":
        raise InputError(f"data must be for classification, got {dataset!r} for regression; try 'digits'")
    check_integer("hidden_layers", network["hidden_layers"], minimum=2)  # the first layer has no shift
    check_integer("steps", steps, minimum=10)
    check_integer("seeds", seeds)
    check_integer("every", every)
    target = Target(accuracy, steps, every)
    sweeps = {norm: sweep({**network, "batch_norm": norm}, rates, seeds, dataset, target) for norm in (False, True)}
    races = _races(sweeps, rates, target)
    measurements = {
        name: measure({**network, "batch_norm": race.batch_norm, "learning_rate": race.rate}, seeds, dataset, steps)
        for name, race in races.items()
    }
    summary = pd.DataFrame([_summary(name, races, measurements[name].layers) for name in races])
    both = ((WITHOUT, sweeps[False]), (WITH, sweeps[True]))
    bands = pd.DataFrame([band_row(name, network_steps, rates) for name, network_steps in both])
    by_rate = pd.concat([rates_table(name, network_steps, rates) for name, network_steps in both], ignore_index=True)
    for table in (summary, bands, by_rate):
        table["accuracy"], table["seeds"] = accuracy, seeds
    tables = {"summary": summary, "bands": bands, "rates": by_rate}
    for i, name in enumerate(Measurements._fields):
        tables[name] = _stacked({network: measured[i] for network, measured in measurements.items()})
    return Finding("covariate-shift", _CLAIM, _SOURCE, conclusions(summary, bands), tables, DRAWINGS)


def _races(sweeps: Mapping[bool, Steps], rates: Sequence[float], target: Target) -> dict[str, _Race]:
    """Return the networks to compare; one that never reaches the accuracy gets the other's rate."""
    without, own = fastest(sweeps[False]), fastest(sweeps[True])
    same = without if without is not None else own
    if same is None:
        raise InputError(
            f"accuracy must be reached within steps={target.steps} at one of the rates, "
            f"got accuracy={target.accuracy!r}; try a lower one"
        )
    networks = [(WITHOUT, False, same), (WITH, True, same)]
    if own is not None and own != same:
        networks.append((OWN_RATE, True, own))
    return {name: _Race(norm, rates[i], sweeps[norm][i]) for name, norm, i in networks}


def _stacked(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of several networks as one, with a column for the network first."""
    return pd.concat(tables, names=["network", None]).reset_index("network").reset_index(drop=True)


def _summary(name: str, races: Mapping[str, _Race], layers: pd.DataFrame) -> dict[str, object]:
    """Return the row of one network."""
    race = races[name]
    row: dict[str, object] = {"network": name, "learning_rate": race.rate, "steps": float(np.median(race.steps))}
    row["steps_low"], row["steps_high"] = bootstrap(race.steps, np.median)
    speedup = races[WITHOUT].steps / race.steps  # pairs of equal seeds; NaN where neither reaches the accuracy
    row["times_faster"] = float(np.median(speedup))
    row["times_low"], row["times_high"] = bootstrap(speedup, np.median)
    above_first = layers[(layers["layer"] > 1) & (layers["layer"] < layers["layer"].max())]
    for shift in SHIFTS:
        by_seed = above_first.groupby("seed")[shift].median()
        row[shift] = float(by_seed.mean())
        row[f"{shift}_low"], row[f"{shift}_high"] = bootstrap(by_seed)
    return row
