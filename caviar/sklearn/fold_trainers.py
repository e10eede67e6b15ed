"""Trainers that fit the folds of a configuration apart, so that none of them idles while another has several to fit.

A trial of the study is a configuration; for the trainers, each of its folds is a trial. What arrives in any order is
put in the order of the folds, so the study gets the events of one trainer that fits them one after another.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from caviar.fleet.connect import Start, open_pool
from caviar.fleet.messages import Done, Event, Report, Stack, Started
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.fleet.worker.execution import describe_divergence
from caviar.fleet.worker.trainables import FunctionTrainable, Trainable
from caviar.records.trial import Config, Metrics, State, Trial
from caviar.sklearn.folds import FIT_FAILED, CrossValidation, FitFailed, FoldReports, tracebacks_of


@dataclass(frozen=True)
class FitOneFold:
    """What the trainers call: a function of a configuration with the number of a fold."""

    validation: CrossValidation

    def __call__(self, config: Config, seed: int) -> Iterator[Metrics]:
        return self.validation.fit(config["config"], seed, [config["fold"]])


@contextlib.contextmanager
def open_trainers(validation: CrossValidation, placement: Placement, trials: int, *, apart: bool) -> Iterator[Trainers]:
    """Start trainers that cross-validate configurations.

    Args:
        validation: what they call.
        placement: where.
        trials: how many configurations there will be.
        apart: fit the folds of a configuration apart: then trials cannot be paused, and have no time limit.
    """
    start = Start.HERE if placement.trial_timeout is None else Start.ON_RAY
    trainable = FunctionTrainable(FitOneFold(validation) if apart else validation, validation.metric)
    count = trials * len(validation.splits) if apart else trials
    with open_pool(trainable, validation.metric, placement, start=start, trials=count) as trainers:
        yield FoldTrainers(trainers, validation) if apart else trainers


class FoldTrainers:
    """Trainers for the folds of configurations, with the methods of `Trainers`; they train a `FitOneFold`.

    Trials cannot be paused.
    """

    def __init__(self, trainers: Trainers, validation: CrossValidation) -> None:
        self._trainers, self._validation = trainers, validation
        self._count = len(validation.splits)
        self._candidates: dict[int, _Candidate] = {}  # that have not ended, by trial number

    @property
    def workers(self) -> int:
        return self._trainers.workers

    @property
    def pending(self) -> int:
        return len(self._candidates)

    @property
    def trainable(self) -> Trainable:
        return self._trainers.trainable

    def start(self, trials: int) -> None:
        self._trainers.start(trials * self._count)

    def submit(self, stacks: Iterable[Stack]) -> None:
        trials = [trial for stack in stacks for trial in stack]
        for trial in trials:
            reports = FoldReports(self._validation.metric, self._validation.objective, self._count)
            self._candidates[trial.number] = _Candidate(trial.number, reports)
        self._trainers.submit([(self._of_fold(trial, fold),) for trial in trials for fold in range(self._count)])

    def poll(self, timeout: float = 1.0) -> list[Event]:
        events: list[Event] = []
        for event in self._trainers.poll(timeout):
            number, fold = divmod(event.trial, self._count)
            if (candidate := self._candidates.get(number)) is not None:  # else it has failed before this fold
                events += candidate.receive(fold, event)
                if candidate.ended:
                    del self._candidates[number]
        return events

    def discard(self, trials: Iterable[int]) -> None:
        """No trial is paused."""

    def stop(self, reason: str) -> list[Event]:
        self._trainers.stop(reason)
        running = [candidate for candidate in self._candidates.values() if candidate.started]
        self._candidates = {}
        return [candidate.end(State.TIMED_OUT, reason) for candidate in running]

    def close(self) -> None:
        self._trainers.close()

    def _of_fold(self, trial: Trial, fold: int) -> Trial:
        config = {"config": trial.config, "fold": fold}
        return Trial(trial.number * self._count + fold, trial.wave, config, trial.seed)


@dataclass
class _Candidate:
    """The folds of one trial, as they arrive."""

    number: int
    reports: FoldReports
    started: bool = False
    ended: bool = False
    _last: Report | None = None
    _fold: int = 0  # the next to report
    _seconds: float = 0.0
    _output: str = ""
    _workers: list[str] = field(default_factory=list)
    _metrics: dict[int, Metrics] = field(default_factory=dict)  # by fold
    _tracebacks: dict[int, str] = field(default_factory=dict)  # by fold
    _ends: dict[int, Done] = field(default_factory=dict)  # by fold

    def receive(self, fold: int, event: Event) -> list[Event]:
        """Return the events of the trial that follow from one of a fold."""
        match event:
            case Started() if not self.started:
                self.started = True
                return [Started(self.number)]
            case Report():
                self._metrics[fold] = event.metrics
            case Done():
                self._ends[fold] = event
                return [event for end in iter(self._next_end, None) for event in self._end_fold(end)]
        return []

    def end(self, state: State, error: str = "") -> Done:
        """End the trial."""
        self.ended = True
        return Done(self.number, state, error, self._seconds, ", ".join(dict.fromkeys(self._workers)), self._output)

    def _next_end(self) -> Done | None:
        """Remove and return the end of the next fold in order, if it has arrived."""
        return None if self.ended else self._ends.pop(self._fold, None)

    def _end_fold(self, end: Done) -> Iterator[Event]:
        """Yield what the study is told when a fold has ended and all folds before it have."""
        self._seconds += end.seconds
        self._output += end.output
        self._workers.append(end.worker)
        metrics = self._metrics.pop(self._fold, None)
        if metrics is None:  # it could not be fitted
            yield self.end(end.state, end.error)._replace(raised=end.raised)
            return
        columns = {name.removeprefix("fold_"): value for name, value in metrics.items() if name.startswith("fold_")}
        error = end.error.removeprefix(FIT_FAILED) if end.state is State.FAILED else None
        self._tracebacks |= tracebacks_of(end)
        if (report := self.reports.add(self._fold, columns, error)) is not None:
            yield self._report(report)
        self._fold += 1
        if self._fold == self.reports.count:
            yield from self._finish()

    def _finish(self) -> Iterator[Event]:
        """Yield the end of a trial all of whose folds have ended."""
        if self.reports.error is not None:
            failure = FitFailed(self.reports.error, self.reports.held, self._tracebacks)
            yield self._report(failure.report)
            yield self.end(State.FAILED, f"{FIT_FAILED}{failure}")._replace(raised=failure.caviar_pickled)
        elif self._last is not None and not math.isfinite(self._last.metrics[self.reports.metric]):
            yield self.end(State.DIVERGED, describe_divergence(self._last, self.reports.metric))
        else:
            yield self.end(State.FINISHED)

    def _report(self, metrics: Metrics) -> Report:
        epoch = self._last.epoch + 1 if self._last else 1
        self._last = Report(self.number, epoch, self._seconds, metrics)
        return self._last
