"""The clean parent of a trainer's trials: it has loaded the user's function, and forks a process for every trial.

It is an interpreter without Ray's threads: a process that forks while other threads run may leave its child with locks
that nobody releases.
"""

import contextlib
import gc
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from multiprocessing import reduction
from multiprocessing.connection import wait
from pathlib import Path

from caviar.fleet.pickling import loads
from caviar.fleet.processes.child import Function, run_trial, send
from caviar.fleet.processes.messages import Connection, Ended, Exited, Forked, Ready, Refused, Request, Setup
from caviar.fleet.worker.errors import describe

assert sys.platform == "linux"  # other systems lack some of the calls
_HARMLESS_THREADS = {"jemalloc_bg_thd"}  # of libraries that can be forked


def serve(function: Function, setup: Setup, connection: Connection) -> None:
    """Fork a process for each request, and report those that exit, until the trainer closes the connection or dies."""
    connection.send(Ready(_threads()))
    gc.collect()
    gc.freeze()  # so that a child's collector does not copy the pages of what was loaded here
    processes: set[int] = set()
    signals = _child_signals()
    while True:
        ready = wait([connection, signals])
        if signals in ready:
            os.read(signals, 1024)
            for exited in _reap(processes):
                connection.send(exited)
        if connection in ready:
            try:
                request = connection.recv_bytes()
            except EOFError:
                break
            try:
                process = _fork(function, setup, request, connection, signals)
            except OSError as error:  # of `ulimit -u`, for example
                connection.send(Refused(error.strerror or str(error)))
                continue
            processes.add(process)
            connection.send(Forked(process))
    for process in processes:
        kill_group(process)
    shutil.rmtree(setup.folder, ignore_errors=True)  # the trainer's, which is gone


def kill_group(process: int) -> None:
    """Kill a process and everything in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _fork(function: Function, setup: Setup, request: bytes, connection: Connection, signals: int) -> int:
    """Fork the process of a trial, in a process group of its own, and return its number."""
    with Connection(reduction.recv_handle(connection)) as trial_connection:
        process = os.fork()
        if process == 0:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(signals)
            connection.close()
            _run(function, setup, request, trial_connection)
    return process


def _run(function: Function, setup: Setup, request: bytes, connection: Connection) -> None:
    """Run a trial in this process; what its config holds may raise as it is unpickled."""
    try:
        loaded: Request = loads(request)
    except BaseException as error:
        send(connection, Ended(0.0, f"its config cannot be unpickled: {describe(error)}"))
        os._exit(1)
    run_trial(function, setup, loaded, connection)


def _reap(processes: set[int]) -> Iterator[Exited]:
    """Collect the processes that have exited, after killing what each has left behind in its group."""
    while processes:
        exited = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if exited is None:
            return
        if exited.si_pid in processes:
            processes.remove(exited.si_pid)
            kill_group(exited.si_pid)  # while the number cannot be another's
        _, status = os.waitpid(exited.si_pid, 0)
        yield Exited(exited.si_pid, os.waitstatus_to_exitcode(status))


def _child_signals() -> int:
    """Return a descriptor that becomes readable when a child exits."""
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _threads() -> tuple[str, ...]:
    """Return the names of this process's other threads, which a forked process would lack."""
    names: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            if thread.name != str(os.getpid()):
                names.add((thread / "comm").read_text(encoding="utf-8").strip())
    return tuple(sorted(names - _HARMLESS_THREADS))
