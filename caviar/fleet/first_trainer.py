"""A trainer in a process of this machine, as the driver sees it: it trains while Ray starts."""

import pickle
import time
from collections.abc import Iterable

from caviar.fleet.messages import Done, Event, Stack, Started
from caviar.fleet.placement import Placement
from caviar.fleet.processes.interpreter import start_interpreter
from caviar.fleet.worker.networks import NetworkTrainable


class FirstTrainer:
    """A process that trains one stack at a time; `running` has the start times of its trials."""

    def __init__(self, trainable: NetworkTrainable, metric: str, placement: Placement) -> None:
        self.running: dict[int, float] = {}
        self.is_idle = False
        self.name = ""
        self._process = start_interpreter("caviar.fleet.processes.first_trainer", placement.threads)
        task = trainable, metric, placement.trial_timeout, placement.threads
        self._process.connection.send_bytes(pickle.dumps(task))

    def train(self, stack: Stack) -> None:
        """Begin a stack; it must be idle."""
        self.is_idle = False
        self._process.connection.send(stack)

    def poll(self, timeout: float) -> list[Event]:
        """Wait up to `timeout` seconds and return the new events; raise EOFError if the process has died."""
        events: list[Event] = []
        while self._process.connection.poll(0.0 if events else timeout):
            try:
                message = self._process.connection.recv()
            except (EOFError, OSError):
                if events:
                    break  # the next poll says so
                raise
            if isinstance(message, str):
                self.name, self.is_idle = message, True
            elif message is None:
                self.is_idle = True
            else:
                events.append(message)
            if self.is_idle:
                break
        now = time.monotonic()
        for event in events:
            if isinstance(event, Started):
                self.running[event.trial] = now
            elif isinstance(event, Done):
                self.running.pop(event.trial, None)
        return events

    def discard(self, trials: Iterable[int]) -> None:
        """Drop paused trials."""
        self._process.connection.send(list(trials))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.connection.close()
