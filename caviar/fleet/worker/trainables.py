"""What a trainer trains: the built-in network in stacks, or anybody's own function one trial at a time.

A trainable starts a stack of trials and hands back a run; each `epoch()` of the run gives a report of every
living member. Both are plain picklable values; nothing here but the pickling knows of Ray.
"""

import inspect
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from ray import cloudpickle

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.model.shapes import parameter_count
from caviar.model.training import Training

Metrics = Mapping[str, float]


class Run(Protocol):
    """A stack in training."""

    @property
    def alive(self) -> Sequence[bool]:
        """Which members still train; one that is not, and gave a report last, has ended by itself."""

    def epoch(self) -> Sequence[Metrics | None]:
        """Train every living member up to its next report; None for the others, [] when all have ended."""

    def stop(self, member: int) -> None:
        """Let a living member go."""


class Trainable(Protocol):
    """How to start a stack of trials."""

    def start(self, configs: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> Run:
        """A run of the given configs with the given seeds."""


def check_picklable(trainable: Trainable, name: str) -> None:
    """Raise InputError, with the reason, for a trainable that cannot be sent to the trainers."""
    try:
        cloudpickle.dumps(trainable)
    except Exception as error:  # a pickler passes on whatever an object's own code raises
        raise InputError(
            f"{name} cannot be sent to the trainers ({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "make open files, locks and connections inside of it"
        ) from None


def ship(module: ModuleType) -> None:
    """Send what a module defines to the trainers as it is, since they may not find its file."""
    cloudpickle.register_pickle_by_value(module)


@dataclass(frozen=True)
class NetworkTrainable:
    """The built-in network on a data set, a stack at a time."""

    dataset: Dataset
    epochs: int

    def start(self, configs: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> Run:
        """A stack of networks with fresh weights."""
        return _NetworkRun(self, configs, seeds)


class _NetworkRun:
    """A `Training` that ends after its epochs and adds what a finished network has besides its metrics."""

    def __init__(self, trainable: NetworkTrainable, configs: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> None:
        self._training = Training(configs, seeds, trainable.dataset, trainable.epochs)
        self._parameters = [parameter_count(config, trainable.dataset) for config in configs]
        self._left = trainable.epochs

    @property
    def alive(self) -> Sequence[bool]:
        return self._training.alive

    def epoch(self) -> Sequence[Metrics | None]:
        if self._left == 0 or not any(self.alive):
            return []
        self._left -= 1
        reports = self._training.epoch()
        return [
            None if report is None else {**report, "parameters": count}
            for report, count in zip(reports, self._parameters, strict=True)
        ]

    def stop(self, member: int) -> None:
        if self._training.alive[member]:
            self._training.stop(member)


@dataclass(frozen=True)
class FunctionTrainable:
    """A plain function or generator `train(config, seed)`; it may also take the config alone.

    A generator yields a dict of metrics an epoch; a function returns one dict, a trial of one report.
    """

    function: Callable[..., Any]

    @property
    def takes_seed(self) -> bool:
        """Whether it is called with the trial's seed; without, the same config gives the same result."""
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except ValueError:  # some functions written in C say nothing of their parameters
            return False
        kinds = [parameter.kind for parameter in parameters]
        positional = sum(kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD) for kind in kinds)
        return positional > 1 or inspect.Parameter.VAR_POSITIONAL in kinds

    def start(self, configs: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> Run:
        """The one trial of a stack of one."""
        (config,), (seed,) = configs, seeds
        arguments = (dict(config), seed) if self.takes_seed else (dict(config),)
        return _FunctionRun(lambda: self.function(*arguments))


class _FunctionRun:
    def __init__(self, call: Callable[[], Any]) -> None:
        self.alive: list[bool] = [True]
        self._reports = _reports(call)

    def epoch(self) -> Sequence[Metrics | None]:
        report = next(self._reports, None)
        return [] if report is None else [report]

    def stop(self, member: int) -> None:
        self.alive[member] = False
        self._reports.close()


def _reports(call: Callable[[], Any]) -> Generator[Metrics, None, None]:
    """What a function gives back, as a stream of reports."""
    given = call()
    for report in given if isinstance(given, Iterator) else [given]:
        if not isinstance(report, Mapping):
            raise TypeError(f"a report is a dict of metrics, such as {{'val_loss': 0.3}}; got {report!r:.200}")
        yield report
