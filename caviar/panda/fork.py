"""A fork: copies of a half-trained Panda, each with slightly different hyperparameters, trained as one stack."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.model.config import CHANGEABLE
from caviar.model.state import Saved, fork, member
from caviar.model.training import Training
from caviar.panda.state import row_of
from caviar.space.hyperparameters import loguniform, reverseloguniform
from caviar.space.space import Space


class Fork:
    """Copies in training, side by side as one stack.

    Args:
        state: of the training that is copied.
        dataset: what it trains on.
        changes: what is different in each copy.
        epochs: how long they train.
        branch: for the rows of their histories.
    """

    def __init__(
        self, state: Saved, dataset: Dataset, changes: Sequence[Mapping[str, Any]], epochs: int, branch: int
    ) -> None:
        self._training = Training.restore(fork(state, changes), dataset)
        self._changes, self._branch, self._last = changes, branch, self._training.epochs_done + epochs
        self.rows: list[list[dict[str, Any]]] = [[] for _ in changes]  # of each copy, one an epoch

    def advance(self, until: float) -> bool:
        """Train until a moment or the end of the epoch; whether the fork has ended by it."""
        training, begun = self._training, time.monotonic()
        run_until(training, until)
        if training.steps_left:
            return False
        for index, report in enumerate(training.epoch()):
            if report is not None:
                seconds = time.monotonic() - begun
                row = row_of(training.epochs_done, self._branch, report, training.configs[index], seconds)
                self.rows[index].append(row)
        return training.epochs_done == self._last or not training.members

    @property
    def losses(self) -> list[float]:
        """The validation loss of each copy; NaN for those that diverged."""
        alive = self._training.alive
        return [rows[-1]["val_loss"] if alive[index] else math.nan for index, rows in enumerate(self.rows)]

    @property
    def best(self) -> int | None:
        """The copy with the lowest validation loss; None where all diverged."""
        return min(self._training.members, key=lambda index: self.losses[index], default=None)

    @property
    def table(self) -> list[dict[str, Any]]:
        """What each copy was and what it reached, a row a copy."""
        measured = [
            {name: v for name, v in rows[-1].items() if name.startswith(("train_", "val_"))} for rows in self.rows
        ]
        return [
            {"copy": index, "kept": index == self.best, **self._training.configs[index], **measured[index]}
            for index in range(len(self.rows))
        ]

    def taken(self, index: int) -> Training:
        """The training of one copy alone."""
        return Training.restore(member(self._training.state(), index), self._training.dataset)


def run_until(training: Training, until: float) -> int:
    """Steps until a moment or the end of the epoch, at least one where there is one; gives how many."""
    steps = training.run(1)
    while time.monotonic() < until and training.steps_left:
        steps += training.run(1)
    return steps


def variations(config: Mapping[str, Any], n: int, around: float | Space, seed: int) -> list[dict[str, Any]]:
    """What is different in each of n copies; the first is left as it is.

    Args:
        config: the hyperparameters in force.
        n: how many copies, 2 or more.
        around: a factor above 1 by which learning rate and momentum's window 1 / (1 - momentum) may become smaller
            or larger, or a `Space` of changeable hyperparameters to sample from.
        seed: of the sampling.

    Raises:
        InputError: too few copies, no such factor, or a space of something that cannot be changed midway.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise InputError(f"fork(n={n!r}): a fork has two copies or more")
    from caviar.search.samplers import sobol_points  # SciPy takes a second to import, and only a fork needs it

    space = around if isinstance(around, Space) else _space_around(config, around)
    for name in space.names:
        if name not in CHANGEABLE or name == "batch_size":
            others = ", ".join(other for other in CHANGEABLE if other != "batch_size")
            raise InputError(f"copies cannot differ in {name!r}; they can in {others}")
    if not space.dimension:
        raise InputError(f"nothing varies in {space!r}; give at least one hyperparameter a range")
    return [{}, *space.configs(sobol_points(n - 1, space.dimension, np.random.default_rng(seed)))]


def _space_around(config: Mapping[str, Any], factor: float) -> Space:
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 < factor < np.inf:
        raise InputError(f"fork(around={factor!r}): give a factor above 1, such as 2, or a caviar.Space")
    rate, window = config["learning_rate"], 1 - config["momentum"]
    varied: dict[str, Any] = {}
    if rate > 0:
        varied["learning_rate"] = loguniform(rate / factor, rate * factor)
    if config["momentum"] > 0:
        varied["momentum"] = reverseloguniform(max(0.0, 1 - window * factor), 1 - window / factor)
    return Space(**varied)
