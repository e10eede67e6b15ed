"""One wave: sends trials to the trainers and turns their events into results."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from caviar.fleet.messages import Done, Event, Printed, Report, Stack, Started
from caviar.fleet.protocol import Trainers
from caviar.records.trial import CurvePoint, Result, State, Trial
from caviar.records.trial_files import output_file

_ERROR_CHARACTERS = 1000  # of which the journal, the tables and the report keep this many
NextTrials = Callable[[], list[Stack]]
Keep = Callable[[list[Result]], None]
OnReport = Callable[[Trial, CurvePoint], None]


class Deadline:
    """When a run must stop: `seconds` from now; None: never.

    >>> Deadline(None).passed
    False
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self.reason = "" if seconds is None else f"the study exceeded its timeout of {seconds:g} s"

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._end


class WaveRunner:
    """Trains the trials of a wave and turns their events into results.

    Args:
        trainers: what trains them.
        deadline: when it passes, the trials that run are stopped.
        next_trials: returns more stacks to train, whenever there may be room; None: no more.
        on_report: called with each report as it arrives; None: nothing is called.
    """

    def __init__(
        self, trainers: Trainers, deadline: Deadline, next_trials: NextTrials | None, on_report: OnReport | None
    ) -> None:
        self.trainers, self.deadline = trainers, deadline
        self._next_trials, self._on_report = next_trials, on_report
        self._trials: dict[int, Trial] = {}
        self._curves: dict[int, list[CurvePoint]] = {}
        self._began: dict[int, float] = {}
        self._printed: dict[int, str] = {}

    def train(self, stacks: Iterable[Stack]) -> Iterator[list[Result]]:
        """Train stacks, and those submitted meanwhile; yields the results of each poll, in any order.

        The result of a trial that has reached its `until` has the state PAUSED.
        """
        self.submit(stacks)
        self._submit_next()
        while self.trainers.pending:
            events = self.trainers.poll()
            if self.deadline.passed:
                events += self.trainers.stop(self.deadline.reason)
            yield self._results(events)
            self._submit_next()

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Train stacks, or continue those that are paused."""
        stacks = list(stacks)
        self._trials.update((trial.number, trial) for stack in stacks for trial in stack)
        self.trainers.submit(stacks)

    def _submit_next(self) -> None:
        if self._next_trials is not None and not self.deadline.passed and (stacks := self._next_trials()):
            self.submit(stacks)

    def _results(self, events: Iterable[Event]) -> list[Result]:
        results: list[Result] = []
        for event in events:
            match event:
                case Started():  # a trial that lost its worker begins again
                    self._curves[event.trial] = self._curves.get(event.trial, [])[: event.reports]
                    if not (event.reports and event.trial in self._began):
                        self._began[event.trial] = time.time()
                case Report():
                    point = CurvePoint(event.epoch, event.seconds, event.metrics)
                    self._curves[event.trial].append(point)
                    if self._on_report is not None:
                        self._on_report(self._trials[event.trial], point)
                case Printed():
                    self._printed[event.trial] = event.text
                case Done():
                    results.append(self._result(event))
        return results

    def _result(self, done: Done) -> Result:
        trial, curve = self._trials[done.trial], self._curves.pop(done.trial, [])
        if done.state is State.PAUSED:
            self._curves[trial.number] = list(curve)  # it may continue
        printed, began = self._printed.pop(trial.number, ""), self._began.get(trial.number)
        output = done.output or printed  # a trial that was stopped from outside could not send its output
        error = done.error
        if len(error) > _ERROR_CHARACTERS:
            output = f"{error}\n\n{output}"
            cut = f"{len(error)} characters, all of them in {output_file(trial.number).as_posix()}"
            error = f"{error[:_ERROR_CHARACTERS]}... ({cut})"
        return Result(
            trial=trial.number,
            wave=trial.wave,
            state=done.state,
            config=trial.config,
            metrics=curve[-1].metrics if curve else {},
            epochs=len(curve),
            seconds=done.seconds,
            seed=trial.seed,
            worker=done.worker,
            error=error,
            began=began,
            ended=max(time.time(), began or 0.0),  # the clock may have been set back
            continued_from=done.continued_from,
            dead_units=done.dead_units,
            curve=tuple(curve),
            weights=done.weights,
            raised=done.raised,
            output=output,
        )


def run_wave(
    trainers: Trainers,
    stacks: Sequence[Stack],
    keep: Keep,
    deadline: Deadline | None = None,
    next_trials: NextTrials | None = None,
    on_report: OnReport | None = None,
) -> None:
    """Train the stacks of a wave to their ends; `keep` is passed the results of each poll, in any order."""
    for results in WaveRunner(trainers, deadline or Deadline(), next_trials, on_report).train(stacks):
        keep(results)
