"""What a trainer, the parent of its trials' processes and those processes send each other.

A trainer in a process of its own and its pool send each other the last three, with leases and events.
"""

import sys
from typing import TYPE_CHECKING, NamedTuple

from caviar.records.trial import Metrics, Trial

if TYPE_CHECKING:
    from caviar.fleet.worker.trainables import Trainable  # which a trial's process does without

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection

    Connection = PipeConnection
else:
    from multiprocessing.connection import Connection as Connection

FUNCTION = "function.pickle"  # in the trainer's temporary folder: it may be large, and is read for each interpreter
KILLED = -9  # the status of a process that was killed, by SIGKILL


class Setup(NamedTuple):
    """What all trials of a trainer have in common."""

    folder: str  # a temporary one of the trainer, with the pickled function
    metric: str  # that each report must contain
    threads: int  # of BLAS, OpenMP and PyTorch
    memory: float | None  # bytes that a trial may allocate; None: most of the machine
    options: tuple[str, ...]  # of Python, as the driver has them


class TrainerSetup(NamedTuple):
    """What a trainer in a process of its own needs before its first lease."""

    trainable: "Trainable"
    metric: str  # that each report must contain
    trial_timeout: float | None  # seconds
    threads: int  # of BLAS and OpenMP


class Request(NamedTuple):
    """A trial to run in a process of its own."""

    trial: Trial
    output: str  # the file for what it prints
    folder: str  # where it may keep files; not created yet
    copied: bool  # whether the trainer copies a checkpoint elsewhere before the trial continues


class Serve(NamedTuple):
    """Fork trials as they are requested."""


class Ready(NamedTuple):
    """The parent has loaded the function. It must not fork if its imports have started threads."""

    threads: tuple[str, ...]


class Unusable(NamedTuple):
    """The function, or what a trainer trains, could not be loaded."""

    reason: str


class Forked(NamedTuple):
    """The parent has forked the process of a trial."""

    process: int


class Refused(NamedTuple):
    """The system has not let the parent fork."""

    reason: str


class Exited(NamedTuple):
    """The process of a trial has exited, with a status as `Popen.returncode`: negative for a signal."""

    process: int
    status: int


class Reported(NamedTuple):
    """A report of a trial."""

    seconds: float  # the trial's own time so far
    metrics: Metrics
    restored: bool = False  # whether an earlier process of the trial made it
    waits: bool = False  # until the trainer has copied the checkpoint that came with it


class Ended(NamedTuple):
    """The function of a trial has returned, or raised an error."""

    seconds: float
    error: str


class Continue(NamedTuple):
    """A trial may continue until it has made this many reports; None: to its end."""

    until: int | None


class Stop(NamedTuple):
    """A trial should stop."""


class TrainerReady(NamedTuple):
    """A trainer in a process of its own can train."""

    name: str  # host:process


class LeaseEnded(NamedTuple):
    """All stacks of its oldest lease have ended."""


class Discard(NamedTuple):
    """Drop paused trials."""

    trials: tuple[int, ...]
