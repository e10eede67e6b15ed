"""Training of a stack: epochs of mini-batches, a report of each, models leaving when stopped or diverged.

What comes out for one model depends on its config, its seed, the data and the number of epochs only, to the
last bit: not on who else is in the stack, who left it, or where the training was saved and taken up again.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.model.batches import Batches, targets_as_outputs
from caviar.model.config import NETWORK_DEFAULTS, check_change, check_config
from caviar.model.evaluation import metrics, predictions
from caviar.model.inspection import LayerView, look
from caviar.model.layers.dropout import draw_mask
from caviar.model.layers.losses import LOSSES
from caviar.model.network import Network
from caviar.model.numpy_settings import tuned
from caviar.model.optimizers import Optimizer
from caviar.model.schedules import rate_of
from caviar.model.shapes import Shape, parameter_count, shape_of, stack_width
from caviar.model.state import Saved, State, facts_of, put_back, save

__all__ = [
    "NETWORK_DEFAULTS",
    "Shape",
    "Training",
    "check_config",
    "parameter_count",
    "shape_of",
    "stack_width",
]

Array = NDArray[Any]
Report = dict[str, float]

ABSENT = 1e-30  # a momentum below this moves nothing but would sooner or later be a slow denormal number


class Training:
    """K models of one shape in training together.

    configs: every model's full hyperparameters, as now in force; alive: whether it still trains;
    epochs_done: how many epochs are complete. Models are named by their index in `configs` for good.

    >>> from caviar.data.loaders import load_digits
    >>> training = Training([{"learning_rate": 0.01}, {"learning_rate": 0.1}], [1, 2], load_digits(), epochs=2)
    >>> for report in training.epoch():
    ...     print(sorted(report))
    ['train_loss', 'val_accuracy', 'val_loss']
    ['train_loss', 'val_accuracy', 'val_loss']
    """

    def __init__(
        self,
        configs: Sequence[Mapping[str, Any]],
        seeds: Sequence[int],
        dataset: Dataset,
        epochs: int,
    ) -> None:
        """Make the models and draw their initial weights.

        Args:
            configs: hyperparameters, all of one `shape_of`; what is left out takes its default.
            seeds: one a model, from 0 up: of its initial weights, shuffles and dropout.
            dataset: what to train on; only read.
            epochs: how many there will be, from 1 up (schedules and the test metrics depend on it).

        Raises:
            InputError: an unknown or impossible hyperparameter, or configs of different shapes.
        """
        self.configs = [check_config(config) for config in configs]
        shapes = {shape_of(config) for config in configs}
        if len(shapes) != 1 or len(seeds) != len(configs) or epochs < 1:
            raise InputError(
                f"a stack takes configs of one shape, a seed each, and 1 epoch or more; got {len(configs)} configs "
                f"of {len(shapes)} shapes, {len(seeds)} seeds, {epochs} epochs"
            )
        self.members = list(range(len(configs)))  # the index in `configs` of each model in the arrays
        self.generators = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self._assemble(dataset, epochs)
        self.network.initialise(self.generators)
        self.epochs_done = 0
        self._begin_epoch()

    @classmethod
    def restore(cls, state: Saved, dataset: Dataset) -> "Training":
        """Give the training that `state` was taken of, to go on bit for bit as it would have.

        Args:
            state: from `Training.state`, `state.member` or `state.fork`.
            dataset: the same data.

        Raises:
            InputError: other data.
        """
        facts = facts_of(state)
        if facts["data"] != dataset.fingerprint():
            raise InputError(
                f"the saved training used other data (fingerprint {facts['data']}) than {dataset.name!r} "
                f"({dataset.fingerprint()}); give the data it was started with"
            )
        training = cls.__new__(cls)
        training.configs, training.members = facts["configs"], facts["members"]
        training.generators = [np.random.Generator(np.random.PCG64(0)) for _ in training.members]
        training._assemble(dataset, facts["epochs"])
        put_back(training, state)
        training._apply()
        return training

    def state(self) -> State:
        """Give copies of all that the training is, as arrays that numpy.savez can store (see `state.py`)."""
        return save(self)

    def _assemble(self, dataset: Dataset, epochs: int) -> None:
        """Make all that follows from configs, members and data, the arrays still zero."""
        self.dataset, self.epochs = dataset, epochs
        configs = [self.configs[index] for index in self.members]
        shape = shape_of((configs or self.configs)[0])
        self.shape = shape._replace(dropout=any(config["dropout"] > 0 for config in configs))
        asked = [config["hidden_units"] for config in configs]
        self.network = Network(self.shape, dataset.features, dataset.outputs, asked)
        self.optimizer = Optimizer(self.shape.optimizer, self.network.parameters, self.network.gradients)
        self.batches = Batches(dataset, len(configs), self.shape.batch_size, self.shape.dtype)
        self.loss = LOSSES[dataset.task]
        self.loss_sums = np.zeros((len(configs), 1, 1))  # over the rows of the epoch that are trained

    @property
    def alive(self) -> list[bool]:
        """For each config whether its model still trains."""
        return [index in self.members for index in range(len(self.configs))]

    @property
    def steps_left(self) -> int:
        """Steps until the present epoch's mini-batches are through."""
        return self.batches.left

    def epoch(self) -> list[Report | None]:
        """Train what is left of the present epoch and report on it.

        An epoch is the training rows in an order shuffled for each model, cut into mini-batches; the
        incomplete last one is left out (its rows come in others as the order changes). A model whose
        report holds a loss that is not finite has diverged, and leaves the stack.

        Returns:
            For each config train_loss (the mean over the epoch's mini-batches), val_loss and val_accuracy
            or val_rmse, and after the last epoch test_loss and test_accuracy or test_rmse as well;
            None for a model that left before. A part of the data without rows has no metrics.
        """
        reports: list[Report | None] = [None] * len(self.configs)
        if not self.members:
            return reports
        self.run(self.steps_left)
        self.epochs_done += 1
        measured = self.evaluate("val")
        if self.epochs_done == self.epochs:
            measured = [{**val, **test} for val, test in zip(measured, self.evaluate("test"), strict=True)]
        for index, loss, report in zip(self.members, self.train_losses(), measured, strict=True):
            reports[index] = {"train_loss": loss, **report}
        for index in list(self.members):
            report = reports[index] or {}
            if not all(math.isfinite(report.get(name, 0.0)) for name in ("train_loss", "val_loss")):
                self.stop(index)
        if self.members:
            self._begin_epoch()
        return reports

    def run(self, steps: int) -> int:
        """Train up to so many steps, but not past the present epoch; give how many were done.

        However an epoch is cut into runs, its numbers are the same.
        """
        steps = min(steps, self.steps_left)
        with tuned():
            for _ in range(steps):
                self._step()
        return steps

    def _step(self) -> None:
        """One mini-batch of every model: gather, forward, loss, backward, optimizer."""
        network, batches = self.network, self.batches
        batches.gather()
        if self.shape.dropout:
            self._drop_units()
        outputs = network.forward(batches.x)
        losses = self.loss(outputs, batches.targets.transpose(2, 0, 1), np.empty_like(outputs))
        # row by row a product of vectors, whose order of summation does not depend on K
        self.loss_sums += np.matmul(losses[:, None, :], batches.ones)
        network.backward(batches.x, outputs)
        network.update_running()
        self.optimizer.step()

    def evaluate(self, part: str) -> list[Report]:
        """Give the metrics on the "val" or "test" part, for each model that still trains, in order; {} without rows."""
        x, y = (self.dataset.val_x, self.dataset.val_y) if part == "val" else (self.dataset.test_x, self.dataset.test_y)
        if not len(y):
            return [{} for _ in self.members]
        with tuned():
            return metrics(self.network, x, y, self.dataset, part)

    def train_losses(self) -> list[float]:
        """Give the mean loss over the mini-batches of the epoch so far, for each model that still trains."""
        return [float(loss) / max(1, self.batches.position) for loss in self.loss_sums.ravel()]

    def predict(self, index: int, x: Any) -> Array:
        """Give one model's predictions for x, (n, features) standardised as the data set's.

        Returns:
            (n, outputs): probabilities of `dataset.classes`, or the target in its own unit.
        """
        alone = self.network.take([self._place(index)])
        with tuned():
            predicted: Array = predictions(alone, np.asarray(x), self.dataset)[0]
        return predicted

    def look(self, index: int, x: Any, y: Any, *, batch_statistics: bool = True) -> list[LayerView]:
        """Give what one model's layers hold for some rows, and their gradients; nothing changes by it.

        Args:
            index: which model.
            x: (n, features) standardised as the data set's.
            y: (n,) class indices, or targets in their own unit.
            batch_statistics: normalize by these rows as training does, or by the running averages.

        Returns:
            One `LayerView` for each hidden layer and one for the outputs.
        """
        alone, dtype = self.network.take([self._place(index)]), self.network.parameters.dtype
        targets = targets_as_outputs(self.dataset, np.asarray(y), dtype)
        with tuned():
            return look(alone, np.asarray(x, dtype), targets, self.loss, training=batch_statistics)

    def stop(self, index: int) -> None:
        """Take a model out of the stack; the others go on as if it had never been there."""
        place = self._place(index)
        keep = [other for other in range(len(self.members)) if other != place]
        del self.members[place], self.generators[place]
        self.network = self.network.take(keep)
        self.optimizer = self.optimizer.take(keep, self.network.parameters, self.network.gradients)
        self.batches.take(keep)
        self.loss_sums = self.loss_sums[keep]
        self._apply()

    def set(self, index: int, **hyperparameters: Any) -> None:
        """Change a model's hyperparameters from the next step on.

        Args:
            index: which model.
            hyperparameters: of `hyperparameters.CHANGEABLE`. The batch size is the whole stack's, so it can be
                changed only where the model is alone in its stack.

        Raises:
            InputError: a hyperparameter that is fixed once training began, or a value out of range.
        """
        self._place(index)
        checked = check_change(hyperparameters)
        batch_size = checked.get("batch_size", self.shape.batch_size)
        if batch_size != self.shape.batch_size:
            if len(self.members) > 1:
                raise InputError(
                    f"{batch_size=} would change all {len(self.members)} models of this stack; "
                    "change it where a model trains alone"
                )
            self.batches.resize(batch_size)
        self.configs[index] |= checked
        dropout = any(self.configs[member]["dropout"] > 0 for member in self.members)
        self.shape = self.shape._replace(batch_size=batch_size, dropout=dropout)
        self._apply()

    def _place(self, index: int) -> int:
        """The row of a model in the arrays."""
        if index not in self.members:
            raise InputError(f"model {index} is not in training; those that are: {self.members}")
        return self.members.index(index)

    def _begin_epoch(self) -> None:
        """Shuffle, and set the rates of the epoch."""
        self.batches.shuffle(self.generators)
        self.loss_sums[:] = 0.0
        first = self.optimizer.first
        first[np.abs(first) < ABSENT] = 0.0
        self._apply()

    def _apply(self) -> None:
        """Hand the hyperparameters now in force to the optimizer."""
        for hidden in self.network.hidden:
            hidden.mask = None
        configs = [self.configs[index] for index in self.members]
        rates = [rate_of(config, self.epochs_done, self.epochs) for config in configs]
        self.optimizer.use(configs, rates)

    def _drop_units(self) -> None:
        """Draw the units that this step keeps."""
        rates = [self.configs[index]["dropout"] for index in self.members]
        for hidden in self.network.hidden:
            hidden.mask = draw_mask(self.generators, rates, self.batches.size, self.shape.units, self.batches.x.dtype)
