"""A stack in training inside a trainer: its events, its clock, and what it prints.

What goes wrong in a trial ends that trial with its reason, never the trainer.
"""

import contextlib
import io
import math
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from numbers import Integral, Real

from caviar.fleet.messages import Done, Event, Printed, Report, Stack, Started
from caviar.records.trial import RESERVED_COLUMNS
from caviar.fleet.worker.trainables import Run, Trainable

OUTPUT_CHARACTERS = 1 << 16  # of what a trial prints, the last 64 KiB are kept
PRINT_SECONDS = 1.0  # how often they are sent while the trial runs


class StackRun:
    """The trials of one stack, trained together from report to report, and paused where they are told to.

    Args:
        stack: the trials.
        trainable: what trains them.
        metric: the name of the metric that every report is to have.
        timeout: the seconds after which a trial is ended between two reports; None: no limit.
        worker: the name of the trainer.
    """

    def __init__(self, stack: Stack, trainable: Trainable, metric: str, timeout: float | None, worker: str) -> None:
        self._stack = stack
        self._trainable, self._metric, self._timeout, self._worker = trainable, metric, timeout, worker
        self._run: Run | None = None
        self._open = list(range(len(stack)))  # the members that have not ended, by their place in the stack
        self._seconds = [0.0] * len(stack)
        self._reports = [0] * len(stack)
        self._output = _Output()
        self._sent, self._next_print = 0, 0.0

    @property
    def open(self) -> list[int]:
        """The numbers of the trials that have not ended."""
        return [self._stack[member].number for member in self._open]

    def printed(self) -> list[Event]:
        """What was printed, where there is more than last time; asked for beside the thread that trains."""
        now, written = time.monotonic(), self._output.tail.written
        if written == self._sent or now < self._next_print:
            return []
        self._sent, self._next_print = written, now + PRINT_SECONDS
        return [Printed(number, self._output.tail.text()) for number in self.open]

    def let_go(self, number: int) -> None:
        """Stop a trial between two reports."""
        member = next(m for m in self._open if self._stack[m].number == number)
        self._open.remove(member)
        if self._run is not None:
            self._stop(self._run, member)

    def train(self, until: int | None) -> Iterator[Event]:
        """The events of the trials that are open, up to so many reports or to their end."""
        yield from (Started(self._stack[member].number, self._reports[member]) for member in self._open)
        while self._open and (until is None or self._reports[self._open[0]] < until):
            yield from self._epoch()
        for member in self._open:
            yield self._done(member, "paused")

    def _epoch(self) -> Iterator[Event]:
        begun = time.perf_counter()
        given: list[Mapping[str, float] | None] = []
        error: BaseException | None = None
        try:
            with self._output:
                if self._run is None:
                    self._run = self._trainable.start([t.config for t in self._stack], [t.seed for t in self._stack])
                given = list(self._run.epoch())
        except (Exception, SystemExit) as caught:  # a trial's own error is its result
            error = caught
            self._output.tail.write(traceback.format_exc())
        share = (time.perf_counter() - begun) / len(self._open)
        for member in list(self._open):
            self._seconds[member] += share
            if error is not None:
                yield from self._last_report(member, getattr(error, "report", None))
                yield self._end(member, "failed", f"{type(error).__name__}: {error}")
            else:
                yield from self._reported(member, given[member] if given else None)

    def _reported(self, member: int, report: Mapping[str, float] | None) -> Iterator[Event]:
        trial, run = self._stack[member], self._run
        assert run is not None
        if report is None:
            nothing = "" if self._reports[member] else f"it reported nothing; the metric is {self._metric!r}"
            yield self._end(member, "failed" if nothing else "finished", nothing)
            return
        self._reports[member] += 1
        problem = _problem(report, self._metric, trial.config)
        if problem:
            yield self._end(member, "failed", problem)
            return
        metrics = {name: _number(value) for name, value in report.items()}
        yield Report(trial.number, self._reports[member], self._seconds[member], metrics)
        if not math.isfinite(metrics[self._metric]) or not run.alive[member]:
            name = next((n for n, v in metrics.items() if not math.isfinite(v)), self._metric)
            yield self._end(member, "diverged", f"{name} became {metrics[name]} in epoch {self._reports[member]}")
        elif self._timeout is not None and self._seconds[member] > self._timeout:
            yield self._end(member, "timed_out", f"it ran over its {self._timeout:g} s")

    def _last_report(self, member: int, report: object) -> Iterator[Event]:
        """What an exception carries as its `report`: the metrics of a trial that fails in spite of them."""
        trial = self._stack[member]
        if isinstance(report, Mapping) and not _problem(report, self._metric, trial.config):
            self._reports[member] += 1
            metrics = {name: _number(value) for name, value in report.items()}
            yield Report(trial.number, self._reports[member], self._seconds[member], metrics)

    def _end(self, member: int, state: str, error: str = "") -> Done:
        self._open.remove(member)
        if self._run is not None:
            self._stop(self._run, member)
        return self._done(member, state, error)

    def _stop(self, run: Run, member: int) -> None:
        with self._output, contextlib.suppress(Exception):  # a trial's own cleaning up may fail
            run.stop(member)

    def _done(self, member: int, state: str, error: str = "") -> Done:
        number, seconds = self._stack[member].number, self._seconds[member]
        return Done(number, state, error, seconds, self._worker, self._output.tail.text())


class _Tail(io.TextIOBase):
    """A text stream of which the end is kept."""

    def __init__(self) -> None:
        self.written = 0
        self._parts: list[str] = []
        self._characters = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"what is printed is a text, got {type(text).__name__}")
        self.written += len(text)
        self._characters += len(text)
        self._parts.append(text)
        if self._characters > 2 * OUTPUT_CHARACTERS:
            self._parts = [self.text()]
            self._characters = len(self._parts[0])
        return len(text)

    def text(self) -> str:
        return "".join(self._parts)[-OUTPUT_CHARACTERS:]


class _Output(contextlib.AbstractContextManager["_Output"]):
    """What a trial prints and warns, while it is the one that runs."""

    def __init__(self) -> None:
        self.tail = _Tail()

    def __enter__(self) -> "_Output":
        self._redirections = contextlib.ExitStack()
        self._redirections.enter_context(contextlib.redirect_stdout(self.tail))
        self._redirections.enter_context(contextlib.redirect_stderr(self.tail))
        self._redirections.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")
        return self

    def __exit__(self, *exception: object) -> None:
        self._redirections.close()


def _number(value: float) -> float:
    """A metric as a plain Python number; whole ones stay whole."""
    return int(value) if isinstance(value, Integral) else float(value)


def _problem(report: Mapping[str, object], metric: str, config: Mapping[str, object]) -> str:
    """What is wrong with a report, or an empty string."""
    if metric not in report:
        return f"the metric {metric!r} is not among what it reported: {', '.join(map(repr, report)) or 'nothing'}"
    for name, value in report.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            return f"metrics are numbers, but it reported {name}={value!r:.100}; make it one with float(...)"
        if name in RESERVED_COLUMNS or name in config:
            what = "a column of every table" if name in RESERVED_COLUMNS else "a hyperparameter"
            return f"it reported {name!r}, which is {what}; give the metric another name"
    return ""
