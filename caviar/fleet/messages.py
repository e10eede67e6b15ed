"""What travels between the driver and the trainers: trials in stacks one way, events the other.

Plain records, cheap to pickle; nothing here knows of Ray.
"""

from typing import NamedTuple

from caviar.records.trial import State, Trial

Stack = tuple[Trial, ...]  # trials that one trainer trains together
Lease = tuple[Stack, ...]  # stacks that one trainer is handed in one call


class Started(NamedTuple):
    """A trainer has begun with a trial, or goes on with one that was paused."""

    trial: int
    reports: int = 0  # how many it has given before


class Report(NamedTuple):
    """The metrics of one epoch of a trial."""

    trial: int
    epoch: int  # 1, 2, ...
    seconds: float  # the trial's own seconds so far
    metrics: dict[str, float]


class Printed(NamedTuple):
    """The end of what a trial has printed so far, for the case that it never comes back."""

    trial: int
    text: str


class Done(NamedTuple):
    """A trial has ended, or has come to where it was to pause."""

    trial: int
    state: State  # PAUSED: its trainer keeps it and may go on
    error: str  # why, where it is not "finished"
    seconds: float  # its own seconds: its share of its stack's
    worker: str  # host:process of the trainer
    output: str = ""  # what it printed and warned


Event = Started | Report | Printed | Done
