"""Trains a stack: epochs of mini-batches, each with a report; models leave when they are stopped or diverge.

A model's numbers depend only on its config, its seed, the data and the number of epochs, to the last bit: not on the
other models in its stack, nor on where the training was saved and restored.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.model.arrays import Array
from caviar.model.batches import Batches, targets_as_outputs
from caviar.model.config import Config, FullConfig, check_change, check_config
from caviar.model.evaluation import metrics, predictions
from caviar.model.inspection import LayerView, inspect_layers
from caviar.model.layers.losses import LOSSES, weigh
from caviar.model.network import Network
from caviar.model.numpy_settings import numpy_settings
from caviar.model.optimizers import Optimizer
from caviar.model.schedules import rate_of
from caviar.model.shapes import shape_of
from caviar.model.state import Metadata, TrainingState, encode, metadata

Report = dict[str, float]


class Training:
    """K models of one shape that train together.

    Attributes:
        configs: the full configs of all models, as they are now; a model's index never changes.
        members: the indices of the models still in training, in the order of their rows in the arrays.
        epochs: the total number of epochs.
        epochs_done: the number of complete epochs.

    >>> from caviar.data.loaders import load_digits
    >>> training = Training([{"learning_rate": 0.01}, {"learning_rate": 0.1}], [1, 2], load_digits(), epochs=2)
    >>> for report in training.epoch():
    ...     print(sorted(report))
    ['train_loss', 'val_accuracy', 'val_loss']
    ['train_loss', 'val_accuracy', 'val_loss']
    """

    def __init__(self, configs: Sequence[Config], seeds: Sequence[int], dataset: Dataset, epochs: int) -> None:
        """Make the models and draw their initial weights.

        Args:
            configs: hyperparameters, all with the same `shape_of`; names left out take their defaults.
            seeds: one per model, >= 0, for its initial weights, shuffles and dropout.
            dataset: the training data, never written to.
            epochs: the total number, >= 1, on which schedules depend.
        """
        self.configs: list[FullConfig] = [check_config(config) for config in configs]
        shapes = {shape_of(config) for config in configs}
        if len(shapes) != 1:
            raise InputError(f"configs of a stack must have one shape, got {len(configs)} of {len(shapes)} shapes")
        if len(seeds) != len(configs):
            raise InputError(f"seeds must hold one seed per config, got {len(seeds)} for {len(configs)} configs")
        if epochs < 1:
            raise InputError(f"epochs must be an integer >= 1, got {epochs!r}")
        self.members = list(range(len(configs)))
        self.generators = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self._build(dataset, epochs)
        self.network.initialise(self.generators)
        self.epochs_done = 0
        self._begin_epoch()

    def _build(self, dataset: Dataset, epochs: int) -> None:
        """Make everything that is derived from configs, members and data, with arrays of zeros."""
        self.dataset, self.epochs = dataset, epochs
        configs = [self.configs[index] for index in self.members]
        self.shape = shape_of((configs or self.configs)[0])
        unpadded_units = [config["hidden_units"] for config in configs]
        self.network = Network(self.shape, dataset.features, dataset.outputs, unpadded_units)
        self.optimizer = Optimizer(self.shape.optimizer, self.network.parameters, self.network.gradients)
        self.batches = Batches(dataset, len(configs), self.shape.batch_size, self.shape.dtype)
        self.loss = LOSSES[dataset.task]
        self.loss_sums = np.zeros((len(configs), 1, 1))  # over the trained rows of the epoch

    @classmethod
    def restore(cls, state: TrainingState, dataset: Dataset) -> "Training":
        """Return the training saved in a state; it continues as the original would have, to the last bit.

        Args:
            state: from `Training.state`, `state.pick` or `state.fork`.
            dataset: the same data.
        """
        saved = metadata(state)
        if saved.data != dataset.fingerprint():
            raise InputError(
                f"the saved training used different data (fingerprint {saved.data}) from {dataset.name!r} "
                f"({dataset.fingerprint()}); pass its original data"
            )
        training = cls.__new__(cls)
        training.configs = [check_config(config) for config in saved.configs]  # an older one has fewer names
        training.members, training.epochs_done = saved.members, saved.epochs_done
        training.generators = [np.random.Generator(np.random.PCG64(0)) for _ in saved.members]
        for generator, generator_state in zip(training.generators, saved.generators, strict=True):
            generator.bit_generator.state = generator_state
        training._build(dataset, saved.epochs)
        training.batches.position = saved.position
        for name, array in training._arrays().items():
            np.copyto(array, state[name])
        training._apply_configs()
        return training

    def state(self) -> TrainingState:
        """Return a copy of the whole training as arrays that numpy.savez can store (see `state.py`)."""
        details = Metadata(
            data=self.dataset.fingerprint(),
            epochs=self.epochs,
            epochs_done=self.epochs_done,
            position=self.batches.position,
            configs=self.configs,
            members=self.members,
            generators=[generator.bit_generator.state for generator in self.generators],
        )
        return {**{name: array.copy() for name, array in self._arrays().items()}, "metadata": encode(asdict(details))}

    @property
    def alive(self) -> list[bool]:
        """Whether each model is still training, in the order of `configs`."""
        return [index in self.members for index in range(len(self.configs))]

    @property
    def steps_remaining(self) -> int:
        """The number of steps until the end of the current epoch."""
        return self.batches.remaining

    def epoch(self) -> list[Report | None]:
        """Train to the end of the current epoch and report on it.

        In an epoch each model sees the training rows in its own shuffled order, cut into mini-batches; the incomplete
        last one is left out (its rows appear in others as the order changes). A model whose report contains a loss that
        is not finite has diverged, and leaves the stack.

        Each config's report has train_loss (the mean over the epoch's mini-batches, of weighted losses if the rows have
        weights), val_loss and val_accuracy or val_rmse, unless there are no rows for validation; it is None for a model
        that left before.
        """
        reports: list[Report | None] = [None] * len(self.configs)
        if not self.members:
            return reports
        self.run(self.steps_remaining)
        self.epochs_done += 1
        for index, loss, report in zip(self.members, self._train_losses(), self.evaluate("val"), strict=True):
            reports[index] = {"train_loss": loss, **report}
        for index in list(self.members):
            report = reports[index] or {}
            if not all(math.isfinite(report.get(name, 0.0)) for name in ("train_loss", "val_loss")):
                self.stop(index)
        if self.members:
            self._begin_epoch()
        return reports

    def run(self, steps: int) -> int:
        """Train up to `steps` steps, at most to the end of the current epoch, and return how many were done.

        The numbers of an epoch do not depend on how it is cut into runs.
        """
        steps = min(steps, self.steps_remaining)
        with numpy_settings():
            for _ in range(steps):
                self._step()
        return steps

    def evaluate(self, part: str) -> list[Report]:
        """Return the metrics on the "val" or "test" part, one report per member; {} if the part has no rows."""
        with numpy_settings():
            return metrics(self.network, self.dataset, part)

    def _train_losses(self) -> list[float]:
        """Return the mean loss over the mini-batches of the epoch so far, one per member."""
        return [float(loss) / max(1, self.batches.position) for loss in self.loss_sums.ravel()]

    def predict(self, index: int, x: ArrayLike) -> Array:
        """Return one model's predictions for x, (n, features), standardised like the data set's.

        They are (n, outputs): probabilities of `dataset.classes`, or the target in its own unit.
        """
        network = self.network.select([self._row(index)])
        with numpy_settings():
            predicted: Array = predictions(network, np.asarray(x), self.dataset)[0]
        return predicted

    def inspect(self, index: int, x: ArrayLike, y: ArrayLike, *, batch_statistics: bool = True) -> list[LayerView]:
        """Return one model's activations and gradients for some rows, without changing it, the output layer last.

        Args:
            index: the model's index.
            x: (n, features), standardised like the data set's.
            y: (n,) class indices, or targets in their own unit.
            batch_statistics: normalize by these rows, as in training, or by the running averages.
        """
        network, dtype = self.network.select([self._row(index)]), self.network.parameters.dtype
        targets = targets_as_outputs(self.dataset, np.asarray(y), dtype)
        with numpy_settings():
            return inspect_layers(network, np.asarray(x, dtype), targets, self.loss, training=batch_statistics)

    def stop(self, index: int) -> None:
        """Remove a model from the stack; the others continue as if it had never been in it."""
        row = self._row(index)
        rows = [other for other in range(len(self.members)) if other != row]
        del self.members[row], self.generators[row]
        self.network = self.network.select(rows)
        self.optimizer = self.optimizer.select(rows, self.network.parameters, self.network.gradients)
        self.batches.select(rows)
        self.loss_sums = self.loss_sums[rows]
        self._apply_configs()

    def set_hyperparameters(self, index: int, **hyperparameters: object) -> None:
        """Change a model's hyperparameters from the next step on.

        Args:
            index: the model's index.
            hyperparameters: names in `config.CHANGEABLE`, and their new values. The whole stack shares its batch size,
                so it can be changed only in a stack of one.
        """
        self._row(index)
        changes = check_change(hyperparameters)
        batch_size = changes.get("batch_size", self.shape.batch_size)
        if batch_size != self.shape.batch_size:
            if len(self.members) > 1:
                raise InputError(
                    f"{batch_size=} would change all {len(self.members)} models of this stack; "
                    "change it in a stack of one"
                )
            self.batches.resize(batch_size)
            self.shape = self.shape._replace(batch_size=batch_size)
        self.configs[index] |= changes
        self._apply_configs()

    def _arrays(self) -> dict[str, Array]:
        """Return the arrays of a state, not copied; all but `weights` have one row per member."""
        return {
            "parameters": self.network.parameters,
            "running": self.network.running,
            "first": self.optimizer.first,
            "second": self.optimizer.second,
            "weights": self.optimizer.weights,
            "order": self.batches.order,
            "loss_sums": self.loss_sums,
        }

    def _step(self) -> None:
        """Train every model on one mini-batch: gather, forward, loss, backward, optimizer."""
        network, batches = self.network, self.batches
        batches.gather()
        if any(self.dropout_rates):
            network.draw_dropout(self.generators, self.dropout_rates, batches.size)
        outputs = network.forward(batches.x)
        losses = self.loss(outputs, batches.targets.transpose(2, 0, 1), np.empty_like(outputs))
        if batches.weights is not None:
            weigh(losses, outputs, batches.weights)
        # one product of vectors per row, whose order of summation does not depend on K
        self.loss_sums += np.matmul(losses[:, None, :], batches.ones)
        network.backward(batches.x, outputs)
        network.update_running()
        self.optimizer.step()

    def _row(self, index: int) -> int:
        """Return the row of a model in the arrays."""
        if index not in self.members:
            raise InputError(f"model {index} is not in training; try one of {self.members}")
        return self.members.index(index)

    def _begin_epoch(self) -> None:
        """Shuffle the rows, and set the learning rates of the epoch."""
        self.batches.shuffle(self.generators)
        self.loss_sums[:] = 0.0
        self.optimizer.clear_denormals()
        self._apply_configs()

    def _apply_configs(self) -> None:
        """Train with the current configs, and the learning rates of the current epoch, from the next step on."""
        self.network.clear_dropout()
        configs = [self.configs[index] for index in self.members]
        self.dropout_rates = [config["dropout"] for config in configs]
        self.batches.smooth([config["label_smoothing"] for config in configs])
        rates = [rate_of(config, self.epochs_done, self.epochs) for config in configs]
        self.optimizer.set_hyperparameters(configs, rates)
