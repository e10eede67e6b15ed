"""The pool for `workers=0`: trains in this process, one stack after another, without Ray.

It is meant for trials too short to be worth starting Ray or processes, and for scikit-learn's first fits. A user's
function runs in processes that this one starts, unless isolation is "none": then a trial that hangs or exits the
process takes the study with it.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator

from caviar.fleet.messages import Done, Event, Stack, Started, timed_out
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable


class LocalPool:
    """A trainer in this process, with the methods of `Trainers`; `poll` trains up to the next event and never waits."""

    workers = 1

    def __init__(self, trainable: Trainable, metric: str, trial_timeout: float | None = None) -> None:
        self.trainable = trainable
        self._runner = StackRunner(trainable, metric, trial_timeout)
        self._queue: deque[Stack] = deque()
        self._unfinished: set[int] = set()
        self._running: dict[int, float] = {}  # trial numbers to start times
        self._events: Iterator[Event] = iter(())  # of the stack in training
        self.done = 0  # how many trials have ended

    @property
    def pending(self) -> int:
        return len(self._unfinished)

    def start(self, trials: int) -> None:
        """Nothing has to start."""

    def submit(self, stacks: Iterable[Stack]) -> None:
        for stack in stacks:
            self._queue.append(stack)
            self._unfinished.update(trial.number for trial in stack)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        event = next(self._events, None)
        if event is None:
            self._events = self._runner.train(self._queue.popleft()) if self._queue else iter(())
            return []
        if isinstance(event, Started):
            self._running[event.trial] = time.monotonic()
        elif isinstance(event, Done):
            self._running.pop(event.trial, None)
            self._unfinished.discard(event.trial)
            self.done += 1
        return [event]

    def holds(self, stack: Stack) -> bool:
        """Return whether a trial of a stack is paused here."""
        return any(self._runner.holds(trial.number) for trial in stack)

    def discard(self, trials: Iterable[int]) -> None:
        self._runner.discard(trials)

    def stop(self, reason: str) -> list[Event]:
        ends = timed_out(self._running, reason, self._runner.name)
        self.close()
        return ends

    def close(self) -> None:
        self._runner.close()
        self._queue.clear()
        self._unfinished.clear()
        self._running.clear()
        self._events = iter(())
