"""Runs the trials of a user's function, each in a process of its own."""

import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from caviar.fleet.cluster import cloudpickle
from caviar.fleet.messages import Stack
from caviar.fleet.placement import Placement
from caviar.fleet.processes.launcher import Launcher
from caviar.fleet.processes.messages import Continue, Ended, Exited, Reported, Request, Setup, Stop
from caviar.fleet.worker.calls import Function
from caviar.fleet.worker.output import OutputFile
from caviar.fleet.worker.trainables import Killed, TimeLimit, TrialError
from caviar.records.trial import Metrics

_STOP_SECONDS = 5.0  # that a trial may clean up for after it was told to stop
_EXIT_SECONDS = 60.0  # that its process may take to exit after its function has returned


@dataclass(frozen=True)
class IsolatedFunction:
    """A trainable: a user's function whose every trial runs in a process of its own.

    Args:
        setup: the function, and what its trials have in common.
        folder: of the study, where trials may keep files; "" for none.
    """

    setup: Setup
    folder: str = ""

    @classmethod
    def of(cls, function: Function, metric: str, placement: Placement, folder: str = "") -> "IsolatedFunction":
        """Pickle a function whose trials get the CPUs and the memory of a trainer."""
        threads = max(1, int(placement.resources.get("cpu", 1)))
        return cls(Setup(cloudpickle.dumps(function), metric, threads, placement.resources.get("memory")), folder)

    def load(self) -> "Processes":
        return Processes(self)


class Processes:
    """Starts the processes of trials.

    Raises:
        InputError: the function cannot be loaded on this machine.
    """

    def __init__(self, function: IsolatedFunction) -> None:
        self._launcher = Launcher(function.setup)
        self._outputs = Path(tempfile.mkdtemp(prefix="caviar-"))
        self._folder = Path(function.folder) if function.folder else self._outputs

    def start(self, stack: Stack) -> "ProcessRun":
        (trial,) = stack
        output = OutputFile(self._outputs / f"{trial.number}-{time.monotonic_ns()}.txt")
        request = Request(trial, str(output.path), str(self._folder / "trials" / f"{trial.number:06d}"))
        return ProcessRun(self._launcher, request, output)

    def close(self) -> None:
        """Kill all processes, and remove the files of their output, which was sent."""
        self._launcher.close()
        shutil.rmtree(self._outputs, ignore_errors=True)


class ProcessRun:
    """The process of a trial, as a stack of one."""

    def __init__(self, launcher: Launcher, request: Request, output: OutputFile) -> None:
        self.alive = [True]
        self.output: OutputFile | None = output
        self.seconds: float | None = None
        self.continued_from: int | None = None
        self._launcher = launcher
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
        match self._launcher.receive(self._process, seconds):
            case None:
                self._process.kill()
                raise TimeLimit
            case Reported(own_seconds, metrics, restored):
                self.seconds = own_seconds
                if restored:
                    self.continued_from = (self.continued_from or 0) + 1
                return [metrics]
            case Ended(own_seconds, error):
                self.alive[0], self.seconds = False, own_seconds
                self._await_exit(_EXIT_SECONDS)
                if error:
                    raise TrialError(error)
                return []
            case Exited(_, status):
                self.alive[0] = False
                if status == -signal.SIGKILL:
                    raise Killed
                raise TrialError(_describe(status))

    def stop(self, member: int) -> None:
        if self.alive[member]:
            self.alive[member] = False
            self._process.send(Stop())
            self._await_exit(_STOP_SECONDS)

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
