"""Opens the trainers on Ray after a while, beside those that are training already."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from caviar.fleet.protocol import Trainers

RAY_AFTER = 60.0  # seconds


class LaterTrainers(Trainers, Protocol):
    """Trainers that take a while to start."""

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""


OpenPool = Callable[[], AbstractContextManager[LaterTrainers]]


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
        """Return the pool; None if it is not open yet. Raises what opening it raised."""
        if self._error is not None:
            raise self._error
        return self._pool

    def close(self) -> None:
        """Close the pool, or never open it."""
        self._closed.set()
        self.join()  # Ray may be starting
