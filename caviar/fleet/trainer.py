"""The trainer: what runs inside a Ray actor.

It is handed leases, trains their stacks one after the other, and yields lists of events. What goes wrong
in a trial ends that trial with its reason, never the trainer.
"""

import contextlib
import io
import math
import os
import socket
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from numbers import Real

import ray
from threadpoolctl import threadpool_limits

from caviar.fleet.messages import Done, Event, Lease, Report, Stack, Started
from caviar.fleet.trainables import Run, Trainable

FLUSH_SECONDS = 0.05  # events travel together; a driver takes some thousands of messages a second
OUTPUT_CHARACTERS = 1 << 16  # of what a trial prints, the last 64 KiB are kept


class Trainer:
    """Trains leases of trials.

    Args:
        trainable: what to train.
        metric: the name of the metric that every report is to have.
        trial_timeout: the seconds after which a trial is ended between two reports; None: no limit.
    """

    def __init__(self, trainable: Trainable, metric: str, trial_timeout: float | None = None) -> None:
        self._trainable = trainable
        self._metric = metric
        self._trial_timeout = trial_timeout
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._limits = threadpool_limits(1)  # one BLAS thread each: small steps are 50 times slower on many

    @ray.method(concurrency_group="control")  # type: ignore[untyped-decorator]
    def ping(self) -> bool:
        """Answers while a lease runs, so that the driver can tell a slow trial from a dead trainer."""
        return True

    def run(self, lease: Lease) -> Iterator[list[Event]]:
        """Train the stacks of a lease in order; yields events in batches, `Started` before a long silence."""
        outbox: list[Event] = []
        flushed = -math.inf
        for stack in lease:
            for event in self._train(stack):
                outbox.append(event)
                if time.monotonic() - flushed > FLUSH_SECONDS:
                    yield outbox
                    outbox, flushed = [], time.monotonic()
        if outbox:
            yield outbox

    def _train(self, stack: Stack) -> Iterator[Event]:
        """The events of one stack: each member started, its reports, and its end."""
        yield from (Started(trial.number) for trial in stack)
        seconds = [0.0] * len(stack)
        reports: list[int] = [0] * len(stack)
        open_members = set(range(len(stack)))
        output = _Output()

        def ended(member: int, state: str, error: str = "") -> Done:
            open_members.discard(member)
            text = output.text()
            return Done(stack[member].number, state, error, seconds[member], self._worker, text)

        run: Run | None = None
        while open_members:
            begun = time.perf_counter()
            try:
                with output:
                    if run is None:
                        run = self._trainable.start([t.config for t in stack], [t.seed for t in stack])
                    given = run.epoch()
            except Exception as error:  # a trial's own error is its result
                output.write(traceback.format_exc())
                share = (time.perf_counter() - begun) / len(open_members)
                for member in sorted(open_members):
                    seconds[member] += share
                    yield ended(member, "failed", f"{type(error).__name__}: {error}")
                return
            share = (time.perf_counter() - begun) / len(open_members)
            for member in sorted(open_members):
                seconds[member] += share
                report = given[member] if given else None
                if report is None:
                    problem = "" if reports[member] else f"it reported nothing; the metric is {self._metric!r}"
                    yield ended(member, "failed" if problem else "finished", problem)
                    continue
                reports[member] += 1
                problem = _problem(report, self._metric)
                if problem:
                    yield ended(member, "failed", problem)
                    continue
                metrics = {name: float(value) for name, value in report.items()}
                yield Report(stack[member].number, reports[member], seconds[member], metrics)
                if not math.isfinite(metrics[self._metric]) or not run.alive[member]:
                    name = next((n for n, v in metrics.items() if not math.isfinite(v)), self._metric)
                    yield ended(member, "diverged", f"{name} became {metrics[name]} in epoch {reports[member]}")
                elif self._trial_timeout is not None and seconds[member] > self._trial_timeout:
                    yield ended(member, "timed_out", f"it ran over its {self._trial_timeout:g} s")


class _Output(contextlib.AbstractContextManager["_Output"]):
    """What a trial prints and warns, while it is the one that runs; the end of it is kept."""

    def __init__(self) -> None:
        self._buffer = io.StringIO()

    def __enter__(self) -> "_Output":
        self._redirections = contextlib.ExitStack()
        self._redirections.enter_context(contextlib.redirect_stdout(self._buffer))
        self._redirections.enter_context(contextlib.redirect_stderr(self._buffer))
        self._redirections.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")
        return self

    def __exit__(self, *exception: object) -> None:
        self._redirections.close()
        if self._buffer.tell() > 2 * OUTPUT_CHARACTERS:
            kept = self.text()
            self._buffer.seek(0)
            self._buffer.truncate()
            self._buffer.write(kept)

    def write(self, text: str) -> None:
        self._buffer.write(text)

    def text(self) -> str:
        return self._buffer.getvalue()[-OUTPUT_CHARACTERS:]


def _problem(report: Mapping[str, object], metric: str) -> str:
    """What is wrong with a report, or an empty string."""
    if metric not in report:
        return f"the metric {metric!r} is not among what it reported: {', '.join(map(repr, report)) or 'nothing'}"
    for name, value in report.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            return f"metrics are numbers, but it reported {name}={value!r:.100}"
    return ""
