"""What a trainer trains: the built-in network in stacks, or a user's function one trial at a time.

A trainable is a plain picklable value. A trainer loads it once, starts runs of stacks, and each `epoch()` of a run
returns a report from every member that is still training. `fleet/processes` has a trainable for functions whose trials
run in processes of their own.
"""

import contextlib
import copy
import itertools
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from caviar.errors import InputError
from caviar.fleet.messages import Stack
from caviar.fleet.pickling import dumps
from caviar.fleet.worker import checkpoints
from caviar.fleet.worker.calls import Function, taking_seed
from caviar.fleet.worker.generators import Generators
from caviar.fleet.worker.output import OutputFile
from caviar.fleet.worker.reporting import RunningTrial, Stop, as_trial
from caviar.fleet.worker.reports import Reports
from caviar.records.trial import CurvePoint, Metrics, Trial
from caviar.records.trial_files import StudyFiles, trial_folder


class TrialError(Exception):
    """A trial failed, for the reason in the text."""


class TimeLimit(Exception):
    """A trial has exceeded its time limit and was ended."""


class Killed(Exception):
    """The process of a trial was killed from outside; it may be started again."""


class Run(Protocol):
    """A stack in training."""

    output: OutputFile | None  # what it prints, if not into this process's own stdout and stderr
    seconds: float | None  # the time of its trial, if it measures that itself
    continued_from: int | None  # the report that its trial was continued from, if an earlier process had made it

    @property
    def alive(self) -> Sequence[bool]:
        """Whether each member is still training; a member that is not, but has just reported, has diverged."""

    def epoch(self, until: int | None, seconds: float | None) -> Sequence["Metrics | TrialError | None"]:
        """Train each member up to its next report.

        Args:
            until: the report after which it pauses; None: it never does.
            seconds: after which a run that can be interrupted raises TimeLimit; None: no limit.

        Returns:
            A report for each member, None for those that have stopped, an error for those that fail; [] if all have
            ended.
        """

    def stop(self, member: int) -> None:
        """Stop training a member."""


@runtime_checkable
class HasNetworks(Protocol):
    """A run whose trials are networks."""

    def weights(self, member: int) -> bytes:
        """Return the network of a member as it is now, as the content of a file."""

    def dead_units(self, member: int) -> tuple[float, ...]:
        """Return the share of units without effect in each hidden layer of a member; () where that is not known."""


class Loaded(Protocol):
    """A trainable in a trainer."""

    def start(self, stack: Stack) -> Run:
        """Start a run of trials that train together."""

    def close(self) -> None:
        """End what still runs."""


class Trainable(Protocol):
    """What can train stacks of trials."""

    def load(self) -> Loaded:
        """Return the trainable, ready to start runs in this process."""


class UnpicklableError(InputError):
    """A trainable that cannot be sent to the trainers, for a `reason`."""

    def __init__(self, name: str, error: Exception) -> None:
        text = " ".join(str(error).split())
        self.reason = f"cannot be sent to the trainers ({type(error).__name__}: {text[:200]})"
        remedy = "open files, create locks and connect inside it, or use workers=0 with isolation='none'"
        super().__init__(f"{name} {self.reason}; {remedy}")


def check_picklable(trainable: Trainable, name: str) -> None:
    """Raise an UnpicklableError with the reason if a trainable cannot be sent to the trainers."""
    try:
        dumps(trainable)
    except Exception as error:  # a pickler passes on whatever an object's own code raises
        raise UnpicklableError(name, error) from None


@dataclass(frozen=True)
class FunctionTrainable:
    """A function of a config, and of a seed if it takes one, called in the process of the trainer.

    What it reports by `caviar.report` arrives when it returns; what it yields arrives at once.

    Args:
        function: it returns or yields the metric or dicts of metrics, or reports them.
        metric: what each report must contain; "" for any.
        files: where the study keeps those of its trials; None: in a temporary folder.

    >>> trainable = FunctionTrainable(lambda config: {"loss": config["x"] ** 2})
    >>> run = trainable.load().start((Trial(0, 1, {"x": 3}, seed=7),))
    >>> run.epoch(None, None), run.epoch(None, None)
    ([{'loss': 9}], [])
    """

    function: Function
    metric: str = ""
    files: StudyFiles | None = None

    def load(self) -> "_LoadedFunction":
        return _LoadedFunction(self)


class _LoadedFunction:
    def __init__(self, trainable: FunctionTrainable) -> None:
        from caviar._temporary import temporary_folder  # slow to import, for trainers of networks

        self._trainable, files = trainable, trainable.files
        self._resources = contextlib.ExitStack()
        self._place = Path(files.folder) if files else self._resources.enter_context(temporary_folder())

    def start(self, stack: Stack) -> Run:
        (trial,) = stack
        return _FunctionRun(self._trainable, trial, trial_folder(self._place, trial.number))

    def close(self) -> None:
        self._resources.close()  # nothing runs between two reports


class _FunctionRun:
    output: OutputFile | None = None
    seconds: float | None = None

    def __init__(self, trainable: FunctionTrainable, trial: Trial, folder: Path) -> None:
        self.alive = [True]
        self._folder = folder
        self._running = RunningTrial(trial.number, trial.seed, self._folder)
        last = checkpoints.begin(self._folder) if trainable.files else None
        self.continued_from = last.epoch if last else None
        self._curve = list(last.curve) if last else []  # what it has reported
        self._checks = Reports(trainable.metric, trial.config, count=len(self._curve))
        self._returned = 0  # how many of its reports
        self._generators = Generators(trial.seed)
        self._error: BaseException | None = None  # of the function, to be raised after what it had reported
        self._start = time.perf_counter() - (last.curve[-1].seconds if last else 0.0)
        self._reports = self._stream(trainable.function, trial)

    def epoch(self, until: int | None = None, seconds: float | None = None) -> Sequence[Metrics | None]:
        with as_trial(self._running, self._receive):
            self._generators.resume()
            reports = list(itertools.islice(self._reports, 1))
        if not reports:
            self._generators.end()
            if self._error is not None:
                raise self._error
        return reports

    def stop(self, member: int) -> None:
        self.alive[member] = False
        self._reports.close()
        self._generators.end()

    def _receive(self, metrics: object, checkpoint: Path | None) -> int:
        checked, seconds = self._checks.checked(metrics), time.perf_counter() - self._start
        self._curve.append(CurvePoint(self._checks.count, seconds, checked))
        if checkpoint is not None:
            checkpoints.save(self._folder, checkpoint, self._curve)
        return self._checks.count

    def _stream(self, function: Function, trial: Trial) -> Generator[Metrics, None, None]:
        """Yield what the function had reported at its checkpoint; then what it reports, yields and returns."""
        yield from self._new()
        try:
            result = taking_seed(function)(copy.deepcopy(dict(trial.config)), trial.seed)
            for report in self._checks.of(result):
                self._receive(report, None)
                yield from self._new()
        except Stop:  # raised by the function itself
            pass
        except SystemExit as exited:
            if exited.code or not self._curve:  # else it ends as a script does
                self._error = exited
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or not self.alive[0]:  # which `close` ends by a GeneratorExit
                raise
            self._error = error
        yield from self._new()

    def _new(self) -> Iterator[Metrics]:
        """The reports that were not returned yet."""
        while self._returned < len(self._curve):
            self._returned += 1
            yield self._curve[self._returned - 1].metrics
