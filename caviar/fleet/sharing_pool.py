"""The pool for scikit-learn's fits: it trains in this process, and shares what waits with others once that pays.

A fit blocks this process for as long as it takes, so a thread looks meanwhile whether others pay, opens them, and keeps
them busy. What a trial reports depends on its config, its seed and the data alone, not on who trains it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable

from caviar.errors import ClusterError
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Done, Event, Stack
from caviar.fleet.opening import LaterTrainers, OpenPool
from caviar.fleet.worker.trainables import Trainable

logger = logging.getLogger("caviar")

_LOOK_SECONDS = 0.02  # between two looks of the thread
_FIRST_LOOK = 0.3  # seconds of training, before the rest can be estimated
_WORTHWHILE = 3.0  # seconds: processes take a third of that to import what they train


class SharingPool:
    """A trainer in this process, and others once they pay, with the methods of `Trainers`.

    Once the others are ready they train all that has not begun here. While this process ends its trial, it counts as
    one of their number.

    Args:
        local: the trainer in this process.
        open_pool: opens the others; called in a thread, which also closes them.
        trials: how many there are to train in all, as far as is known.
    """

    def __init__(self, local: LocalPool, open_pool: OpenPool, trials: int) -> None:
        self._local, self._open_pool, self._trials = local, open_pool, trials
        self._lock = threading.Lock()  # of the three below
        self._waiting: deque[Stack] = deque()
        self._events: list[Event] = []  # of the others
        self._others: LaterTrainers | None = None  # once they are ready
        self._unfinished: set[int] = set()  # the trials whose end `poll` has not returned
        self._error: BaseException | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, name="caviar-sharing", daemon=True)

    @property
    def trainable(self) -> Trainable:
        return self._local.trainable

    @property
    def workers(self) -> int:
        return self._others.workers if self._others else self._local.workers

    @property
    def pending(self) -> int:
        return len(self._unfinished)

    def start(self, trials: int) -> None:
        """The others start once they pay."""

    def submit(self, stacks: Iterable[Stack]) -> None:
        if not self._thread.ident:
            self._thread.start()
        with self._lock:
            for stack in stacks:
                self._unfinished.update(trial.number for trial in stack)
                if self._local.holds(stack):
                    self._local.submit([stack])
                else:
                    self._waiting.append(stack)
            self._share()

    def poll(self, timeout: float = 1.0) -> list[Event]:
        events = self._local.poll()
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._others is not None:
                self._share()
                is_free = not (events or self._events or self._local.pending)
                self._events += self._others.poll(timeout if is_free else 0.0)
            elif self._waiting and not self._local.pending:
                self._local.submit([self._waiting.popleft()])
            events, self._events = events + self._events, []
        self._unfinished.difference_update(event.trial for event in events if isinstance(event, Done))
        return events

    def discard(self, trials: Iterable[int]) -> None:
        numbers = list(trials)
        self._local.discard(numbers)
        with self._lock:
            if self._others is not None:
                self._others.discard(numbers)

    def stop(self, reason: str) -> list[Event]:
        with self._lock:
            ends = self._events + self._local.stop(reason) + (self._others.stop(reason) if self._others else [])
            self._events = []
            self._closed.set()  # before the thread polls again
        self.close()
        return ends

    def close(self) -> None:
        self._closed.set()
        if self._thread.ident:
            self._thread.join()  # others may be starting
        self._others = None
        self._waiting.clear()
        self._unfinished.clear()
        self._local.close()

    def _look(self) -> None:
        """Open the others once they pay, and keep them busy while this process trains."""
        began = time.monotonic()
        try:
            while not self._pays(time.monotonic() - began):
                if self._closed.wait(_LOOK_SECONDS):
                    return
            with self._open_pool() as others:
                others.start(self._trials - self._local.done)
                while not self._closed.wait(_LOOK_SECONDS):
                    with self._lock:
                        self._events += others.poll(0.0)
                        self._others = others if others.is_ready else self._others
                        self._share()
        except ClusterError as error:
            if self._others is not None:  # which have some of the trials
                self._error = error
            else:
                logger.warning("goes on in this process alone, since others cannot start: %s", error)
        except BaseException as error:
            self._error = error

    def _pays(self, seconds: float) -> bool:
        done = self._local.done
        return seconds > _FIRST_LOOK and seconds / (done + 1) * (self._trials - done) > _WORTHWHILE

    def _share(self) -> None:
        """Give the others what waits: all of it, or a trial for each but one of them while this process trains."""
        others = self._others
        while others and self._waiting and not (self._local.pending and others.pending >= others.workers - 1):
            others.submit([self._waiting.popleft()])
