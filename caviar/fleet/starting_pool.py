"""The pool for a Ray that is not there yet: processes of this machine train while Ray starts, then hand over.

What a trial reports depends on its config, its seed and the data alone, so no trial has to wait for Ray. What has begun
in a process ends there, and what is paused there continues there. Starting Ray takes seconds of several cores, so it
starts only once the study has taken a while: a small one is over by then.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from caviar.fleet.messages import Event, Stack
from caviar.fleet.process_pool import ProcessPool
from caviar.fleet.protocol import Trainers
from caviar.fleet.worker.trainables import Trainable

RAY_AFTER = 60.0  # seconds
_POLL_SECONDS = 0.02  # on each of two pools


class RayTrainers(Trainers, Protocol):
    """Trainers that take a while to start."""

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""


class StartingPool:
    """Trainers in processes, and then those on Ray, with the methods of `Trainers`.

    Args:
        first: the pool in processes, which it closes.
        open_ray: starts Ray and returns its pool; it is entered and left in a thread of its own.
        ray_after: seconds until then.
    """

    def __init__(
        self,
        first: ProcessPool,
        open_ray: Callable[[], AbstractContextManager[RayTrainers]],
        ray_after: float = RAY_AFTER,
    ) -> None:
        self._first = first
        self._ray = _RayThread(open_ray, ray_after)
        self._ray.start()
        self._has_handed_over = False

    @property
    def trainable(self) -> Trainable:
        return self._first.trainable

    @property
    def workers(self) -> int:
        return self._pool.workers if self._has_handed_over else self._first.workers

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
        pool = self._ray.pool()
        if pool is None:
            return self._first.poll(timeout)
        if not self._has_handed_over:
            pool.start(self.pending)
            self._has_handed_over = pool.is_ready
        if not self._has_handed_over:
            return self._first.poll(_POLL_SECONDS) + pool.poll(_POLL_SECONDS)
        self.submit([])
        if not self._first.pending:
            return pool.poll(timeout)
        return self._first.poll(_POLL_SECONDS) + pool.poll(_POLL_SECONDS)

    def discard(self, trials: Iterable[int]) -> None:
        numbers = list(trials)
        self._first.discard(numbers)
        if self._has_handed_over:
            self._pool.discard(numbers)

    def stop(self, reason: str) -> list[Event]:
        return self._first.stop(reason) + (self._pool.stop(reason) if self._has_handed_over else [])

    def close(self) -> None:
        self._first.close()
        self._ray.close()

    @property
    def _pool(self) -> RayTrainers:
        """The pool on Ray, once it has been handed over to."""
        pool = self._ray.pool()
        assert pool is not None
        return pool


class _RayThread(threading.Thread):
    """Starts Ray and its pool, and stops them: Ray's processes end with the thread that started them."""

    def __init__(self, open_ray: Callable[[], AbstractContextManager[RayTrainers]], after: float) -> None:
        super().__init__(name="caviar-ray")
        self._open_ray, self._after = open_ray, after
        self._pool: RayTrainers | None = None
        self._error: BaseException | None = None
        self._closed = threading.Event()

    def run(self) -> None:
        if self._closed.wait(self._after):
            return
        try:
            with self._open_ray() as self._pool:
                self._closed.wait()
        except BaseException as error:
            self._error = error

    def pool(self) -> RayTrainers | None:
        """Return the pool, None if it is not there yet; raise the error if Ray could not be started."""
        if self._error is not None:
            raise self._error
        return self._pool

    def close(self) -> None:
        """Stop Ray; one that is starting is first waited for."""
        self._closed.set()
        self.join()
