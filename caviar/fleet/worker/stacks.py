"""The bench: where one process trains stacks, and where paused ones stay, with all that their training holds."""

import os
import socket
from collections.abc import Iterable, Iterator

from caviar.fleet.messages import Event, Stack
from caviar.fleet.worker.execution import StackRun
from caviar.fleet.worker.trainables import Trainable


class StackRunner:
    """The stacks of one process; a paused one stays until it goes on or is forgotten.

    Args:
        trainable: what to train.
        metric: the name of the metric that every report is to have.
        trial_timeout: the seconds after which a trial is ended between two reports; None: no limit.

    `running` is the stack that was trained last, or is.
    """

    def __init__(self, trainable: Trainable, metric: str, trial_timeout: float | None = None) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._trainable, self._metric, self._trial_timeout = trainable, metric, trial_timeout
        self.running: StackRun | None = None
        self._paused: dict[int, StackRun] = {}  # by trial number

    def train(self, stack: Stack) -> Iterator[Event]:
        """The events of one stack: paused trials go on, the others begin."""
        until = stack[0].until
        numbers = {trial.number for trial in stack}
        runs = list({id(run): run for number in numbers if (run := self._paused.get(number))}.values())
        fresh = tuple(trial for trial in stack if trial.number not in self._paused)
        for run in runs:
            self.discard([number for number in run.open if number not in numbers])
        if fresh:
            runs.append(StackRun(fresh, self._trainable, self._metric, self._trial_timeout, self.name))
        for run in runs:
            for number in run.open:
                self._paused.pop(number, None)
            self.running = run
            yield from run.train(until)
            self._paused.update(dict.fromkeys(run.open, run))

    def discard(self, numbers: Iterable[int]) -> None:
        """Let paused trials go; a number that is not here is no mistake."""
        for number in numbers:
            if (running := self._paused.pop(number, None)) is not None:
                running.let_go(number)
