"""What travels between the driver and the trainers: trials in stacks one way, events the other.

Plain records, cheap to pickle; nothing here knows of Ray.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Trial:
    """One configuration to be trained once."""

    number: int
    wave: int
    config: dict[str, Any]
    seed: int


Stack = tuple[Trial, ...]  # trials that one trainer trains together
Lease = tuple[Stack, ...]  # stacks that one trainer is handed in one call


class Started(NamedTuple):
    """A trainer has begun with a trial."""

    trial: int


class Report(NamedTuple):
    """The metrics of one epoch of a trial."""

    trial: int
    epoch: int  # 1, 2, ...
    seconds: float  # the trial's own seconds so far
    metrics: dict[str, float]


class Done(NamedTuple):
    """A trial has ended."""

    trial: int
    state: str  # "finished", "diverged", "failed" or "timed_out"
    error: str  # why, where it is not "finished"
    seconds: float  # its own seconds: its share of its stack's
    worker: str  # host:process of the trainer
    output: str = ""  # what it printed and warned


Event = Started | Report | Done
