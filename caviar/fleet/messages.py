"""What the driver and the trainers send each other: stacks of trials one way, events the other.

They are plain tuples, which are cheap to pickle.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from caviar.records.trial import Metrics, State, Trial

Stack = tuple[Trial, ...]  # trials that one trainer trains together
Lease = tuple[Stack, ...]  # stacks that one trainer receives in one call


class Started(NamedTuple):
    """A trainer starts a trial, or continues one that was paused."""

    trial: int
    reports: int = 0  # how many it made before it was paused


class Report(NamedTuple):
    """The metrics of one epoch of a trial."""

    trial: int
    epoch: int  # from 1
    seconds: float  # the trial's own training time so far
    metrics: Metrics


class Printed(NamedTuple):
    """The last part of a trial's output so far, in case its trainer is lost."""

    trial: int
    text: str


class Done(NamedTuple):
    """A trial has ended or paused."""

    trial: int
    state: State  # PAUSED: its trainer keeps it, and it may continue
    error: str  # why it did not finish, else empty
    seconds: float  # the trial's own training time: its share of its stack's
    worker: str  # host:process of the trainer
    output: str = ""  # the last part of what it printed, including warnings
    continued_from: int | None = None  # the report of the checkpoint that its last process continued from
    dead_units: tuple[float, ...] = ()  # the share in each hidden layer of its network; () if it is not known
    raised: bytes = b""  # the exception that ended it, if it was pickled where it was raised
    weights: bytes = b""  # of its network if it has finished and they are kept, as `networks_to_bytes` returns them


Event = Started | Report | Printed | Done


def over_limit(seconds: float) -> str:
    """Return why a trial ends that has exceeded its time limit, for its row."""
    return f"it exceeded its time limit of {seconds:g} s"


def timed_out(running: Mapping[int, float], reason: str, worker: str) -> list[Event]:
    """Return the ends of trials whose time is over.

    Args:
        running: when each began to train, by its number, on the monotonic clock.
        reason: why it ends, for its row.
        worker: host:process of their trainer.

    >>> [(end.trial, end.error, end.worker) for end in timed_out({3: 0.0}, "the time is over", "host:1")]
    [(3, 'the time is over', 'host:1')]
    """
    now = time.monotonic()
    return [Done(trial, State.TIMED_OUT, reason, now - start, worker) for trial, start in running.items()]
