"""What the stacks of a wave have trained so far in this run, how long it took, and what is left of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from caviar.fleet.messages import Stack
from caviar.records.replay import StudyState
from caviar.records.trial import CurvePoint, State
from caviar.study.cost.timetable import makespan


class Part(NamedTuple):
    """Training of a stack: so many of its members, for so many epochs, or for a share of a whole trial."""

    trial: int  # the first member, whose config stands for all
    width: int
    units: float


@dataclass(eq=False)
class TrainedWave:
    """A wave, and what its trials have trained in this run.

    Args:
        stacks: as they are submitted; of a wave that confirms trials, with those that are trained again.
        confirms: whether it confirms trials.
        began: when the first stack did; None before its first report.
        latest: when the last report arrived.
    """

    stacks: list[Stack]
    confirms: bool
    began: float | None = None
    latest: float = 0.0
    _curves: dict[int, dict[int, float]] = field(default_factory=dict)  # seconds of each trial after each epoch

    @property
    def trials(self) -> list[int]:
        """The numbers of the trials, stack by stack."""
        return [trial.number for stack in self.stacks for trial in stack]

    @property
    def seconds_passed(self) -> float:
        """How long it has trained up to the last report."""
        return 0.0 if self.began is None else self.latest - self.began

    def report(self, number: int, point: CurvePoint, now: float) -> None:
        """Take up a report of a trial; one that begins again forgets what it did."""
        curve = self._curves.get(number, {})
        self._curves[number] = {e: s for e, s in curve.items() if e < point.epoch} | {point.epoch: point.seconds}
        if self.began is None:
            width = next((len(stack) for stack in self.stacks if number in _numbers(stack)), 1)
            self.began = now - point.seconds * width  # the members of a stack share its seconds
        self.latest = now

    def epoch(self, number: int) -> int:
        """Return the last epoch that a trial has reported; 0 before its first report."""
        return max(self._curves.get(number, ()), default=0)

    def seconds(self, number: int) -> float:
        """Return the seconds of a trial up to its last report."""
        return self._curves[number][self.epoch(number)] if number in self._curves else 0.0

    def busy_seconds(self, workers: int) -> float:
        """Return how long trainers that nothing delays take for what has trained."""
        return makespan([sum(map(self.seconds, _numbers(stack))) for stack in self.stacks], workers)

    def measured(self, state: StudyState, by_epoch: bool) -> Iterator[tuple[Part, float]]:
        """Yield what has trained, and the seconds that a unit of it, an epoch or a whole trial, took the stack."""
        for stack in self.stacks:
            first = stack[0].number
            if by_epoch:
                yield from self._epochs(stack)
            elif (result := state.results.get(first)) and result.state is State.FINISHED and first in self._curves:
                yield Part(first, 1, 1.0), result.seconds

    def _epochs(self, stack: Stack) -> Iterator[tuple[Part, float]]:
        """Yield the epochs of a stack, those that as many members trained together."""
        curves = [self._curves[number] for number in _numbers(stack) if number in self._curves]
        totals: dict[int, tuple[int, float]] = {}  # by width: epochs, seconds
        width, last = len(stack), max(map(self.epoch, _numbers(stack)))
        for epoch in range(min(2, last), last + 1):  # the first one also starts the stack
            steps = [curve[epoch] - curve.get(epoch - 1, 0.0) for curve in curves if epoch in curve]
            if epoch == last and len(steps) < width:
                break  # the reports of some members have yet to arrive
            width = len(steps)
            epochs, seconds = totals.get(width, (0, 0.0))
            totals[width] = epochs + 1, seconds + sum(steps)
        for width, (epochs, seconds) in totals.items():
            if seconds > 0:
                yield Part(stack[0].number, width, epochs), seconds / epochs

    def left(self, state: StudyState, by_epoch: bool, generator: np.random.Generator) -> list[list[Part]]:
        """Return what each stack has left, where early stopping keeps random trials."""
        epochs, stopping = state.settings.epochs, None if self.confirms else state.settings.early_stopping
        members = [[n for n in _numbers(stack) if self._is_left(n, state)] for stack in self.stacks]
        parts: list[list[Part]] = [[] for _ in self.stacks]
        if not by_epoch:
            return [[Part(n, 1, 1.0) for n in numbers] for numbers in members]
        done = [max(map(self.epoch, numbers), default=0) for numbers in members]
        spared = state.spared
        room = sum(number not in spared for number in self.trials)
        for end in (*(stopping.rungs(epochs) if stopping else ()), epochs):
            for i, numbers in enumerate(members):
                if numbers and end > done[i]:
                    parts[i].append(Part(self.stacks[i][0].number, len(numbers), end - done[i]))
                    done[i] = end
            if stopping is not None:
                room = stopping.room(room)
                contending = [n for numbers in members for n in numbers if n not in spared]
                kept = set(generator.permutation(contending)[:room].tolist())
                members = [[n for n in numbers if n in kept or n in spared] for numbers in members]
        return parts

    def _is_left(self, number: int, state: StudyState) -> bool:
        """Return whether a trial still trains, or one that has ended is still trained again for its weights."""
        is_again = self.confirms and state.confirms(number) is None
        return self.epoch(number) < state.settings.epochs if is_again else number in state.running


def _numbers(stack: Stack) -> list[int]:
    return [trial.number for trial in stack]
