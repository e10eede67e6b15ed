"""The pool for a Ray that is not there yet: a process of this machine trains while Ray starts, then hands over.

What a trial reports depends on its config, its seed and the data alone, so the first trials need not wait for Ray. The
first trainer takes the shortest stacks, and no more of them once a trainer on Ray is ready; paused trials that it holds
continue there. If all trials end before that, Ray is not needed.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from caviar.fleet.first_trainer import FirstTrainer
from caviar.fleet.machine import usable_cpus
from caviar.fleet.messages import Done, Event, Stack
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import State

_POLL_SECONDS = 0.02  # on each of two sources of events


class RayTrainers(Trainers, Protocol):
    """Trainers that take a while to start."""

    @property
    def is_ready(self) -> bool:
        """Whether a trainer has answered."""

    def start(self, trials: int) -> None:
        """Start trainers for so many trials, which will be submitted once one is ready."""


class _Start(threading.Thread):
    """Starts Ray and its pool, and stops them: Ray's processes end with the thread that started them."""

    def __init__(self, open_pool: Callable[[], AbstractContextManager[RayTrainers]]) -> None:
        super().__init__(name="caviar-ray")
        self.pool: RayTrainers | None = None
        self._open_pool = open_pool
        self._error: BaseException | None = None
        self._ready, self._closed = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            with self._open_pool() as self.pool:
                self._ready.set()
                self._closed.wait()
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    def check(self) -> RayTrainers | None:
        """Return the pool, None if it is not there yet; raise the error if it could not be started."""
        if self._error is not None:
            raise self._error
        return self.pool

    def wait(self, timeout: float) -> list[Event]:
        """Wait up to `timeout` seconds for the pool; there are no events."""
        self._ready.wait(timeout)
        return []

    def close(self) -> None:
        """Stop Ray; one that is still starting is first waited for."""
        self._closed.set()
        self.join()


class StartingPool:
    """A first trainer, and the pool of those on Ray once that has started, with the methods of `Trainers`.

    Args:
        trainable: what the trainers train.
        metric: that each report must contain.
        placement: of the trainers.
        open_pool: starts Ray and returns its pool, in a block of a thread of its own.
    """

    def __init__(
        self,
        trainable: NetworkTrainable,
        metric: str,
        placement: Placement,
        open_pool: Callable[[], AbstractContextManager[RayTrainers]],
    ) -> None:
        self.trainable = trainable
        self._placement = placement
        self._start = _Start(open_pool)
        self._start.start()
        self._first: FirstTrainer | None = FirstTrainer(trainable, metric, placement)
        self._queue: deque[Stack] = deque()  # for any trainer
        self._continuing: deque[Stack] = deque()  # for the first trainer, which holds them
        self._training: Stack = ()  # there
        self._paused: set[int] = set()  # there
        self._unfinished: set[int] = set()  # of what has not been handed over
        self._handed_over = False

    @property
    def workers(self) -> int:
        if self._start.pool is not None:
            return self._start.pool.workers
        return self._placement.workers or max(1, usable_cpus(math.inf) // self._placement.threads)

    @property
    def pending(self) -> int:
        return len(self._unfinished) + (self._start.pool.pending if self._start.pool is not None else 0)

    def submit(self, stacks: Iterable[Stack]) -> None:
        for stack in stacks:
            self._unfinished.update(trial.number for trial in stack)
            held = tuple(trial for trial in stack if trial.number in self._paused)
            if held:
                self._continuing.append(held)
            if other := tuple(trial for trial in stack if trial.number not in self._paused):
                self._queue.append(other)
        self._hand_over()

    def poll(self, timeout: float = 1.0) -> list[Event]:
        pool = self._start.check()
        if pool is not None and not self._handed_over:
            pool.start(self.pending)
            if pool.is_ready:
                self._handed_over = True
                self._hand_over()
        if self._first is None:
            return pool.poll(timeout) if pool is not None else self._start.wait(timeout)
        events = self._poll_first(timeout if pool is None else _POLL_SECONDS)
        return events + (pool.poll(_POLL_SECONDS) if pool is not None else [])

    def discard(self, trials: Iterable[int]) -> None:
        numbers = list(trials)
        held = self._paused & set(numbers)
        self._paused -= held
        if self._first is not None and held:
            self._first.discard(held)
        if self._start.pool is not None:
            self._start.pool.discard(numbers)

    def stop(self, reason: str) -> list[Event]:
        events: list[Event] = []
        if self._first is not None:
            now, name = time.monotonic(), self._first.name
            running = [(number, start) for number, start in self._first.running.items() if number in self._unfinished]
            events += [Done(number, State.TIMED_OUT, reason, now - start, name) for number, start in running]
            self._end_first()
        self._unfinished.clear()
        self._queue.clear()
        return events + (self._start.pool.stop(reason) if self._start.pool is not None else [])

    def close(self) -> None:
        if self._first is not None:
            self._first.close()
        self._start.close()

    def _hand_over(self) -> None:
        """Give what waits for a trainer to those on Ray, if they are ready."""
        if self._handed_over and self._queue and (pool := self._start.pool) is not None:
            stacks = list(self._queue)
            self._queue.clear()
            self._unfinished -= {trial.number for stack in stacks for trial in stack}
            pool.submit(stacks)

    def _poll_first(self, timeout: float) -> list[Event]:
        """Return the events of the first trainer, and give it its next stack."""
        assert self._first is not None
        try:
            events = self._first.poll(timeout)
            if self._first.is_idle:
                self._train_next()
        except (EOFError, OSError):  # it was killed
            self._queue.extend(filter(None, [self._unfinished_of(self._training), *self._continuing]))
            self._end_first()
            self._hand_over()
            return []
        for event in events:
            if isinstance(event, Done):
                self._unfinished.discard(event.trial)
                if event.state is State.PAUSED:
                    self._paused.add(event.trial)
        return events

    def _train_next(self) -> None:
        """Give the first trainer a stack; end it once it has nothing left to do."""
        assert self._first is not None
        self._training = ()
        if self._continuing:
            self._training = self._continuing.popleft()
        elif self._queue and not self._handed_over:
            self._training = self._queue.pop()  # the shortest
        elif self._handed_over and not self._paused:
            return self._end_first()
        if self._training:
            self._paused -= {trial.number for trial in self._training}
            self._first.train(self._training)

    def _unfinished_of(self, stack: Stack) -> Stack:
        return tuple(trial for trial in stack if trial.number in self._unfinished)

    def _end_first(self) -> None:
        if self._first is not None:
            self._first.close()
        self._first, self._training = None, ()
        self._continuing.clear()
        self._paused.clear()
