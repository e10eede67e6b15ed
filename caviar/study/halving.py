"""Early stopping of a wave: at rungs of epochs only the best trials continue, from where they were.

Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification") waits at each rung for the
whole wave, so who continues depends on the seed alone. The asynchronous form (Li et al. 2020, "A system for massively
parallel hyperparameter tuning", the variant of Ray Tune, which never takes up a stopped trial again) decides about a
trial when it comes to a rung, among those that came before: no trainer waits, and the table depends on who was faster.
"""

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from caviar.fleet.messages import Stack
from caviar.fleet.protocol import Trainers
from caviar.records.early_stopping import Halving
from caviar.records.objective import Objective
from caviar.records.trial import Metrics, Result, State
from caviar.study.wave import Deadline, Keep, NextTrials, WaveRunner


def run_halving(
    trainers: Trainers,
    stacks: Sequence[Stack],
    keep: Keep,
    deadline: Deadline,
    *,
    halving: Halving,
    epochs: int,
    objective: Objective,
    ended: Sequence[Result] = (),
    next_trials: NextTrials | None = None,
) -> None:
    """Train the stacks of a wave from rung to rung; see `run_wave`.

    Args:
        trainers, stacks, keep, deadline, next_trials: as of `run_wave`; more trials come in asynchronous halving only.
        halving: which trials continue.
        epochs: of a trial that is not stopped.
        objective: what is optimised.
        ended: the results of the wave's trials that had ended before an interruption, with their curves.
    """
    stacks = list(stacks)
    rungs = halving.rungs(epochs)

    def next_stacks() -> list[Stack]:
        added = next_trials() if next_trials is not None else []
        stacks.extend(added)
        return _until(added, rungs[0] if rungs else None)

    trials = (trial for stack in stacks for trial in stack)
    runner = WaveRunner(trainers, trials, deadline, next_stacks)
    rung_runner = _RungRunner(runner, stacks, keep, rungs, halving.factor, objective, ended)
    if halving.asynchronous:
        rung_runner.run_asynchronously()
    else:
        rung_runner.run_synchronously()


def survivors(losses: Mapping[int, float], entered: int, factor: int) -> set[int]:
    """Return the trials that continue after a rung: the best of those that came to it alive.

    Args:
        losses: at the rung, by trial number; lower is better, the lower number wins a tie.
        entered: how many trials the rung began with, those that failed on the way included.
        factor: one in `factor` of them continues.

    >>> survivors({0: 0.3, 1: 0.1, 2: 0.2}, entered=4, factor=2) == {1, 2}
    True
    """
    room = math.ceil(entered / factor)
    return set(sorted(losses, key=lambda number: (losses[number], number))[:room])


@dataclass
class _RungRunner:
    """The rungs of one wave, and the trials on them."""

    runner: WaveRunner
    stacks: Sequence[Stack]
    keep: Keep
    rungs: Sequence[int]
    factor: int
    objective: Objective
    ended: Sequence[Result]

    def run_synchronously(self) -> None:
        """Let every trial come to a rung before any continues."""
        running = {result.trial for result in self.ended} | {trial.number for stack in self.stacks for trial in stack}
        stacks = list(self.stacks)
        for rung in self.rungs:
            paused = self._train_to(rung, stacks)
            if self.runner.deadline.passed:
                self._time_out(paused.values())
                return
            losses = {result.trial: self.objective.to_minimise(result.metrics) for result in paused.values()}
            for result in self.ended:
                if result.trial in running and (loss := self._loss_at(result, rung)) is not None:
                    losses[result.trial] = loss
            continuing = survivors(losses, len(running), self.factor)
            stopped = [result for result in paused.values() if result.trial not in continuing]
            self._stop(stopped, rung, math.ceil(len(running) / self.factor), len(running))
            running, stacks = continuing, _only(stacks, continuing)
        for results in self.runner.train(_until(stacks, None)):
            self.keep(results)

    def run_asynchronously(self) -> None:
        """Decide about each trial as it comes to a rung, among those that came before."""
        losses: dict[int, list[float]] = defaultdict(list)  # sorted, at each rung
        for result in self.ended:
            for rung in self.rungs:
                if (loss := self._loss_at(result, rung)) is not None:
                    insort(losses[rung], loss)
        following = dict(zip(self.rungs, (*self.rungs[1:], None), strict=True))
        for results in self.runner.train(_until(self.stacks, self.rungs[0] if self.rungs else None)):
            self.keep([result for result in results if result.state is not State.PAUSED])
            paused = sorted((r for r in results if r.state is State.PAUSED), key=lambda r: (r.epochs, r.trial))
            if self.runner.deadline.passed:
                self._time_out(paused)
                continue
            continuing: defaultdict[int, set[int]] = defaultdict(set)
            for result in paused:
                rung, loss = result.epochs, self.objective.to_minimise(result.metrics)
                insort(losses[rung], loss)
                room = math.ceil(len(losses[rung]) / self.factor)
                if losses[rung].index(loss) < room:
                    continuing[rung].add(result.trial)
                else:
                    self._stop([result], rung, room, len(losses[rung]))
            for rung, numbers in continuing.items():
                self.runner.trainers.submit(_until(_only(self.stacks, numbers), following[rung]))

    def _train_to(self, rung: int, stacks: Iterable[Stack]) -> dict[int, Result]:
        """Train up to a rung; keep the results of the trials that end, return those of the trials that wait."""
        paused: dict[int, Result] = {}
        for results in self.runner.train(_until(stacks, rung)):
            paused |= {result.trial: result for result in results if result.state is State.PAUSED}
            self.keep([result for result in results if result.state is not State.PAUSED])
        return paused

    def _stop(self, results: Sequence[Result], rung: int, room: int, count: int) -> None:
        reason = f"not among the best {room} of {count} after {rung} epochs"
        self.runner.trainers.discard([result.trial for result in results])
        self.keep([replace(result, state=State.STOPPED, error=reason) for result in results])

    def _time_out(self, results: Iterable[Result]) -> None:
        reason = self.runner.deadline.reason
        self.keep([replace(result, state=State.TIMED_OUT, error=reason) for result in results])

    def _loss_at(self, result: Result, rung: int) -> float | None:
        metrics = metrics_at(result, rung)
        return None if metrics is None else self.objective.to_minimise(metrics)


def metrics_at(result: Result, rung: int) -> Metrics | None:
    """Return the metrics of an ended trial at a rung; None if it did not come to it alive."""
    if result.epochs > rung or (result.epochs == rung and result.state is not State.DIVERGED):
        return result.curve[rung - 1].metrics
    return None


def _only(stacks: Iterable[Stack], numbers: set[int]) -> list[Stack]:
    """Stacks with some of their trials; those that were trained together stay together."""
    kept = (tuple(trial for trial in stack if trial.number in numbers) for stack in stacks)
    return [stack for stack in kept if stack]


def _until(stacks: Iterable[Stack], rung: int | None) -> list[Stack]:
    return [tuple(replace(trial, until=rung) for trial in stack) for stack in stacks]
