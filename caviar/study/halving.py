"""Early stopping of a wave: at rungs of epochs only the best trials continue, from where they were.

Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification") waits at each rung for the
whole wave, so who continues depends on the seed alone: the best by predicted ends, or by value. The asynchronous form
(Li et al. 2020, "A system for massively parallel hyperparameter tuning", the variant of Ray Tune, which never takes up
a stopped trial again) decides about a trial when it comes to a rung, among those that came before: no trainer waits,
and the table depends on who was faster.
"""

import itertools
import logging
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from caviar._interface import setting
from caviar.fleet.messages import Stack
from caviar.fleet.protocol import Trainers
from caviar.records.early_stopping import Halving
from caviar.records.objective import Objective
from caviar.records.trial import Result, State
from caviar.study.wave import Deadline, Keep, NextTrials, OnReport, WaveRunner

logger = logging.getLogger("caviar")
PredictedEnds = Callable[[Mapping[int, Sequence[float]]], dict[int, float]]


def run_halving(
    trainers: Trainers,
    stacks: Sequence[Stack],
    keep: Keep,
    deadline: Deadline,
    *,
    halving: Halving,
    epochs: int,
    objective: Objective,
    predicted_ends: PredictedEnds | None = None,
    spared: range = range(0),
    ended: Sequence[Result] = (),
    next_trials: NextTrials | None = None,
    on_report: OnReport | None = None,
) -> None:
    """Train the stacks of a wave from rung to rung; see `run_wave`.

    Args:
        trainers, stacks, keep, deadline, next_trials, on_report: as of `run_wave`; more trials come in asynchronous
            halving only.
        halving: which trials continue.
        epochs: of a trial that is not stopped.
        objective: what is optimised.
        predicted_ends: maps the values of trials at `halving.compared(epochs)`, by number, to their predicted ends.
        spared: the numbers of trials that are not stopped.
        ended: the results of the wave's trials that have ended, with their curves; a list may grow while they train.
    """
    rungs = halving.rungs(epochs)
    first = rungs[0] if rungs else None
    stack_of = {trial.number: stack for stack in stacks for trial in stack}

    def next_stacks() -> list[Stack]:
        added = next_trials() if next_trials is not None else []
        stack_of.update((trial.number, stack) for stack in added for trial in stack)
        return _until(added, first)

    runner = WaveRunner(trainers, deadline, next_stacks, on_report)
    wave = _Wave(runner, stack_of, keep, halving, epochs, objective, ended, predicted_ends, spared)
    if halving.asynchronous:
        wave.run_asynchronously(_until(stacks, first))
    else:
        wave.run_synchronously(stacks)
    _compare_epochs([result for result in ended if result.wave == 1], epochs)


def survivors(losses: Mapping[int, float], room: int, spared: range = range(0)) -> set[int]:
    """Return the trials that continue after a rung.

    They are the `room` best by their `losses`, by trial number; the lower number wins a tie. Those that are `spared`
    continue too, and do not count.

    >>> survivors({0: 0.3, 1: 0.1, 2: 0.2}, room=2) == {1, 2}
    True
    """
    contending = sorted(losses.keys() - set(spared), key=lambda number: (losses[number], number))
    return losses.keys() & set(spared) | set(contending[:room])


