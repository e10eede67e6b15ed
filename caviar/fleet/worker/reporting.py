"""What a trial's own code calls, at any depth and from any thread: `caviar.report()` and `caviar.trial()`."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caviar.errors import InputError


class Stop(Exception):  # noqa: N818 - a verb, as in `raise Stop`: it is no error
    """The trial should end: `caviar.report()` raises it for early stopping, a time limit or a metric that diverged."""


@dataclass(frozen=True)
class Reported:
    """What `caviar.report()` returns: the number of the report, from 1."""

    epoch: int


@dataclass(frozen=True)
class RunningTrial:
    """The trial that runs in this process, as `caviar.trial()` returns it."""

    number: int  # from 0, in the whole study
    seed: int
    place: Path  # of its folder, which may not exist yet

    @property
    def folder(self) -> Path:
        """A folder of its own, created when first asked for."""
        self.place.mkdir(parents=True, exist_ok=True)
        return self.place

    @property
    def checkpoint(self) -> Path | None:
        """What it last passed to `caviar.report(..., checkpoint=...)`; None if it starts from the beginning."""
        return None


Receiver = Callable[[Mapping[str, Any], Path | None], int]  # takes a report; returns its number
_current: tuple[RunningTrial, Receiver] | None = None


def begin(trial: RunningTrial, receive: Receiver) -> None:
    """Let this process's reports go to `receive`, as those of a trial."""
    global _current  # noqa: PLW0603 - one trial a process, whatever the thread
    _current = trial, receive


def end() -> None:
    """No trial runs in this process any longer."""
    global _current  # noqa: PLW0603
    _current = None


def report(metrics: Mapping[str, Any], *, checkpoint: str | Path | None = None) -> Reported:
    """Report the metrics of one epoch of the trial that runs in this process; outside of a trial, do nothing.

    Args:
        metrics: names to numbers, among them the study's metric.
        checkpoint: a file or folder that the trial has saved in its folder, to continue from if its machine is lost.

    Returns:
        The number of the report, from 1.

    Raises:
        Stop: the trial should end, for example because early stopping has decided so.
    """
    if _current is None:
        return Reported(0)
    _, receive = _current
    return Reported(receive(metrics, None if checkpoint is None else Path(checkpoint)))


def trial() -> RunningTrial:
    """Return the trial that runs in this process; raise InputError outside of one."""
    if _current is None:
        raise InputError("caviar.trial() works only inside a trial; run the function as a study")
    return _current[0]


def temporary_place(number: int) -> Path:
    """Return where a trial without a study's folder may keep its files."""
    return Path(tempfile.gettempdir()) / f"caviar-trial-{number}"
