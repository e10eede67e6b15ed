"""The process of a trial as its trainer sees it, and how a new interpreter is started as one."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import Pipe
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO

from caviar._streams import open_standard_streams
from caviar.fleet.pickling import dumps
from caviar.fleet.processes import python
from caviar.fleet.processes.messages import KILLED, Connection, Continue, Request, Serve, Setup, Stop

# modules are found where the trainer finds them, but Caviar's imports do not take a user's random.py for Python's
_PROGRAM = """
import sys
sys.path[:] = own = [*filter(None, sys.path), sys.argv[2]]
import multiprocessing.connection, pickle
path = pickle.load(sys.stdin.buffer)
sys.path[:] = sorted(path, key=lambda folder: folder not in own)
from caviar.fleet.pickling import cloudpickle
from {module} import main
cloudpickle()
sys.path[:] = path
main(multiprocessing.connection.{kind}(int(sys.argv[1])))
"""
_EXIT_SECONDS = 5.0  # from the end of a connection to that of its process
_PRINTED_BYTES = 4096
_OWN_FOLDER = str(Path(__file__).parents[3])  # where this Caviar is found


class TrialProcess:
    """A process that runs a trial, or forks them; `status` is that of `Popen.returncode` once it has exited.

    `printed` is then the end of what a new interpreter has printed to standard error as it started.
    """

    def __init__(
        self,
        number: int,
        connection: Connection,
        popen: "subprocess.Popen[bytes] | None" = None,
        errors: IO[bytes] | None = None,
    ) -> None:
        self.number, self.connection, self._popen, self._errors = number, connection, popen, errors
        self.status: int | None = None
        self.printed = ""

    def send(self, order: Continue | Stop) -> None:
        """Send an order, which gets lost if the process has ended."""
        with contextlib.suppress(OSError):
            self.connection.send(order)

    def poll(self) -> None:
        """Look whether it has exited; a forked one's parent says so."""
        if self._popen is not None and self.status is None:
            self.status = self._popen.poll()
            if self.status is not None:
                self._kill_group()  # what it has left behind
                self._close()

    def kill(self) -> None:
        """Kill it and everything that it has started."""
        if self.status is not None:
            return
        sessions = _descendants(self.number)  # some may have left its group
        self._kill_group()
        for process in sessions:
            with contextlib.suppress(OSError):
                os.kill(process, -KILLED)
        if self._popen is not None:
            self.status = self._popen.wait()
            self._close()

    def failure(self) -> str:
        """Return how a new interpreter has ended that has closed its connection, with what it has printed."""
        if self._popen is not None and self.status is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(_EXIT_SECONDS)
            self.poll()
        return python.ending(self.status, self.printed)

    def _kill_group(self) -> None:
        """Kill all processes of its group."""
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self.number)], capture_output=True, check=False)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.number, signal.SIGKILL)

    def _close(self) -> None:
        """Close the files of a process that has exited, and keep what it has printed."""
        if self._popen is not None and self._popen.stdin:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()
        if self._errors is not None:
            with self._errors as errors:
                errors.seek(max(0, errors.seek(0, os.SEEK_END) - _PRINTED_BYTES))
                self.printed = errors.read().decode(errors="backslashreplace").strip()


def _descendants(process: int) -> list[int]:
    """Return all that a process has started, and what those have started, on Linux."""
    found: list[int] = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found


def start_interpreter(module: str, threads: int = 1, options: Sequence[str] = ()) -> TrialProcess:
    """Start a new interpreter that calls `main` of a module with a connection; it ends with this process.

    Args:
        module: of Caviar.
        threads: how many BLAS and OpenMP start with.
        options: of the interpreter, as `own_options` returns them.

    Raises:
        ClusterError: it cannot be started.
    """
    command, environment = python.command(options), python.environment(options, threads)
    open_standard_streams()  # else the pipe would get the number of one, which the new interpreter replaces
    errors = _temporary_file()
    try:
        ours, theirs = Pipe()
        with theirs:
            program = _PROGRAM.format(module=module, kind=type(theirs).__name__)
            popen = _start([*command, "-c", program], environment, theirs.fileno(), errors)
    except OSError as error:
        errors.close()
        raise python.start_error(error.strerror or str(error)) from None
    assert popen.stdin
    with contextlib.suppress(OSError):  # it has died, which whoever waits for its message will see
        pickle.dump(sys.path, popen.stdin)
        popen.stdin.flush()  # it stays open, since its end tells that this process is gone
    return TrialProcess(popen.pid, ours, popen, errors)


def _start(
    command: list[str], environment: dict[str, str], handle: int, errors: IO[bytes]
) -> "subprocess.Popen[bytes]":
    """Start a Python that inherits a handle, which it is told, and prints its errors into a file."""
    command += [str(handle), _OWN_FOLDER]
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        return subprocess.Popen(command, env=environment, close_fds=False, stdin=PIPE, stdout=DEVNULL, stderr=errors)
    return subprocess.Popen(
        command,
        env=environment,
        pass_fds=(handle,),
        start_new_session=True,
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=errors,
    )


def _temporary_file() -> IO[bytes]:
    """Return a file without a name; where there is no place for one, one that keeps nothing."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")


def start_trials(setup: Setup, task: Request | Serve) -> TrialProcess:
    """Start a new interpreter that runs a trial, or that forks trials."""
    # more threads come after the fork, which loses them
    process = start_interpreter("caviar.fleet.processes.main", options=setup.options)
    with contextlib.suppress(OSError):
        process.connection.send(setup)
        process.connection.send_bytes(dumps(task))  # a config may hold what only the driver's script defines
    return process
