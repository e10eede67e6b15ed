"""Many learning rates tried: how many steps each takes to an accuracy, and the band of rates that reach it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.experiments.intervals import bootstrap, exact
from caviar.experiments.racing import steps_to_reach

Array = NDArray[np.float64]


def sweep(
    config: Mapping[str, Any], rates: Sequence[float], seeds: Sequence[int], dataset: Dataset, **until: Any
) -> Array:
    """Steps to the accuracy for every rate and seed, (rates, seeds); infinity where it is not reached.

    Args:
        config: hyperparameters without the learning rate.
        until: accuracy, steps and every, as `steps_to_reach` takes them.
    """
    configs = [{**config, "learning_rate": rate} for rate in rates for _ in seeds]
    reached = steps_to_reach(configs, list(seeds) * len(rates), dataset, **until)
    return reached.reshape(len(rates), len(seeds))


def best(reached: Array) -> int | None:
    """The row with the lowest median, the first of equals; None where all are infinite."""
    medians = np.median(reached, axis=1)
    return int(np.argmin(medians)) if np.isfinite(medians).any() else None


def decades(reached: Array, rates: Sequence[float]) -> tuple[float, float, float]:
    """The longest unbroken row of rates that reach the accuracy: its width in decades, lowest and highest rate.

    Args:
        reached: steps, (rates,), of one seed.
        rates: rising, (rates,).

    >>> decades(np.array([np.inf, 90, 30, np.inf, 50]), [0.01, 0.1, 1, 10, 100])
    (1.0, 0.1, 1.0)
    """
    widest, start = (0.0, np.nan, np.nan), None
    for i, steps in enumerate(reached):
        start = None if not np.isfinite(steps) else i if start is None else start
        if start is not None and (np.isnan(widest[1]) or np.log10(rates[i] / rates[start]) > widest[0]):
            widest = float(np.log10(rates[i] / rates[start])), float(rates[start]), float(rates[i])
    return widest


def band_row(name: str, reached: Array, rates: Sequence[float]) -> dict[str, Any]:
    """The band of one network: mean width over the seeds with a bootstrap interval, and the median ends.

    open_end: whether any seed's band touches the end of the rates tried, so that it may be wider than shown.
    """
    bands = np.array([decades(of_seed, rates) for of_seed in reached.T])
    low, high = bootstrap(bands[:, 0])
    ends = np.isin(bands[:, 1:], [rates[0], rates[-1]]).any()
    row = {"network": name, "decades": float(bands[:, 0].mean()), "decades_low": low, "decades_high": high}
    lowest, highest = (float(np.median(bands[:, column])) for column in (1, 2))
    return row | {"lowest_rate": lowest, "highest_rate": highest, "open_end": bool(ends)}


def rates_table(name: str, reached: Array, rates: Sequence[float]) -> pd.DataFrame:
    """A row a rate: the share of the seeds that reach the accuracy with its exact interval, and the median steps."""
    rows = []
    for rate, steps in zip(rates, reached, strict=True):
        successes = int(np.isfinite(steps).sum())
        low, high = exact(successes, len(steps))
        row = {"network": name, "learning_rate": rate, "reached": successes / len(steps)}
        rows.append(row | {"reached_low": low, "reached_high": high, "steps": float(np.median(steps))})
    return pd.DataFrame(rows)
