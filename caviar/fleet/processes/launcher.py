"""The trainer's side: starts the processes of trials, and waits for what they send.

Where there is fork, `server.py` forks them; elsewhere, or if the function's imports start threads that a fork would
lose, each is a new interpreter.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection, wait
from typing import cast

from caviar.errors import InputError
from caviar.fleet.cluster import cloudpickle
from caviar.fleet.processes.messages import (
    Continue,
    Ended,
    Exited,
    Forked,
    Ready,
    Reported,
    Request,
    Setup,
    Stop,
    Unusable,
)
from caviar.fleet.worker.limits import thread_environment

# modules are found where the trainer finds them, this one included
_PROGRAM = """
import multiprocessing.connection, pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from caviar.fleet.processes.server import main
main(multiprocessing.connection.{kind}(int(sys.argv[1])))
"""
_FORKS = sys.platform == "linux"  # macOS has it, but its libraries do not survive it
_POLL_SECONDS = 1.0  # between two looks at a process whose connection may be held open by its own children


class TrialProcess:
    """The process of a trial, and the connection to it."""

    def __init__(self, number: int, connection: Connection, popen: "subprocess.Popen[bytes] | None" = None) -> None:
        self.number, self.connection, self._popen = number, connection, popen
        self.status: int | None = None  # once it has exited, as `Popen.returncode`

    def send(self, order: Continue | Stop) -> None:
        """Send an order, which gets lost if the process has ended."""
        with contextlib.suppress(OSError):
            self.connection.send(order)

    def poll(self) -> None:
        """Look whether a new interpreter has exited; of a forked process, its parent says so."""
        if self._popen is not None and self.status is None:
            self.status = self._popen.poll()
            if self.status is not None:
                self._kill_group()  # what it has left behind

    def kill(self) -> None:
        """Kill the process and everything that it has started."""
        if self.status is not None:
            return
        self._kill_group()
        if self._popen is not None:
            self.status = self._popen.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                subprocess.run(["taskkill", "/F", "/T", "/PID", str(self.number)], capture_output=True, check=False)
            else:
                os.killpg(self.number, signal.SIGKILL)


class Launcher:
    """Starts the processes of trials that share a setup.

    Raises:
        InputError: the function cannot be loaded here.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._server: TrialProcess | None = None
        self._running: dict[int, TrialProcess] = {}  # those that have not exited, by their number
        self._forks = _FORKS
        if self._forks:
            self._start_server()

    def start(self, request: Request) -> TrialProcess:
        """Start the process of a trial; raise ChildProcessError if the clean parent was killed: the next one is new."""
        if self._forks and self._server is None:
            self._start_server()
        if self._server is None:
            self._running = {number: process for number, process in self._running.items() if process.status is None}
            interpreter = _start_interpreter(self._setup, request)
            self._running[interpreter.number] = interpreter
            return interpreter
        ours, theirs = Pipe()
        try:
            self._server.connection.send_bytes(cloudpickle.dumps(request))
            reduction.send_handle(self._server.connection, theirs.fileno(), self._server.number)
        except OSError:
            self._lose_server()
        theirs.close()
        process = TrialProcess(self._await_fork(), ours)
        self._running[process.number] = process
        return process

    def receive(self, process: TrialProcess, timeout: float | None) -> Reported | Ended | Exited | None:
        """Return the next message of a process, or that it has exited; None after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        connections: list[Connection | int] = [process.connection]
        while True:
            if process.connection in connections and process.connection.poll():
                try:
                    return cast("Reported | Ended", process.connection.recv())
                except (EOFError, OSError):
                    connections.remove(process.connection)  # it has exited, or will soon
            if process.status is not None and not (process.connection in connections and process.connection.poll()):
                return Exited(process.number, process.status)
            remaining = _POLL_SECONDS if deadline is None else deadline - time.monotonic()
            if remaining <= 0:
                return None
            server = [self._server.connection] if self._server else []
            if not wait([*connections, *server], min(remaining, _POLL_SECONDS)):
                process.poll()
            elif self._server and self._server.connection.poll():
                self._receive_exit()
            elif not connections:
                process.poll()

    def close(self) -> None:
        """End the clean parent, and all processes with it."""
        if self._server is not None:
            self._server.connection.close()
            self._server.kill()
            self._server = None
        for process in self._running.values():
            process.kill()
        self._running = {}

    def _start_server(self) -> None:
        server = _start_interpreter(self._setup, None)
        try:
            answer: Ready | Unusable = server.connection.recv()
        except EOFError:
            answer = Unusable("its process exited while it was loaded")
        if isinstance(answer, Ready) and not answer.threads:
            self._server = server
            return
        server.connection.close()
        server.kill()
        if isinstance(answer, Unusable):
            raise InputError(answer.reason)
        self._forks = False

    def _await_fork(self) -> int:
        while self._server is not None:
            if (number := self._receive_exit()) is not None:
                return number
        raise ChildProcessError("the parent of the trials' processes was killed")

    def _receive_exit(self) -> int | None:
        """Receive a message of the clean parent: note a process that has exited, or return one that was forked."""
        assert self._server is not None
        try:
            message: Forked | Exited = self._server.connection.recv()
        except (EOFError, OSError):
            self._lose_server()
            return None
        if isinstance(message, Forked):
            return message.process
        if (process := self._running.pop(message.process, None)) is not None:
            process.status = message.status
        return None

    def _lose_server(self) -> None:
        """Kill the processes of a clean parent that was killed: nobody would see them exit."""
        assert self._server is not None
        for process in self._running.values():
            process.kill()
            process.status = -signal.SIGKILL
        self._running, self._server = {}, None


def _start_interpreter(setup: Setup, request: Request | None) -> TrialProcess:
    """Start a new interpreter that runs a trial, or that forks trials if there is no request."""
    ours, theirs = Pipe()
    kind = type(theirs).__name__
    if sys.platform == "win32":
        os.set_handle_inheritable(theirs.fileno(), True)
    popen = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(kind=kind), str(theirs.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **thread_environment(1), "PYTHONHASHSEED": "0"},  # sets of strings are in the same order
        start_new_session=True,
        close_fds=sys.platform != "win32",
        pass_fds=() if sys.platform == "win32" else (theirs.fileno(),),
    )
    theirs.close()
    assert popen.stdin
    with contextlib.suppress(OSError):  # it has died, which the next message will tell
        pickle.dump(sys.path, popen.stdin)
        popen.stdin.close()
        ours.send_bytes(cloudpickle.dumps((setup, request)))
    return TrialProcess(popen.pid, ours, popen)
