"""Starts the processes of trials, and waits for what they send.

On Linux, a clean parent forks them. Elsewhere, or if the imports of the function start threads, which a fork loses,
each is a new interpreter. (macOS can fork, but some of its own libraries do not survive it.)
"""

import sys
import time
from multiprocessing.connection import wait
from typing import cast

from caviar.fleet.processes.fork_server import ForkServer, ThreadsStarted
from caviar.fleet.processes.interpreter import TrialProcess, start_trials
from caviar.fleet.processes.messages import Connection, Ended, Exited, Reported, Request, Setup, Unusable

_POLL_SECONDS = 1.0  # between two looks at a process whose connection may be held open by its own children


class Launcher:
    """Starts the processes of trials that share a setup; `notice` is what their user should know, or an empty string.

    Raises:
        InputError: the function cannot be loaded here.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.notice = ""
        self._interpreters: list[TrialProcess] = []  # that run trials
        self._forks = sys.platform == "linux"
        self._server = self._start_server()

    def start(self, request: Request) -> TrialProcess:
        """Start the process of a trial; raise ChildProcessError if their clean parent is killed meanwhile."""
        if self._forks and (self._server is None or self._server.lost):
            self._server = self._start_server()
        if self._server is not None:
            return self._server.start(request)
        process = start_trials(self._setup, request)
        self._interpreters = [other for other in self._interpreters if other.status is None] + [process]
        return process

    def receive(self, process: TrialProcess, timeout: float) -> Reported | Ended | Exited | Unusable | None:
        """Return the next message of a process, or that it has exited; None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        is_open = True
        while True:
            if is_open and process.connection.poll():
                try:
                    return cast("Reported | Ended | Unusable", process.connection.recv())
                except (EOFError, OSError):
                    is_open = False  # it has exited, or will soon
            if process.status is not None and not (is_open and process.connection.poll()):
                return Exited(process.number, process.status)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            self._wait([process.connection] if is_open else [], min(remaining, _POLL_SECONDS))
            process.poll()

    def close(self) -> None:
        """End all processes."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for process in self._interpreters:
            process.kill()

    def _start_server(self) -> ForkServer | None:
        """Start a clean parent; None if new interpreters run the trials instead."""
        if not self._forks:
            return None
        try:
            return ForkServer(self._setup)
        except ThreadsStarted as threads:
            self.notice = f"importing the function starts threads ({threads}), so each trial starts a new interpreter"
            self._forks = False
            return None

    def _wait(self, connections: list[Connection], seconds: float) -> None:
        """Wait until a connection or the clean parent has something to say."""
        server = [] if self._server is None or self._server.lost else [self._server.connection]
        if connections or server:
            wait([*connections, *server], seconds)
        else:
            time.sleep(min(seconds, 0.01))
        if self._server is not None and server and self._server.connection.poll():
            self._server.receive()
