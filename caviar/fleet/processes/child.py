"""What runs in the process of a trial: the user's function, with its output, its limits and its reports."""

import atexit
import contextlib
import faulthandler
import io
import math
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from caviar.fleet.processes.messages import Connection, Continue, Ended, Reported, Request, Setup
from caviar.fleet.worker import checkpoints
from caviar.fleet.worker.errors import describe, own_traceback
from caviar.fleet.worker.generators import seed_generators
from caviar.fleet.worker.limits import limit_memory, set_threads
from caviar.fleet.worker.reporting import RunningTrial, Stop, as_trial
from caviar.fleet.worker.reports import Reports
from caviar.records.trial import Config, CurvePoint, Trial

Function = Callable[[Config, int], object]


def prepare(setup: Setup) -> None:
    """Set what all trials share, in this process or before it forks: streams, warnings, signals, crashes, memory."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    if not sys.warnoptions:  # of -W
        warnings.simplefilter("default")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the trainer's process does
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.enable()  # a crash in C shows where
    limit_memory(setup.memory)


def run_trial(function: Function, setup: Setup, request: Request, connection: Connection) -> None:
    """Run a trial in the main thread of this process, and exit."""
    trial, folder = request.trial, Path(request.folder)
    sender = _Sender(connection, setup.metric, request)
    error = ""
    try:
        _redirect_output(request.output)
        if setup.threads > 1:
            set_threads(setup.threads)
        seed_generators(trial.seed)
        with as_trial(RunningTrial(trial.number, trial.seed, folder), sender):
            _run(function, trial, sender)
    except Stop:
        pass
    except BaseException as raised:
        if isinstance(raised, SystemExit) and not raised.code and sender.count:
            return _finish(connection, sender, "")  # as a script ends
        error = describe(raised)
        _flush()
        _print_traceback(raised, request.output)
    _finish(connection, sender, error)


def _finish(connection: Connection, sender: "_Sender", error: str) -> None:
    """Tell the trainer how the trial has ended, and exit."""
    _flush()  # before its trainer reads the output
    with contextlib.suppress(OSError):  # its trainer is gone
        send(connection, Ended(sender.seconds, error))
    _exit()


def _run(function: Function, trial: Trial, sender: "_Sender") -> None:
    """Call the function, and send what it yields or returns."""
    sender.replay()
    with contextlib.closing(sender.reports.of(function(trial.config, trial.seed))) as reports:
        for report in reports:
            sender(report, None)


class _Sender:
    """Sends the reports of a trial to its trainer, and blocks while the trial is paused."""

    def __init__(self, connection: Connection, metric: str, request: Request) -> None:
        trial = request.trial
        self._connection, self._folder, self._copied = connection, Path(request.folder), request.copied
        self._metric, self.reports = metric, Reports(metric, trial.config)
        self._until = math.inf if trial.until is None else trial.until
        self._curve: list[CurvePoint] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._start = time.perf_counter()  # later by the time that it was paused

    @property
    def seconds(self) -> float:
        """The trial's own time so far."""
        return time.perf_counter() - self._start

    @property
    def count(self) -> int:
        """How many reports it has made."""
        return len(self._curve)

    def __call__(self, metrics: object, checkpoint: Path | None) -> int:
        with self._lock:
            if self._stopped:
                raise Stop
            point = CurvePoint(self.count + 1, self.seconds, self.reports.checked(metrics))
            self._curve.append(point)
            if checkpoint is not None:
                checkpoints.save(self._folder, checkpoint, self._curve)
            self._send(point, waits=checkpoint is not None and self._copied)
            return self.count

    def replay(self) -> None:
        """Send what the trial had reported at its checkpoint, if it has one."""
        last = checkpoints.begin(self._folder)
        for point in last.curve if last else ():
            self._curve.append(point)
            self.reports.count += 1
            self._send(point, restored=True)
        if last:
            self._start -= last.curve[-1].seconds

    def _send(self, point: CurvePoint, *, restored: bool = False, waits: bool = False) -> None:
        """Send a report; then wait while the trial is paused, and raise Stop if it should end."""
        send(self._connection, Reported(point.seconds, point.metrics, restored, waits))
        pause = time.perf_counter()
        while (
            waits
            or self.count >= self._until
            or not math.isfinite(point.metrics[self._metric])
            or self._connection.poll()
        ):
            order, waits = self._connection.recv(), False
            if not isinstance(order, Continue):
                self._stopped = True
                raise Stop
            self._until = math.inf if order.until is None else order.until
        self._start += time.perf_counter() - pause


def send(connection: Connection, message: Reported | Ended) -> None:
    """Send a message without what `Connection.send` does for other kinds of objects, a tenth of a trial's cost."""
    connection.send_bytes(pickle.dumps(message))


def _redirect_output(path: str) -> None:
    """Let everything that this process and its children print go to a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    os.close(file)


def _print_traceback(error: BaseException, path: str) -> None:
    """Append the traceback to the output, whatever has become of stderr."""
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as output:
        output.write(own_traceback(error))


def _exit() -> None:
    """End this process as the end of a script does, but at once: nobody needs its memory in order."""
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    _flush()
    os._exit(0)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
