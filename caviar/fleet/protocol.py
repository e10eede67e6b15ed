"""What a study needs from a pool of trainers, wherever they run."""

from collections.abc import Iterable
from typing import Protocol

from caviar.fleet.messages import Event, Stack
from caviar.fleet.worker.trainables import Trainable


class Trainers(Protocol):
    """A pool: `Pool` trains on Ray, `RemotePool` on a cluster behind Ray Client, `LocalPool` in this process.

    `ProcessPool` trains in processes of this machine; `StartingPool` has one of them train until others have started,
    and `SharingPool` trains in this process until processes pay.
    """

    @property
    def workers(self) -> int:
        """The number of trainers that are running or will soon start, at least 1."""

    @property
    def pending(self) -> int:
        """The number of submitted trials that have neither ended nor paused."""

    @property
    def trainable(self) -> Trainable:
        """What the trainers train."""

    def start(self, trials: int) -> None:
        """Start trainers for this many trials, which will soon be submitted."""

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks in this order; trials that were paused continue where they stopped."""

    def poll(self, timeout: float = 1.0) -> list[Event]:
        """Wait up to `timeout` seconds and return the new events; each trial has one `Done` per submission."""

    def discard(self, trials: Iterable[int]) -> None:
        """Drop paused trials, by their numbers, and free the memory that they hold."""

    def stop(self, reason: str) -> list[Event]:
        """Stop training; return a `Done` with State.TIMED_OUT and the reason for each trial in training."""

    def close(self) -> None:
        """Stop all trainers."""
