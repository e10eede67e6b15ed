"""The clean parent of a trainer's trials, as the trainer sees it; `forking.py` is what runs in it."""

import sys
from multiprocessing import Pipe, reduction

from caviar.errors import InputError
from caviar.fleet.pickling import dumps
from caviar.fleet.processes.interpreter import TrialProcess, start_trials
from caviar.fleet.processes.messages import (
    KILLED,
    Connection,
    Exited,
    Forked,
    Ready,
    Refused,
    Request,
    Serve,
    Setup,
    Unusable,
)
from caviar.fleet.processes.python import start_error


class ThreadsStarted(Exception):
    """The imports of the function have started threads, so its process must not fork."""


class ForkServer:
    """A process that has loaded the function of a setup, and forks trials.

    Raises:
        InputError: the function cannot be loaded here.
        ThreadsStarted: it has started threads.
    """

    def __init__(self, setup: Setup) -> None:
        self._process = start_trials(setup, Serve())
        self._trials: dict[int, TrialProcess] = {}  # those that have not exited, by process number
        self.lost = False  # whether it was killed
        try:
            answer: Ready | Unusable = self.connection.recv()
        except (EOFError, OSError):
            answer = Unusable(self._process.failure())
        if isinstance(answer, Unusable) or answer.threads:
            self.close()
        if isinstance(answer, Unusable):
            raise InputError(f"the function cannot be loaded: {answer.reason}")
        if answer.threads:
            raise ThreadsStarted(", ".join(answer.threads))

    @property
    def connection(self) -> Connection:
        """Where it sends what it has forked, and what has exited."""
        return self._process.connection

    def start(self, request: Request) -> TrialProcess:
        """Fork the process of a trial; raise ChildProcessError if the parent was killed, ClusterError if it cannot."""
        assert sys.platform != "win32"
        ours, theirs = Pipe()
        try:
            self.connection.send_bytes(dumps(request))
            reduction.send_handle(self.connection, theirs.fileno(), self._process.number)
        except OSError:
            self._lose()
        theirs.close()
        while not self.lost:
            message = self.receive()
            if isinstance(message, Refused):
                ours.close()
                raise start_error(message.reason)
            if isinstance(message, Forked):
                process = self._trials[message.process] = TrialProcess(message.process, ours)
                return process
        raise ChildProcessError("the parent of the trials' processes was killed")

    def receive(self) -> Forked | Refused | Exited | None:
        """Receive a message, and note it if a process has exited."""
        try:
            message: Forked | Refused | Exited = self.connection.recv()
        except (EOFError, OSError):
            self._lose()
            return None
        if isinstance(message, Exited) and (process := self._trials.pop(message.process, None)) is not None:
            process.status = message.status
        return message

    def close(self) -> None:
        """End it and all that it has forked."""
        self._process.kill()  # first, since it removes the trainer's temporary folder when the connection ends
        self.connection.close()
        for process in self._trials.values():
            process.kill()

    def _lose(self) -> None:
        """Kill what it has forked, because nobody would see that exit."""
        self.close()
        for process in self._trials.values():
            process.status = KILLED
        self.lost = True
