"""What a trial's own code calls, at any depth and from any thread: `caviar.report()` and `caviar.trial()`."""

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from caviar.errors import InputError
from caviar.fleet.worker import checkpoints
from caviar.fleet.worker.reports import as_number


class Stop(Exception):
    """Raised by `caviar.report()` when the trial should end: early stopping, or a metric that diverged.

    Let it pass, or catch it to clean up. Code that raises it itself ends its trial with what it has reported.
    """


@dataclass(frozen=True)
class Reported:
    """What `caviar.report()` returns: the number of the report, from 1."""

    epoch: int


@dataclass(frozen=True)
class RunningTrial:
    """The trial that runs in this process, as `caviar.trial()` returns it.

    Args:
        number: of the trial in its study, from 0.
        seed: of its random numbers.
    """

    number: int
    seed: int
    _place: Path = field(repr=False)  # of its folder, which may not exist yet

    @property
    def folder(self) -> Path:
        """A folder of its own in the study's, created when first asked for; later `outcome.trial(number).folder`."""
        self._place.mkdir(parents=True, exist_ok=True)
        return self._place

    @property
    def checkpoint(self) -> Path | None:
        """A copy of what it last passed to `caviar.report(..., checkpoint=...)`; None if it has to begin anew."""
        last = checkpoints.last(self._place)
        return None if last is None else last.path

    @property
    def epoch(self) -> int:
        """How many reports it had made at its checkpoint, 0 without one: where its code continues."""
        last = checkpoints.last(self._place)
        return 0 if last is None else last.epoch


class Receiver(Protocol):
    """Takes the reports of a trial."""

    def __call__(self, metrics: object, checkpoint: Path | None) -> int:
        """Take a report, and return its number."""


REPORT_FILE = "CAVIAR_REPORT"  # the environment variable that names the file of a program's reports


@dataclass(frozen=True)
class _Current:
    running: RunningTrial
    receive: Receiver
    process: int  # a fork of it has a copy of all this, but does not report for the trial


_current: dict[int, _Current] = {}  # by thread: studies may run in several threads of a process


@contextlib.contextmanager
def as_trial(running: RunningTrial, receive: Receiver) -> Iterator[None]:
    """Send the reports of this thread, and of those that it starts, to `receive` inside a `with` block."""
    thread = threading.get_ident()
    outer = _current.get(thread)  # a trial may run a study
    _current[thread] = _Current(running, receive, os.getpid())
    try:
        yield
    finally:
        if outer is None:
            del _current[thread]
        else:
            _current[thread] = outer


def _trial_here() -> _Current | None:
    """Return the trial of this thread, or else that of this process, whose code may have started this thread."""
    thread, trials = threading.get_ident(), list(_current.values())
    current = _current.get(thread) or next(iter(trials), None)
    if thread not in _current and len(trials) > 1:
        raise InputError(
            f"{len(trials)} studies run in threads of this process, and this thread belongs to none of their trials; "
            "report from the thread that calls the function, or use isolation='process'"
        )
    return current if current and current.process == os.getpid() else None


def report(metrics: Mapping[str, Any], *, checkpoint: str | Path | None = None) -> Reported:
    """Report the metrics of one epoch of the trial that runs in this process.

    It blocks while the trial is paused, and does nothing outside of a trial or in a process that a trial has started.
    In a Python program that is tuned by its command, it appends a line of JSON to the file of its reports.

    Args:
        metrics: names to numbers, among them the study's metric; booleans, and arrays and tensors of one number, count
            as numbers. What is not a number is left out with a warning.
        checkpoint: a file or folder that the trial has saved, copied so that it can continue from there (see
            `caviar.trial().checkpoint`) if its machine or its study is interrupted.

    Returns:
        The number of the report, from 1.

    Raises:
        Stop: the trial should end.
        InputError: the metric is missing or no number, or there is no such checkpoint.

    >>> report({"loss": 0.3})
    Reported(epoch=0)
    """
    if not _current and REPORT_FILE in os.environ:
        return Reported(_append(Path(os.environ[REPORT_FILE]), metrics, checkpoint))
    current = _trial_here()
    if current is None:
        return Reported(0)
    return Reported(current.receive(metrics, None if checkpoint is None else Path(checkpoint)))


def _append(path: Path, metrics: Mapping[str, Any], checkpoint: str | Path | None) -> int:
    """Append a report to the file of a program's reports, and return its number."""
    numbers = {name: as_number(value) for name, value in metrics.items()}
    report = {name: str(metrics[name]) if number is None else number for name, number in numbers.items()}
    if checkpoint is not None:
        report["checkpoint"] = str(Path(checkpoint).absolute())
    with path.open("a+", encoding="utf-8") as file:
        file.write(json.dumps(report) + "\n")
        file.seek(0)
        return sum(1 for _ in file)


def trial() -> RunningTrial:
    """Return the trial that runs in this process.

    Raises:
        InputError: no trial runs here.

    >>> trial()
    Traceback (most recent call last):
    caviar.errors.InputError: caviar.trial() works only inside a trial; run the function as a study
    """
    current = _trial_here()
    if current is None:
        raise InputError("caviar.trial() works only inside a trial; run the function as a study")
    return current.running
