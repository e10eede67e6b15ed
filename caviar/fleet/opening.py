"""When a pool of more trainers opens: Ray after a while, and processes once what is left would take this one longer."""

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from caviar.fleet.local_pool import LocalPool
from caviar.fleet.protocol import Trainers

RAY_AFTER = 60.0  # seconds
_FIRST_LOOK = 0.3  # seconds of training, before the rest can be estimated
_WORTHWHILE = 3.0  # seconds: processes take a third of that to import what they train


class LaterTrainers(Trainers, Protocol):
    """Trainers that take a while to start."""

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""


OpenPool = Callable[[], AbstractContextManager[LaterTrainers]]


class Opening(Protocol):
    """Opens a pool at the right time."""

    def pool(self) -> LaterTrainers | None:
        """Return the pool; None if it is not open yet. Raises what opening it raised."""

    def close(self) -> None:
        """Close the pool, or never open it."""


class AfterAWhile(threading.Thread):
    """Opens a pool after some seconds, in a thread, which also closes it: Ray's processes end with the thread that
    started them, and Ray takes seconds to start.
    """

    def __init__(self, open_pool: OpenPool, seconds: float) -> None:
        super().__init__(name="caviar-ray")
        self._open_pool, self._seconds = open_pool, seconds
        self._pool: LaterTrainers | None = None
        self._error: BaseException | None = None
        self._closed = threading.Event()
        self.start()

    def run(self) -> None:
        if self._closed.wait(self._seconds):
            return
        try:
            with self._open_pool() as self._pool:
                self._closed.wait()
        except BaseException as error:
            self._error = error

    def pool(self) -> LaterTrainers | None:
        if self._error is not None:
            raise self._error
        return self._pool

    def close(self) -> None:
        self._closed.set()
        self.join()  # Ray may be starting


class WhenItPays:
    """Opens a pool once the trials that are left would take this process longer than others need to start.

    Args:
        open_pool: opens the pool; it does not wait for trainers.
        local: what trains meanwhile.
        trials: how many it has to train in all, as far as is known.
    """

    def __init__(self, open_pool: OpenPool, local: LocalPool, trials: int) -> None:
        self._open_pool, self._local, self._trials = open_pool, local, trials
        self._began: float | None = None
        self._pool: LaterTrainers | None = None
        self._opened = contextlib.ExitStack()

    def pool(self) -> LaterTrainers | None:
        if self._pool is None and self._pays():
            self._pool = self._opened.enter_context(self._open_pool())
        return self._pool

    def _pays(self) -> bool:
        now = time.monotonic()
        self._began = self._began or now
        seconds, done = now - self._began, self._local.done
        return seconds > _FIRST_LOOK and seconds / (done + 1) * (self._trials - done) > _WORTHWHILE

    def close(self) -> None:
        self._opened.close()
