"""The clean parent of a trainer's trials: it loads the user's function once, and forks a process for every trial.

It is a new interpreter without Ray's threads, because a process that forks while other threads run may leave its child
with locks that nobody releases. Where there is no fork, a new interpreter runs each trial.
"""

import contextlib
import gc
import os
import signal
import traceback
from collections.abc import Iterator
from multiprocessing import reduction
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy.random  # noqa: F401 - so that no trial has to import it

from caviar.fleet.pickling import loads
from caviar.fleet.processes.child import Function, prepare, run_trial
from caviar.fleet.processes.messages import Exited, Forked, Ready, Request, Setup, Unusable
from caviar.fleet.worker.calls import taking_seed

_HARMLESS_THREADS = {"jemalloc_bg_thd"}  # of libraries that can be forked


def main(connection: Connection) -> None:
    """Load the function, then fork trials as they are requested; or run a single trial that came with the setup."""
    setup, request = loads(connection.recv_bytes())
    if request is None and os.fork():
        os._exit(0)  # Ray kills the children of a trainer that exits, and nobody would end the trials of this parent
    try:
        function = taking_seed(loads(setup.function))
    except BaseException as error:
        traceback.print_exc()
        connection.send(Unusable(f"{type(error).__name__}: {error}"))
        return
    prepare(setup)
    if request is not None:
        run_trial(function, setup, request, connection)
    connection.send(Ready(_threads()))
    gc.collect()
    gc.freeze()  # so that a child's collector does not copy the pages of what was loaded here
    _serve(function, setup, connection)


def _serve(function: Function, setup: Setup, connection: Connection) -> None:
    """Fork a process for each request, and report those that exit, until the trainer closes the connection."""
    processes: set[int] = set()
    with _child_signals() as signals:
        while True:
            ready = wait([connection, signals])
            if signals in ready:
                os.read(signals, 1024)
                for exited in _reap(processes):
                    connection.send(exited)
            if connection in ready:
                try:
                    request = loads(connection.recv_bytes())  # an option of a choice may need cloudpickle
                except EOFError:
                    break
                process = _fork(function, setup, request, connection, signals)
                processes.add(process)
                connection.send(Forked(process))
    for process in processes:
        _kill_group(process)


def _fork(function: Function, setup: Setup, request: Request, connection: Connection, signals: int) -> int:
    """Fork the process of a trial, in a process group of its own, and return its number."""
    trial_connection = Connection(reduction.recv_handle(connection))
    process = os.fork()
    if process == 0:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(signals)
        connection.close()
        run_trial(function, setup, request, trial_connection)
    trial_connection.close()
    return process


def _reap(processes: set[int]) -> Iterator[Exited]:
    """Collect the processes that have exited, after killing what each has left behind in its group."""
    while processes:
        exited = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if exited is None:
            return
        if exited.si_pid in processes:
            processes.remove(exited.si_pid)
            _kill_group(exited.si_pid)  # while the number cannot be another's
        _, status = os.waitpid(exited.si_pid, 0)
        yield Exited(exited.si_pid, os.waitstatus_to_exitcode(status))


def _kill_group(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


@contextlib.contextmanager
def _child_signals() -> Iterator[int]:
    """Yield a descriptor that becomes readable when a child exits."""
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    yield reader


def _threads() -> tuple[str, ...]:
    """Return the names of this process's other threads that a fork would lose; Linux only."""
    names: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            if thread.name != str(os.getpid()):
                names.add((thread / "comm").read_text(encoding="utf-8").strip())
    return tuple(sorted(names - _HARMLESS_THREADS))
