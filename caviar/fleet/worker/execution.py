"""Trains one stack inside a trainer, and tracks its events, its time and its output.

An error in a trial fails that trial, with the reason, but never ends the trainer.
"""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping

from caviar.fleet.messages import Done, Event, Printed, Report, Stack, Started, over_limit
from caviar.fleet.worker.errors import describe, own_traceback
from caviar.fleet.worker.output import Capture, without_surrogates
from caviar.fleet.worker.trainables import HasNetworks, Killed, Loaded, Run, TimeLimit, TrialError
from caviar.records.trial import Metrics, State

_PRINT_SECONDS = 1.0  # how often output is sent while a trial runs
_MAX_KILLS = 3  # how often the process of a trial may be killed before it fails


class StackRun:
    """The trials of one stack, trained together from report to report."""

    def __init__(self, stack: Stack, trainable: Loaded, metric: str, timeout: float | None, worker: str) -> None:
        self._stack = stack
        self._trainable, self._metric, self._timeout, self._worker = trainable, metric, timeout, worker
        self._run: Run | None = None
        self._members = list(range(len(stack)))  # positions in the stack of the trials that have not ended
        self._seconds = [0.0] * len(stack)
        self._reports = [0] * len(stack)
        self._capture = Capture()
        self._sent, self._next_print = 0, 0.0
        self._kills = 0

    @property
    def unfinished(self) -> list[int]:
        """The numbers of the trials that have not ended."""
        return [self._stack[member].number for member in self._members]

    def printed(self) -> list[Event]:
        """Return the output if there is more than last time; called from outside the training thread."""
        now = time.monotonic()
        if now < self._next_print or (written := self._written()) == self._sent:
            return []
        self._sent, self._next_print = written, now + _PRINT_SECONDS
        return [Printed(number, self._output()) for number in self.unfinished]

    def discard(self, number: int) -> None:
        """Drop a trial between two reports."""
        self._stop(next(member for member in self._members if self._stack[member].number == number))

    def train(self, until: int | None) -> Iterator[Event]:
        """Train the unfinished trials up to `until` reports, or to their end; yield their events."""
        yield from [Started(self._stack[member].number, self._reports[member]) for member in self._members]
        while self._members and (until is None or self._reports[self._members[0]] < until):
            yield from self._epoch(until)
        for member in list(self._members):
            yield self._done(member, State.PAUSED)

    def _epoch(self, until: int | None) -> Iterator[Event]:
        start = time.perf_counter()
        reports: list[Metrics | TrialError | None] = []
        error: BaseException | None = None
        try:
            with self._capture:
                if self._run is None:
                    self._run = self._trainable.start(self._stack)
                reports = list(self._run.epoch(until, self._seconds_left))
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # a trial's own error is its result, whatever its class
            error = raised
        share = (time.perf_counter() - start) / len(self._members)
        for member in list(self._members):
            self._seconds[member] += share
            if self._run is not None and self._run.seconds is not None and not isinstance(error, TimeLimit):
                self._seconds[member] = self._run.seconds
            report = reports[member] if reports else None
            if error is not None:
                yield from self._fail(member, error)
            elif isinstance(report, TrialError):
                yield from self._fail(member, report)
            else:
                yield from self._receive(member, report)

    @property
    def _seconds_left(self) -> float | None:
        return None if self._timeout is None else self._timeout - max(self._seconds[member] for member in self._members)

    def _fail(self, member: int, error: BaseException) -> Iterator[Event]:
        """End a member whose run has raised; one whose process was killed begins again."""
        match error:
            case TimeLimit():
                yield self._time_out(member)
            case Killed() if self._kills < _MAX_KILLS - 1:
                self._kills += 1
                self._run, self._reports[member], self._seconds[member] = None, 0, 0.0
                yield Started(self._stack[member].number)
            case Killed():
                reason = f"its process was killed {_MAX_KILLS} times; perhaps the machine was short of memory"
                yield self._end(member, State.FAILED, reason)
            case TrialError():
                yield self._end(member, State.FAILED, str(error))
            case _:
                self._capture.tail.write(own_traceback(error))
                yield from self._last_report(member, getattr(error, "report", None))
                raised = getattr(error, "caviar_pickled", b"")
                yield self._end(member, State.FAILED, describe(error))._replace(raised=raised)

    def _receive(self, member: int, report: Metrics | None) -> Iterator[Event]:
        """Check a member's report and yield its events."""
        if report is None:
            if self._reports[member]:
                yield self._finish(member)
            else:
                yield self._end(member, State.FAILED, f"it reported nothing; the metric {self._metric!r} is required")
            return
        self._reports[member] += 1
        if self._metric not in report:
            yield self._end(member, State.FAILED, f"the report must contain the metric {self._metric!r}")
            return
        event = self._report(member, report)
        yield event
        metrics, run = event.metrics, self._run
        if not math.isfinite(metrics[self._metric]) or run is None or not run.alive[member]:
            yield self._end(member, State.DIVERGED, describe_divergence(event, self._metric))
        elif self._timeout is not None and self._seconds[member] > self._timeout:
            yield self._time_out(member)

    def _last_report(self, member: int, report: object) -> Iterator[Event]:
        """Yield the metrics in an exception's `report` attribute, if any: they are kept although the trial fails."""
        if isinstance(report, Mapping) and self._metric in report:
            self._reports[member] += 1
            yield self._report(member, report)

    def _report(self, member: int, report: Metrics) -> Report:
        return Report(self._stack[member].number, self._reports[member], self._seconds[member], report)

    def _time_out(self, member: int) -> Done:
        assert self._timeout is not None
        return self._end(member, State.TIMED_OUT, over_limit(self._timeout))

    def _finish(self, member: int) -> Done:
        """End a member that has trained to its end, with what is known of its network."""
        weights, dead_units, run = b"", (), self._run
        if isinstance(run, HasNetworks):
            dead_units = run.dead_units(member)
            weights = run.weights(member) if self._stack[member].keep else b""
        return self._end(member, State.FINISHED)._replace(dead_units=dead_units, weights=weights)

    def _end(self, member: int, state: State, error: str = "") -> Done:
        self._stop(member)
        return self._done(member, state, error)

    def _stop(self, member: int) -> None:
        self._members.remove(member)
        if self._run is not None:
            with self._capture, contextlib.suppress(Exception):  # a trial's own cleanup may fail
                self._run.stop(member)

    def _done(self, member: int, state: State, error: str = "") -> Done:
        done = Done(
            self._stack[member].number,
            state,
            without_surrogates(error),
            self._seconds[member],
            self._worker,
            self._output(),
            self._run.continued_from if self._run else None,
        )
        if self._run and self._run.output and state is not State.PAUSED:
            self._run.output.remove()
        return done

    def _written(self) -> int:
        file = self._run.output if self._run else None
        return self._capture.tail.written + (file.written if file else 0)

    def _output(self) -> str:
        file = self._run.output if self._run else None
        return (file.text() if file else "") + self._capture.tail.text()


def describe_divergence(report: Report, metric: str) -> str:
    """Return which metric of a trial's last report is not finite, or else what the metric is.

    >>> describe_divergence(Report(0, 3, 1.5, {"loss": math.inf}), "loss")
    'loss became inf in epoch 3'
    """
    name = next((name for name, value in report.metrics.items() if not math.isfinite(value)), metric)
    return f"{name} became {report.metrics[name]} in epoch {report.epoch}"
