"""The process of a trial as its trainer sees it, and how a new interpreter is started as one."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path
from subprocess import DEVNULL, PIPE

from caviar.fleet.pickling import dumps
from caviar.fleet.processes.messages import KILLED, Connection, Continue, Request, Serve, Setup, Stop
from caviar.fleet.worker.limits import thread_environment

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
_OWN_FOLDER = str(Path(__file__).parents[3])  # where this Caviar is found


class TrialProcess:
    """A process that runs a trial, or forks them; `status` is that of `Popen.returncode` once it has exited."""

    def __init__(self, number: int, connection: Connection, popen: "subprocess.Popen[bytes] | None" = None) -> None:
        self.number, self.connection, self._popen = number, connection, popen
        self.status: int | None = None

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
                _close(self._popen)

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
            _close(self._popen)

    def _kill_group(self) -> None:
        """Kill all processes of its group."""
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self.number)], capture_output=True, check=False)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.number, signal.SIGKILL)


def _close(popen: "subprocess.Popen[bytes]") -> None:
    """Close the standard input of a process that has exited."""
    if popen.stdin:
        with contextlib.suppress(OSError):
            popen.stdin.close()


def _descendants(process: int) -> list[int]:
    """Return all that a process has started, and what those have started, on Linux."""
    found: list[int] = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found


def start_interpreter(module: str, threads: int = 1) -> TrialProcess:
    """Start a new interpreter that calls `main` of a module with a connection; it ends with this process.

    `threads` is how many BLAS and OpenMP start with.
    """
    ours, theirs = Pipe()
    handle = theirs.fileno()
    arguments = [sys.executable, "-c", _PROGRAM.format(module=module, kind=type(theirs).__name__)]
    arguments += [str(handle), _OWN_FOLDER]
    environment = {"PYTHONHASHSEED": "0", **os.environ}  # so that sets of strings have the same order everywhere
    environment |= thread_environment(threads)
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        popen = subprocess.Popen(
            arguments, env=environment, close_fds=False, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
        )
    else:
        popen = subprocess.Popen(
            arguments,
            env=environment,
            pass_fds=(handle,),
            start_new_session=True,
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
    theirs.close()
    assert popen.stdin
    with contextlib.suppress(OSError):  # it has died, which whoever waits for its message will see
        pickle.dump(sys.path, popen.stdin)
        popen.stdin.flush()  # it stays open, since its end tells that this process is gone
    return TrialProcess(popen.pid, ours, popen)


def start_trials(setup: Setup, task: Request | Serve) -> TrialProcess:
    """Start a new interpreter that runs a trial, or that forks trials."""
    process = start_interpreter("caviar.fleet.processes.main")  # more threads come after the fork, which loses them
    with contextlib.suppress(OSError):
        process.connection.send(setup)
        process.connection.send_bytes(dumps(task))  # a config may hold what only the driver's script defines
    return process
