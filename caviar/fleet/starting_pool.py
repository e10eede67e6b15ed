"""Trainers that are there at once, and others that take a while to start: the first ones train meanwhile.

What a trial reports depends on its config, its seed and the data alone, so no trial has to wait. What has begun at the
first trainers ends there, and what is paused there continues there.
"""

from collections.abc import Iterable
from typing import Protocol

from caviar.fleet.messages import Event, Stack
from caviar.fleet.opening import AfterAWhile, LaterTrainers
from caviar.fleet.worker.trainables import Trainable

_POLL_SECONDS = 0.02  # while there are two pools


class FirstTrainers(LaterTrainers, Protocol):
    """Trainers that hand over to others."""

    def hand_over(self, stacks: Iterable[Stack] = ()) -> list[Stack]:
        """Return what others can train, of `stacks` and of what waits; keep what has begun or is paused here."""


class StartingPool:
    """The first trainers, and then others, with the methods of `Trainers`.

    Args:
        first: the trainers that are there at once; closed with this pool.
        opening: opens the others.
    """

    def __init__(self, first: FirstTrainers, opening: AfterAWhile) -> None:
        self._first, self._opening = first, opening
        self._has_handed_over = False

    @property
    def trainable(self) -> Trainable:
        return self._first.trainable

    @property
    def workers(self) -> int:
        return self._pool.workers if self._has_handed_over else self._first.workers

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""
        return self._has_handed_over or self._first.is_ready

    @property
    def pending(self) -> int:
        return self._first.pending + (self._pool.pending if self._has_handed_over else 0)

    def start(self, trials: int) -> None:
        if not self._has_handed_over:
            self._first.start(trials)

    def submit(self, stacks: Iterable[Stack]) -> None:
        if self._has_handed_over:
            self._pool.submit(self._first.hand_over(stacks))
        else:
            self._first.submit(stacks)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        pool = self._opening.pool()
        if pool is None:
            return self._first.poll(timeout)
        if not self._has_handed_over:
            pool.start(self.pending)
            self._has_handed_over = pool.is_ready
        if self._has_handed_over:
            self.submit([])
            if not self._first.pending:
                return pool.poll(timeout)
        return self._first.poll(_POLL_SECONDS) + pool.poll(0.0)

    def discard(self, trials: Iterable[int]) -> None:
        numbers = list(trials)
        self._first.discard(numbers)
        if self._has_handed_over:
            self._pool.discard(numbers)

    def stop(self, reason: str) -> list[Event]:
        return self._first.stop(reason) + (self._pool.stop(reason) if self._has_handed_over else [])

    def close(self) -> None:
        self._first.close()
        self._opening.close()

    @property
    def _pool(self) -> LaterTrainers:
        """The other trainers, once it has been handed over to them."""
        pool = self._opening.pool()
        assert pool is not None
        return pool
