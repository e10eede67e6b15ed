"""The built-in network as a trainable: stacks of trials on a data set, or on each fold of it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.fleet.messages import Stack
from caviar.fleet.worker.output import OutputFile
from caviar.fleet.worker.trainables import Run, TrialError
from caviar.model.evaluation import dead_units
from caviar.model.numpy_settings import numpy_settings
from caviar.model.shapes import parameter_count
from caviar.model.trained.files import networks_to_bytes
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.training import Training
from caviar.records.trial import Metrics

_MOST_ROWS = 256  # for which units are looked at: a small part of an epoch's


@dataclass(frozen=True)
class NetworkTrainable:
    """The built-in network on a data set, trained for a number of epochs, one stack at a time.

    Args:
        dataset: what it trains on.
        epochs: how long.
        scorers: names of scikit-learn's scorers to report for the validation part.

    >>> from caviar.data.loaders import load_digits
    >>> from caviar.records.trial import Trial
    >>> trainable = NetworkTrainable(load_digits(), epochs=1)
    >>> run = trainable.load().start((Trial(0, 1, {"hidden_units": 16}, seed=7),))
    >>> sorted(run.epoch(None, None)[0])
    ['parameters', 'train_loss', 'val_accuracy', 'val_loss']
    """

    dataset: Dataset
    epochs: int
    scorers: tuple[str, ...] = ()

    def load(self) -> "NetworkTrainable":
        return self

    def start(self, stack: Stack) -> Run:
        return _FoldsRun(self, stack) if self.dataset.folds else _NetworkRun(self, stack)

    def close(self) -> None:
        pass  # nothing runs between two epochs


class _NetworkRun:
    """A `Training` that ends after its epochs and reports the number of parameters along with its metrics."""

    output: OutputFile | None = None
    seconds: float | None = None
    continued_from: int | None = None

    def __init__(self, trainable: NetworkTrainable, stack: Stack) -> None:
        self._stack, self._reports = stack, list[Metrics | None]()
        self._dead_units: dict[int, tuple[float, ...]] = {}  # by member, once they have trained
        configs, seeds = [trial.config for trial in stack], [trial.seed for trial in stack]
        self._training = Training(configs, seeds, trainable.dataset, trainable.epochs)
        self._parameters = [parameter_count(config, trainable.dataset) for config in configs]
        self._dataset, self._scorers = trainable.dataset, trainable.scorers

    @property
    def alive(self) -> Sequence[bool]:
        return self._training.alive

    def epoch(self, until: int | None = None, seconds: float | None = None) -> Sequence[Metrics | TrialError | None]:
        if self._training.epochs_done == self._training.epochs or not any(self.alive):
            self._dead_units = self._count_dead_units()
            return []
        reports = enumerate(self._training.epoch())
        completed = [report and self._complete(member, report) for member, report in reports]
        self._reports = [None if isinstance(report, TrialError) else report for report in completed]
        return completed

    def dead_units(self, member: int) -> tuple[float, ...]:
        return self._dead_units.get(member, ())

    def _count_dead_units(self) -> dict[int, tuple[float, ...]]:
        x, training = self._dataset.val_x, self._training
        if not (len(x) and training.members):
            return {}
        with numpy_settings():
            found = dead_units(training.network, x[:: -(-len(x) // _MOST_ROWS)])
        return dict(zip(training.members, found, strict=True))

    def weights(self, member: int) -> bytes:
        trial, metrics = self._stack[member], self._reports[member] or {}
        origin = Origin(trial.config, self._training.epochs_done, trial.seed, metrics, trial.number)
        return networks_to_bytes([TrainedNetwork.of(self._training, member, origin)])

    def _complete(self, member: int, report: Metrics) -> Metrics | TrialError:
        """Return a report with the scores and the number of parameters."""
        scored: Metrics = {f"val_{name}": math.nan for name in self._scorers}
        if self._scorers and self._training.alive[member]:
            from caviar.model.scorers import scores  # which imports scikit-learn

            try:
                predicted = self._training.predict(member, self._dataset.val_x)
                scored = scores(predicted, self._dataset, "val", self._scorers)
            except InputError as error:
                return TrialError(str(error))
        return {**report, **scored, "parameters": self._parameters[member]}

    def stop(self, member: int) -> None:
        if self._training.alive[member]:
            self._training.stop(member)


class _FoldsRun:
    """A run on each fold, and reports of the means over the folds.

    The network that a trial keeps is trained on all rows but those of the test part.
    """

    output: OutputFile | None = None
    seconds: float | None = None
    continued_from: int | None = None

    def __init__(self, trainable: NetworkTrainable, stack: Stack) -> None:
        dataset = trainable.dataset
        self._folds = [_NetworkRun(replace(trainable, dataset=fold), stack) for fold in dataset.folds]
        self._whole = replace(trainable, dataset=replace(dataset, folds=()), scorers=())
        self._stack = stack
        self._parameters = [parameter_count(trial.config, dataset) for trial in stack]

    @property
    def alive(self) -> Sequence[bool]:
        return [all(members) for members in zip(*(fold.alive for fold in self._folds), strict=True)]

    def epoch(self, until: int | None = None, seconds: float | None = None) -> Sequence[Metrics | TrialError | None]:
        of_folds = [fold.epoch() for fold in self._folds]
        if not all(of_folds):
            return []
        return list(map(_mean, zip(*of_folds, strict=True), self._parameters))

    def dead_units(self, member: int) -> tuple[float, ...]:
        return self._folds[0].dead_units(member)

    def weights(self, member: int) -> bytes:
        run = _NetworkRun(self._whole, self._stack[member : member + 1])
        while run.epoch():
            pass
        return run.weights(0)

    def stop(self, member: int) -> None:
        for fold in self._folds:
            fold.stop(member)


def _mean(reports: Sequence[Metrics | TrialError | None], parameters: int) -> Metrics | TrialError | None:
    """Return the mean of the folds' reports, and the parameters of a network; if one failed or had stopped, that."""
    found = [report for report in reports if not isinstance(report, TrialError) and report is not None]
    if len(found) < len(reports):
        return next(report for report in reports if report is None or isinstance(report, TrialError))
    means = {name: statistics.fmean(report[name] for report in found) for name in found[0]}
    return {**means, "parameters": parameters}
