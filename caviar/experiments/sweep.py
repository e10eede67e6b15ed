"""Try many learning rates: how many steps each takes to reach an accuracy, and the band of rates that reach it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.experiments.intervals import bootstrap, exact
from caviar.model.training import Training
from caviar.records.trial import Config

STACK = 16  # networks trained together

Steps = NDArray[np.float64]  # infinity where the accuracy is not reached or training diverged


class Target(NamedTuple):
    """A validation accuracy to reach within a number of steps, checked every few steps."""

    accuracy: float
    steps: int
    every: int


def steps_to_reach(configs: Sequence[Config], seeds: Sequence[int], dataset: Dataset, target: Target) -> Steps:
    """Train networks of one shape, each until it reaches the target; return steps of shape (networks,).

    The accuracy uses batch norm's running averages; steps are multiples of `target.every`.
    """
    steps = np.full(len(configs), np.inf)
    for start in range(0, len(configs), STACK):
        stop = start + STACK
        training = stepwise_training(configs[start:stop], seeds[start:stop], dataset)
        for step in range(target.every, target.steps + 1, target.every):
            train_steps(training, target.every)
            for member, report in zip(list(training.members), training.evaluate("val"), strict=True):
                if report["val_accuracy"] >= target.accuracy:
                    steps[start + member] = step
                    training.stop(member)
                elif not np.isfinite(report["val_loss"]):
                    training.stop(member)
            if not training.members:
                break
    return steps


def stepwise_training(configs: Sequence[Config], seeds: Sequence[int], dataset: Dataset) -> Training:
    """Return a training that is measured in steps: its learning rates do not depend on the number of epochs."""
    constant = [{**config, "schedule": "constant"} for config in configs]
    return Training(constant, seeds, dataset, epochs=2**31)


def train_steps(training: Training, steps: int) -> None:
    """Train for a number of steps, across epochs; models that diverge leave the stack at the end of an epoch."""
    while steps and training.members:
        steps -= training.run(steps)
        if not training.steps_remaining:
            training.epoch()


def sweep(config: Config, rates: Sequence[float], seeds: int, dataset: Dataset, target: Target) -> Steps:
    """Return the steps to the target for each learning rate and each of the seeds 0, 1, ...: (rates, seeds)."""
    configs = [{**config, "learning_rate": rate} for rate in rates for _ in range(seeds)]
    return steps_to_reach(configs, list(range(seeds)) * len(rates), dataset, target).reshape(len(rates), seeds)


def fastest(steps: Steps) -> int | None:
    """Return the first row with the lowest median of steps, (rates, seeds); None if all medians are infinite."""
    medians = np.median(steps, axis=1)
    return int(np.argmin(medians)) if np.isfinite(medians).any() else None


def widest_band(steps: Steps, rates: Sequence[float]) -> tuple[float, float, float]:
    """Return the width in decades, the lowest and the highest rate of the longest unbroken run that reaches the target.

    The rates are in ascending order; the steps are those of one seed, shape (rates,).

    >>> widest_band(np.array([np.inf, 90, 30, np.inf, 50]), [0.01, 0.1, 1, 10, 100])
    (1.0, 0.1, 1.0)
    """
    widest, start = (0.0, np.nan, np.nan), None
    for i, reached in enumerate(np.isfinite(steps)):
        start = None if not reached else i if start is None else start
        if start is not None and (np.isnan(widest[1]) or np.log10(rates[i] / rates[start]) > widest[0]):
            widest = float(np.log10(rates[i] / rates[start])), float(rates[start]), float(rates[i])
    return widest


def band_row(network: str, steps: Steps, rates: Sequence[float]) -> dict[str, object]:
    """Return the band of one network: mean width over the seeds with a bootstrap interval, and the median ends.

    open_end: whether a seed's band ends at the lowest or highest rate tried, so that it may be wider than measured.
    """
    bands = np.array([widest_band(seed_steps, rates) for seed_steps in steps.T])
    low, high = bootstrap(bands[:, 0])
    row: dict[str, object] = {"network": network, "decades": float(bands[:, 0].mean())}
    row |= {"decades_low": low, "decades_high": high}
    row |= {"lowest_rate": float(np.median(bands[:, 1])), "highest_rate": float(np.median(bands[:, 2]))}
    return row | {"open_end": bool(np.isin(bands[:, 1:], [rates[0], rates[-1]]).any())}


def rates_table(network: str, steps: Steps, rates: Sequence[float]) -> pd.DataFrame:
    """Return a row per rate: the share of the seeds that reach the target with its exact interval, the median steps."""
    rows = []
    for rate, rate_steps in zip(rates, steps, strict=True):
        successes = int(np.isfinite(rate_steps).sum())
        low, high = exact(successes, len(rate_steps))
        row = {"network": network, "learning_rate": rate, "reached": successes / len(rate_steps)}
        rows.append(row | {"reached_low": low, "reached_high": high, "steps": float(np.median(rate_steps))})
    return pd.DataFrame(rows)
