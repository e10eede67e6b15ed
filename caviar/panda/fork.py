"""A fork: copies of a half-trained Panda with slightly different hyperparameters, trained as one stack."""

import math
import time

import numpy as np

from caviar.errors import InputError
from caviar.model.config import check_change
from caviar.model.state import fork, pick
from caviar.model.training import Training
from caviar.panda.state import ForkPlan, HistoryRow
from caviar.records.trial import Config
from caviar.space import Space, loguniform, reverseloguniform


class ForkTraining:
    """Copies of a training, trained side by side as one stack; `branch` goes into the rows of their histories."""

    def __init__(self, training: Training, plan: ForkPlan, branch: int) -> None:
        self._training = Training.restore(fork(training.state(), plan.changes), training.dataset)
        self._last_epoch, self._branch = self._training.epochs_done + plan.epochs, branch
        self.rows: list[list[HistoryRow]] = [[] for _ in plan.changes]  # of each copy, one per epoch

    def train(self, deadline: float) -> bool:
        """Train until a time on the monotonic clock or the end of the epoch; return whether the fork is complete."""
        training, start = self._training, time.monotonic()
        train_until(training, deadline)
        if training.steps_remaining:
            return False
        for index, report in enumerate(training.epoch()):
            if report is not None:
                seconds, config = time.monotonic() - start, training.configs[index]
                self.rows[index].append(HistoryRow.of(training.epochs_done, self._branch, report, config, seconds))
        return training.epochs_done == self._last_epoch or not training.members

    @property
    def losses(self) -> list[float]:
        """The validation loss of each copy; NaN for those that diverged."""
        copies = zip(self.rows, self._training.alive, strict=True)
        return [rows[-1].val_loss if alive else math.nan for rows, alive in copies]

    @property
    def best(self) -> int | None:
        """The copy with the lowest validation loss; None if all diverged."""
        return min(self._training.members, key=self.losses.__getitem__, default=None)

    def table(self) -> tuple[Config, ...]:
        """Return one mapping per copy: its number, whether it was kept, its hyperparameters, its last metrics."""
        return tuple(
            {"copy": index, "kept": index == self.best, **self._training.configs[index], **rows[-1].metrics}
            for index, rows in enumerate(self.rows)
        )

    def extract(self, index: int) -> Training:
        """Return the training of one copy alone."""
        return Training.restore(pick(self._training.state(), index), self._training.dataset)


def train_until(training: Training, deadline: float) -> int:
    """Train until a deadline or the end of the epoch, at least one step if any are left; return the steps done."""
    steps = training.run(1)
    while time.monotonic() < deadline and training.steps_remaining:
        steps += training.run(1)
    return steps


def variations(config: Config, n: int, around: float | Space, seed: int) -> tuple[Config, ...]:
    """Return what differs in each of n copies of a config, sampled as `Fork` describes; the first is not varied."""
    from caviar.search.samplers import sobol_points  # SciPy takes a second to import, and only a fork needs it

    space = around if isinstance(around, Space) else _space_around(config, around)
    points = sobol_points(n - 1, space.dimension, np.random.default_rng(seed))
    return ({}, *(check_change(changes) for changes in space.configs(points)))


def _space_around(config: Config, factor: float) -> Space:
    rate, window = config["learning_rate"], 1 - config["momentum"]
    ranges = {}
    if rate > 0:
        ranges["learning_rate"] = loguniform(rate / factor, rate * factor)
    if config["momentum"] > 0:
        ranges["momentum"] = reverseloguniform(max(0.0, 1 - window * factor), 1 - window / factor)
    if not ranges:
        raise InputError(f"around={factor:g} needs a learning rate or momentum > 0 to vary; pass a caviar.Space")
    return Space(**ranges)
