"""The fleet of `workers=0`: this process trains, one stack after the other, without Ray.

For trials that are too short to be worth a Ray, for a debugger, and for code that cannot be pickled. What a trial
does to its process it does to this one: one that hangs or ends its process takes the study with it.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from caviar.fleet.messages import Done, Event, Stack, Started
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable


class LocalPool:
    """Trains in this process; to its driver it is what a `Pool` is.

    Args:
        trainable: what to train.
        metric: the name of the metric that every report is to have.
        trial_timeout: the seconds after which a trial is ended between two reports; None: no limit.
    """

    workers = 1

    def __init__(self, trainable: Trainable, metric: str, trial_timeout: float | None = None) -> None:
        self.trainable = trainable
        self._bench = StackRunner(trainable, metric, trial_timeout)
        self._queue: deque[Stack] = deque()
        self._unfinished: set[int] = set()
        self._started: dict[int, float] = {}  # trials that have begun, and when
        self._events: Iterator[Event] = iter(())  # of the stack in training

    @property
    def pending(self) -> int:
        """How many trials have not ended."""
        return len(self._unfinished)

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks of trials, to be trained in this order."""
        for stack in stacks:
            self._queue.append(stack)
            self._unfinished.update(trial.number for trial in stack)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        """Train up to the next event; returns it, or nothing between two stacks. It never waits."""
        event = next(self._events, None)
        if event is None:
            self._events = self._bench.train(self._queue.popleft()) if self._queue else iter(())
            return []
        if isinstance(event, Started):
            self._started[event.trial] = time.monotonic()
        elif isinstance(event, Done):
            self._started.pop(event.trial, None)
            self._unfinished.discard(event.trial)
        return [event]

    def discard(self, trials: Sequence[int]) -> None:
        """Let paused trials go."""
        self._bench.discard(trials)

    def stop(self, reason: str) -> list[Event]:
        """Train nothing more; returns the ends, as timed out, of the trials that have begun."""
        now = time.monotonic()
        ended: list[Event] = [
            Done(trial, "timed_out", reason, now - since, self._bench.name) for trial, since in self._started.items()
        ]
        self._queue.clear()
        self._unfinished.clear()
        self._started.clear()
        self._events = iter(())
        return ended
