"""Trains one stack inside a trainer, and tracks its events, its time and its output.

An error in a trial fails that trial, with the reason, but never ends the trainer.
"""

import contextlib
import math
import time
import traceback
from collections.abc import Iterator, Mapping
from numbers import Integral, Real

from caviar.fleet.messages import Done, Event, Printed, Report, Stack, Started
from caviar.fleet.worker.command import ProgramError
from caviar.fleet.worker.output import Capture, without_surrogates
from caviar.fleet.worker.trainables import Run, Trainable
from caviar.records.trial import RESERVED_COLUMNS, Config, Metrics, State

_PRINT_SECONDS = 1.0  # how often output is sent while a trial runs


class StackRun:
    """The trials of one stack, trained together from report to report."""

    def __init__(self, stack: Stack, trainable: Trainable, metric: str, timeout: float | None, worker: str) -> None:
        self._stack = stack
        self._trainable, self._metric, self._timeout, self._worker = trainable, metric, timeout, worker
        self._run: Run | None = None
        self._members = list(range(len(stack)))  # positions in the stack of the trials that have not ended
        self._seconds = [0.0] * len(stack)
        self._reports = [0] * len(stack)
        self._capture = Capture()
        self._characters_sent, self._next_print = 0, 0.0

    @property
    def unfinished(self) -> list[int]:
        """The numbers of the trials that have not ended."""
        return [self._stack[member].number for member in self._members]

    def printed(self) -> list[Event]:
        """Return the output if there is more than last time; called from outside the training thread."""
        now, written = time.monotonic(), self._capture.tail.written
        if written == self._characters_sent or now < self._next_print:
            return []
        self._characters_sent, self._next_print = written, now + _PRINT_SECONDS
        return [Printed(number, self._capture.tail.text()) for number in self.unfinished]

    def discard(self, number: int) -> None:
        """Drop a trial between two reports."""
        self._stop(next(member for member in self._members if self._stack[member].number == number))

    def train(self, until: int | None) -> Iterator[Event]:
        """Train the unfinished trials up to `until` reports, or to their end; yield their events."""
        yield from [Started(self._stack[member].number, self._reports[member]) for member in self._members]
        while self._members and (until is None or self._reports[self._members[0]] < until):
            yield from self._epoch()
        for member in self._members:
            yield self._done(member, State.PAUSED)

    def _epoch(self) -> Iterator[Event]:
        start = time.perf_counter()
        reports: list[Metrics | None] = []
        error: BaseException | None = None
        try:
            with self._capture:
                if self._run is None:
                    self._run = self._trainable.start([t.config for t in self._stack], [t.seed for t in self._stack])
                reports = list(self._run.epoch())
        except (Exception, SystemExit) as raised:  # a trial's own error is its result
            error = raised
            if not isinstance(raised, ProgramError):  # whose traceback is only ours
                self._capture.tail.write(traceback.format_exc())
        share = (time.perf_counter() - start) / len(self._members)
        for member in list(self._members):
            self._seconds[member] += share
            if error is not None:
                yield from self._last_report(member, getattr(error, "report", None))
                yield self._end(member, State.FAILED, f"{type(error).__name__}: {error}")
            else:
                yield from self._receive(member, reports[member] if reports else None)

    def _receive(self, member: int, report: Metrics | None) -> Iterator[Event]:
        """Check a member's report and yield its events."""
        if report is None:
            if self._reports[member]:
                yield self._end(member, State.FINISHED)
            else:
                yield self._end(member, State.FAILED, f"it reported nothing; the metric {self._metric!r} is required")
            return
        self._reports[member] += 1
        if problem := _problem(report, self._metric, self._stack[member].config):
            yield self._end(member, State.FAILED, problem)
            return
        event = self._report(member, report)
        yield event
        metrics, run = event.metrics, self._run
        if not math.isfinite(metrics[self._metric]) or run is None or not run.alive[member]:
            name = next((name for name, value in metrics.items() if not math.isfinite(value)), self._metric)
            yield self._end(member, State.DIVERGED, f"{name} became {metrics[name]} in epoch {event.epoch}")
        elif self._timeout is not None and self._seconds[member] > self._timeout:
            yield self._end(member, State.TIMED_OUT, f"it exceeded its time limit of {self._timeout:g} s")

    def _last_report(self, member: int, report: object) -> Iterator[Event]:
        """Yield the metrics in an exception's `report` attribute, if any: they are kept although the trial fails."""
        if isinstance(report, Mapping) and not _problem(report, self._metric, self._stack[member].config):
            self._reports[member] += 1
            yield self._report(member, report)

    def _report(self, member: int, report: Metrics) -> Report:
        numbers = {name: int(value) if isinstance(value, Integral) else float(value) for name, value in report.items()}
        return Report(self._stack[member].number, self._reports[member], self._seconds[member], numbers)

    def _end(self, member: int, state: State, error: str = "") -> Done:
        self._stop(member)
        return self._done(member, state, error)

    def _stop(self, member: int) -> None:
        self._members.remove(member)
        if self._run is not None:
            with self._capture, contextlib.suppress(Exception):  # a trial's own cleanup may fail
                self._run.stop(member)

    def _done(self, member: int, state: State, error: str = "") -> Done:
        number, seconds = self._stack[member].number, self._seconds[member]
        return Done(number, state, without_surrogates(error), seconds, self._worker, self._capture.tail.text())


def _problem(report: Mapping[str, object], metric: str, config: Config) -> str:
    """Return what is wrong with a report, or an empty string."""
    if metric not in report:
        return f"the report must contain the metric {metric!r}, got {', '.join(map(repr, report)) or 'nothing'}"
    for name, value in report.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            return f"metrics must be numbers, got {name}={value!r:.100}; convert it with float(...)"
        if name in RESERVED_COLUMNS or name in config:
            owner = "a column of every table" if name in RESERVED_COLUMNS else "a hyperparameter"
            return f"the report contains {name!r}, which is {owner}; rename the metric"
    return ""
