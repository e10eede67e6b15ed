"""Trains stacks in one process, and keeps paused ones with all their training state."""

import os
import socket
from collections.abc import Iterable, Iterator

from caviar.fleet.messages import Done, Event, Stack
from caviar.fleet.worker.execution import StackRun
from caviar.fleet.worker.trainables import Trainable
from caviar.records.trial import State


class StackRunner:
    """The stacks of one process, whose `name` is host:process.

    Each report must contain the metric. A trial that exceeds `trial_timeout` seconds is ended between two reports.

    >>> from caviar.fleet.worker.trainables import FunctionTrainable
    >>> from caviar.records.trial import Trial
    >>> runner = StackRunner(FunctionTrainable(lambda config: {"loss": config["x"]}), "loss")
    >>> [type(event).__name__ for event in runner.train((Trial(0, 1, {"x": 0.5}, seed=7),))]
    ['Started', 'Report', 'Done']
    """

    def __init__(self, trainable: Trainable, metric: str, trial_timeout: float | None = None) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._trainable, self._metric, self._trial_timeout = trainable.load(), metric, trial_timeout
        self._running: StackRun | None = None  # in training, or trained last
        self._paused: dict[int, StackRun] = {}  # by trial number

    def train(self, stack: Stack) -> Iterator[Event]:
        """Train one stack, starting new trials and continuing paused ones; yield its events."""
        until = stack[0].until
        numbers = {trial.number for trial in stack}
        runs = list({id(run): run for number in numbers if (run := self._paused.get(number))}.values())
        new = tuple(trial for trial in stack if trial.number not in self._paused)
        for run in runs:
            self.discard([number for number in run.unfinished if number not in numbers])
        if new:
            runs.append(StackRun(new, self._trainable, self._metric, self._trial_timeout, self.name))
        for run in runs:
            for number in run.unfinished:
                self._paused.pop(number, None)
            self._running = run
            for event in run.train(until):
                if isinstance(event, Done) and event.state is State.PAUSED:
                    self._paused[event.trial] = run  # before the driver knows, which may discard it at once
                yield event

    def holds(self, number: int) -> bool:
        """Return whether a trial is paused here."""
        return number in self._paused

    def printed(self) -> list[Event]:
        """Return what the stack in training has printed, about once per second; called from another thread."""
        return self._running.printed() if self._running else []

    def discard(self, numbers: Iterable[int]) -> None:
        """Drop paused trials; unknown numbers are ignored."""
        for number in numbers:
            if (run := self._paused.pop(number, None)) is not None:
                run.discard(number)

    def close(self) -> None:
        """End what still runs."""
        self._trainable.close()
