"""A trainer in a process of this machine, without Ray, as its pool sees it."""

import contextlib
import threading
import time
from collections.abc import Iterable

from caviar.fleet.messages import Done, Event, Lease, Started
from caviar.fleet.pickling import dumps
from caviar.fleet.processes.interpreter import start_interpreter
from caviar.fleet.processes.messages import Discard, LeaseEnded, TrainerReady, Unusable
from caviar.fleet.processes.python import own_options


class TrainerProcess:
    """A process that trains leases in order.

    `name` is host:process once it is ready, `leases` how many it has, `running` the start times of its trials.

    Args:
        setup: a `TrainerSetup`, pickled.
        threads: how many BLAS and OpenMP start with.

    Raises:
        ClusterError: it cannot be started.
    """

    def __init__(self, setup: bytes, threads: int) -> None:
        self.name, self.leases = "", 0
        self.running: dict[int, float] = {}
        self._problem = ""  # with what it should train
        self._process = start_interpreter("caviar.fleet.processes.trainer", threads, own_options())
        self.connection = self._process.connection
        self._set_up = threading.Thread(target=self._send, args=(setup,), daemon=True)  # it does not listen yet
        self._set_up.start()

    def _send(self, setup: bytes) -> None:
        with contextlib.suppress(OSError):  # it has died, which its pool will see
            self.connection.send_bytes(setup)

    def train(self, lease: Lease) -> None:
        """Queue a lease; raise OSError if the process has died."""
        self.leases += 1
        self._set_up.join()
        self.connection.send_bytes(dumps(lease))  # a config may hold what the driver's script defines

    def discard(self, trials: Iterable[int]) -> None:
        """Drop paused trials; raise OSError if the process has died."""
        self._set_up.join()
        self.connection.send_bytes(dumps(Discard(tuple(trials))))

    def receive(self) -> list[Event | LeaseEnded]:
        """Return what has arrived, in order; raise EOFError or OSError if the process has died and nothing is left."""
        arrived: list[Event | LeaseEnded] = []
        try:
            while self.connection.poll():
                message = self.connection.recv()
                if isinstance(message, TrainerReady):
                    self.name = message.name
                elif isinstance(message, Unusable):
                    self._problem = message.reason
                else:
                    arrived.append(message)
                    self._note(message)
        except (EOFError, OSError):
            if not arrived:
                raise
        return arrived

    def _note(self, message: Event | LeaseEnded) -> None:
        match message:
            case LeaseEnded():
                self.leases -= 1
            case Started(trial):
                self.running[trial] = time.monotonic()
            case Done(trial):
                self.running.pop(trial, None)

    def failure(self) -> str:
        """Return why it has died as it started."""
        with contextlib.suppress(EOFError, OSError):
            self.receive()
        return self._problem or self._process.failure()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._set_up.join(1.0)  # it must not write to what is closed
        self.connection.close()
