"""Runs the trials of a user's function, each in a process of its own."""

import contextlib
import math
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from caviar._temporary import temporary_folder, writing_temporary
from caviar.fleet.messages import Stack
from caviar.fleet.pickling import dumps
from caviar.fleet.placement import Placement
from caviar.fleet.processes.folders import TrialFolders
from caviar.fleet.processes.launcher import Launcher
from caviar.fleet.processes.messages import (
    FUNCTION,
    KILLED,
    Continue,
    Ended,
    Exited,
    Reported,
    Request,
    Setup,
    Stop,
    Unusable,
)
from caviar.fleet.processes.python import own_options
from caviar.fleet.worker.calls import Function
from caviar.fleet.worker.output import OutputFile
from caviar.fleet.worker.trainables import Killed, TimeLimit, TrialError
from caviar.records.trial import Metrics
from caviar.records.trial_files import StudyFiles

_STOP_SECONDS = 3.0  # that a trial may clean up for after it was told to stop
_OUTPUT_SECONDS = 1.0  # between two looks at the size of its output
_EXIT_SECONDS = 60.0  # that its process may take to exit after its function has returned


@dataclass(frozen=True)
class IsolatedFunction:
    """A trainable: a user's function whose every trial runs in a process of its own.

    Args:
        pickled: the function.
        metric: that each report must contain.
        threads: of BLAS, OpenMP and PyTorch, for a trial.
        memory: bytes that a trial may allocate; None: most of the machine.
        files: where the study keeps those of its trials; None: nowhere.
        options: of Python, such as -O.
    """

    pickled: bytes = field(repr=False)
    metric: str
    threads: int = 1
    memory: float | None = None
    files: StudyFiles | None = None
    options: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, function: Function, metric: str, placement: Placement, files: StudyFiles | None = None
    ) -> "IsolatedFunction":
        """Pickle a function whose trials get the CPUs and the memory of a trainer, and this Python's options."""
        memory = placement.resources.get("memory")
        return cls(dumps(function), metric, placement.threads, memory, files, own_options())

    def load(self) -> "Processes":
        return Processes(self)


class Processes:
    """Starts the processes of trials.

    Raises:
        InputError: the function cannot be loaded on this machine.
        ClusterError: no process can be started.
        StorageError: there is no temporary folder, or no space in it.
    """

    def __init__(self, function: IsolatedFunction) -> None:
        with contextlib.ExitStack() as stack:
            self._scratch = stack.enter_context(temporary_folder())
            with writing_temporary():
                (self._scratch / FUNCTION).write_bytes(function.pickled)
            self._launcher = Launcher(
                Setup(str(self._scratch), function.metric, function.threads, function.memory, function.options)
            )
            self._resources = stack.pop_all()
        self._folders = TrialFolders(function.files, self._scratch)

    def start(self, stack: Stack) -> "ProcessRun":
        (trial,) = stack
        output = OutputFile(self._scratch / f"{trial.number}.txt")
        folder, problem = self._folders.prepare(trial.number)
        for sentence in filter(None, (self._launcher.notice, problem)):
            output.append(f"caviar: {sentence}\n")
        request = Request(trial, str(output.path), str(folder), self._folders.copied)
        return ProcessRun(self._launcher, request, output, self._folders)

    def close(self) -> None:
        """Kill all processes, and remove what was sent or copied."""
        self._launcher.close()
        self._resources.close()


class ProcessRun:
    """The process of a trial, as a stack of one."""

    def __init__(self, launcher: Launcher, request: Request, output: OutputFile, folders: TrialFolders) -> None:
        self.alive = [True]
        self.output: OutputFile | None = output
        self.seconds: float | None = None
        self.continued_from: int | None = None
        self._launcher, self._folders, self._number = launcher, folders, request.trial.number
        self._until = request.trial.until
        try:
            self._process = launcher.start(request)
        except ChildProcessError:
            raise Killed from None

    def epoch(self, until: int | None = None, seconds: float | None = None) -> Sequence[Metrics | None]:
        if not self.alive[0]:
            return []
        if until != self._until:
            self._until = until
            self._process.send(Continue(until))
        match self._receive(seconds):
            case None:
                self._process.kill()
                self._end()
                raise TimeLimit
            case Reported(own_seconds, metrics, restored, waits):
                self.seconds = own_seconds
                if waits:
                    self._note(self._folders.copy(self._number))
                    self._process.send(Continue(self._until))
                if restored:
                    self.continued_from = (self.continued_from or 0) + 1
                return [metrics]
            case Ended(own_seconds, error):
                self.seconds = own_seconds
                self._await_exit(_EXIT_SECONDS)
                self._end()
                if error:
                    raise TrialError(error)
            case Exited(_, status):
                if self.output and self._process.printed:  # before its output went there
                    self.output.append(f"{self._process.printed}\n")
                self._end()
                raise Killed if status == KILLED else TrialError(_describe(status))
            case Unusable(reason):
                self._end()
                raise TrialError(f"the function cannot be loaded: {reason}")
        return []

    def _receive(self, seconds: float | None) -> Reported | Ended | Exited | Unusable | None:
        """Return the next message; meanwhile, keep the file of the output short."""
        deadline = math.inf if seconds is None else time.monotonic() + seconds
        while True:
            remaining = deadline - time.monotonic()
            message = self._launcher.receive(self._process, min(remaining, _OUTPUT_SECONDS))
            if message is not None or remaining <= _OUTPUT_SECONDS:
                return message
            if self.output:
                self.output.cut()

    def stop(self, member: int) -> None:
        if self.alive[member]:
            self._process.send(Stop())
            self._await_exit(_STOP_SECONDS)
            self._end()

    def _end(self) -> None:
        self.alive[0] = False
        self._note(self._folders.release(self._number))

    def _note(self, problem: str) -> None:
        """Add a sentence to the trial's output, if there is one to say."""
        if problem and self.output:
            self.output.append(f"caviar: {problem}\n")

    def _await_exit(self, seconds: float) -> None:
        """Wait until the process has exited, or kill it; what it still sends does not count."""
        deadline = time.monotonic() + seconds
        while not isinstance(message := self._launcher.receive(self._process, deadline - time.monotonic()), Exited):
            if message is None:
                self._process.kill()
                return


def _describe(status: int) -> str:
    """Return how a process ended that did not end by its function's return."""
    if status >= 0:
        return f"its process exited with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "an unknown signal"
    return f"its process was ended by signal {-status} ({name})"