@dataclass
class _Wave:
    """The trials of one wave on its rungs."""

    runner: WaveRunner
    stack_of: Mapping[int, Stack]  # by trial number
    keep: Keep
    halving: Halving
    epochs: int
    objective: Objective
    ended: Sequence[Result]
    predicted_ends: PredictedEnds | None
    spared: range

    @property
    def rungs(self) -> tuple[int, ...]:
        return self.halving.rungs(self.epochs)

    def run_synchronously(self, stacks: Sequence[Stack]) -> None:
        """Let every trial reach a rung before any continues."""
        running = {result.trial for result in self.ended} | set(self.stack_of)
        for rung in self.rungs:
            paused = self._train_to(rung, stacks)
            if self.runner.deadline.passed:
                self._time_out(paused.values())
                return
            reached = [result for result in (*paused.values(), *self._ended_beyond(rung)) if result.trial in running]
            entered = len(running - set(self.spared))  # those that failed on the way included
            room = self.halving.room(entered)
            continuing = survivors(self._losses(reached, rung), room, self.spared)
            stopped = [result for result in paused.values() if result.trial not in continuing]
            self._stop(stopped, rung, room, entered)
            running, stacks = continuing, _only(stacks, continuing)
        for results in self.runner.train(_until(stacks, None)):
            self.keep(results)

    def run_asynchronously(self, stacks: Sequence[Stack]) -> None:
        """Decide about each trial as it reaches a rung, among those that reached it before."""
        losses = {rung: sorted(self._losses(self._ended_beyond(rung), rung).values()) for rung in self.rungs}
        following = dict(itertools.pairwise((*self.rungs, None)))
        for results in self.runner.train(stacks):
            self.keep([result for result in results if result.state is not State.PAUSED])
            paused = sorted((r for r in results if r.state is State.PAUSED), key=lambda r: (r.epochs, r.trial))
            if self.runner.deadline.passed:
                self._time_out(paused)
                continue
            continuing: defaultdict[int, set[int]] = defaultdict(set)
            for result in paused:
                rung, loss = result.epochs, self.objective.to_minimise(result.metrics)
                rank = bisect_left(losses[rung], loss)
                losses[rung].insert(rank, loss)
                room = self.halving.room(len(losses[rung]))
                if rank < room:
                    continuing[rung].add(result.trial)
                else:
                    self._stop([result], rung, room, len(losses[rung]))
            for rung, numbers in continuing.items():
                stacks_of = {self.stack_of[number][0].number: self.stack_of[number] for number in sorted(numbers)}
                self.runner.submit(_until(_only(stacks_of.values(), numbers), following[rung]))

    def _train_to(self, rung: int, stacks: Iterable[Stack]) -> dict[int, Result]:
        """Train up to a rung; keep the results of trials that end, and return those of trials that wait."""
        paused: dict[int, Result] = {}
        for results in self.runner.train(_until(stacks, rung)):
            paused |= {result.trial: result for result in results if result.state is State.PAUSED}
            self.keep([result for result in results if result.state is not State.PAUSED])
        return paused

    def _stop(self, results: Sequence[Result], rung: int, room: int, count: int) -> None:
        what = "predicted end " if self.predicted_ends else ""
        reason = f"{what}not among the best {room} of {count} after {rung} epoch{'s' * (rung > 1)}"
        self.runner.trainers.discard([result.trial for result in results])
        self.keep([replace(result, state=State.STOPPED, error=reason) for result in results])

    def _time_out(self, results: Iterable[Result]) -> None:
        reason = self.runner.deadline.reason
        self.keep([replace(result, state=State.TIMED_OUT, error=reason) for result in results])

    def _ended_beyond(self, rung: int) -> list[Result]:
        """The ended trials that reached a rung without diverging."""
        return [r for r in self.ended if r.epochs > rung or (r.epochs == rung and r.state is not State.DIVERGED)]

    def _losses(self, results: Iterable[Result], rung: int) -> dict[int, float]:
        """The losses of trials at a rung, by number, or the ends that are predicted there."""
        if self.predicted_ends is None:
            return {result.trial: self.objective.along(result.curve, [rung])[0] for result in results}
        epochs = [epoch for epoch in self.halving.compared(self.epochs) if epoch <= rung]
        by_number = sorted(results, key=lambda result: result.trial)  # in another order, last bits would differ
        return self.predicted_ends({result.trial: self.objective.along(result.curve, epochs) for result in by_number})


def _compare_epochs(results: Iterable[Result], epochs: int) -> None:
    """Warn if trials have reported another number of epochs than the one that the rungs are made for."""
    reported = max((result.epochs for result in results if result.state is State.FINISHED), default=epochs)
    if reported == epochs:
        return
    if reported == 1:
        remedy = f"yield a metric after each epoch, or leave out {setting('early_stopping').rstrip(' =')}"
        logger.warning("no trial is stopped early, since each reported only once; %s", remedy)
    else:
        remedy = f"start a new study with {setting('epochs', reported)}"
        logger.warning("early stopping expects %d epochs, but trials reported %d; %s", epochs, reported, remedy)


def _only(stacks: Iterable[Stack], numbers: set[int]) -> list[Stack]:
    """The stacks, with only some of their trials; trials that were trained together stay together."""
    kept = (tuple(trial for trial in stack if trial.number in numbers) for stack in stacks)
    return [stack for stack in kept if stack]


def _until(stacks: Iterable[Stack], rung: int | None) -> list[Stack]:
    return [tuple(replace(trial, until=rung) for trial in stack) for stack in stacks]
