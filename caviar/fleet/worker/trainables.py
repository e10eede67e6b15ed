"""What a trainer trains: the built-in network in stacks, or a user's function one trial at a time.

A trainable is a plain picklable value. It starts a stack of trials and returns a run; each `epoch()` of the run returns
a report from every member that is still training.
"""

import inspect
import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.fleet.worker import reporting
from caviar.model.shapes import parameter_count
from caviar.model.training import Training
from caviar.records.trial import Config, Metrics


class Run(Protocol):
    """A stack in training."""

    @property
    def alive(self) -> Sequence[bool]:
        """Whether each member is still training; a member that is not, but has just reported, has diverged."""

    def epoch(self) -> Sequence[Metrics | None]:
        """Train each member up to its next report; None for those that have stopped, [] if all have ended."""

    def stop(self, member: int) -> None:
        """Stop training a member."""


class Trainable(Protocol):
    """What can train a stack of trials."""

    def start(self, configs: Sequence[Config], seeds: Sequence[int]) -> Run:
        """Start a run of the configs, each with its seed."""


def check_picklable(trainable: Trainable, name: str) -> None:
    """Raise an InputError with the reason if a trainable cannot be sent to the trainers."""
    from caviar.fleet.cluster import cloudpickle  # Ray's, which training in this process does not need

    try:
        cloudpickle.dumps(trainable)
    except Exception as error:  # a pickler passes on whatever an object's own code raises
        raise InputError(
            f"{name} cannot be sent to the trainers ({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "open files, create locks and connect inside it"
        ) from None


def pickle_by_value(module: ModuleType) -> None:
    """Send what a module defines to the trainers by value, because they may not find its file."""
    from caviar.fleet.cluster import cloudpickle

    cloudpickle.register_pickle_by_value(module)


@dataclass(frozen=True)
class NetworkTrainable:
    """The built-in network on a data set, trained for a number of epochs, one stack at a time.

    >>> from caviar.data.loaders import load_digits
    >>> run = NetworkTrainable(load_digits(), epochs=1).start([{"hidden_units": 16}], seeds=[7])
    >>> sorted(run.epoch()[0])
    ['parameters', 'test_accuracy', 'test_loss', 'train_loss', 'val_accuracy', 'val_loss']
    """

    dataset: Dataset
    epochs: int

    def start(self, configs: Sequence[Config], seeds: Sequence[int]) -> Run:
        return _NetworkRun(self, configs, seeds)


class _NetworkRun:
    """A `Training` that ends after its epochs and reports the number of parameters along with its metrics."""

    def __init__(self, trainable: NetworkTrainable, configs: Sequence[Config], seeds: Sequence[int]) -> None:
        self._training = Training(configs, seeds, trainable.dataset, trainable.epochs)
        self._parameters = [parameter_count(config, trainable.dataset) for config in configs]

    @property
    def alive(self) -> Sequence[bool]:
        return self._training.alive

    def epoch(self) -> Sequence[Metrics | None]:
        if self._training.epochs_done == self._training.epochs or not any(self.alive):
            return []
        reports = zip(self._training.epoch(), self._parameters, strict=True)
        return [None if report is None else {**report, "parameters": count} for report, count in reports]

    def stop(self, member: int) -> None:
        if self._training.alive[member]:
            self._training.stop(member)


@dataclass(frozen=True)
class FunctionTrainable:
    """A function `train(config, seed)` or `train(config)` that returns a dict of metrics, or yields one per epoch.

    >>> run = FunctionTrainable(lambda config: {"loss": config["x"] ** 2}).start([{"x": 3}], seeds=[7])
    >>> run.epoch(), run.epoch()
    ([{'loss': 9}], [])
    """

    function: Callable[..., object]

    @property
    def takes_seed(self) -> bool:
        """Whether the function takes a seed; if not, the same config always gives the same result."""
        try:
            inspect.signature(self.function).bind({}, 0)
        except (TypeError, ValueError):  # some functions written in C have no signature
            return False
        return True

    def start(self, configs: Sequence[Config], seeds: Sequence[int]) -> Run:
        (config,), (seed,) = configs, seeds
        arguments = (dict(config), seed) if self.takes_seed else (dict(config),)
        return _FunctionRun(lambda: self.function(*arguments))


class _FunctionRun:
    def __init__(self, call: Callable[[], object]) -> None:
        self.alive = [True]
        self._reports = _reports(call)

    def epoch(self) -> Sequence[Metrics | None]:
        return list(itertools.islice(self._reports, 1))

    def stop(self, member: int) -> None:
        self.alive[member] = False
        self._reports.close()


def _reports(call: Callable[[], object]) -> Generator[Metrics, None, None]:
    """Yield what a function returns as a stream of reports."""
    pushed: list[Metrics] = []

    def receive(metrics: Metrics, checkpoint: object) -> int:
        pushed.append(metrics)
        return len(pushed)

    reporting.begin(reporting.RunningTrial(0, 0, reporting.temporary_place(0)), receive)
    try:
        result = call()
    finally:
        reporting.end()
    yield from pushed
    if result is None and pushed:
        return
    for report in result if isinstance(result, Iterator) else [result]:
        if not isinstance(report, Mapping):
            raise TypeError(f"a report must be a dict of metrics such as {{'val_loss': 0.3}}, got {report!r:.200}")
        yield report
