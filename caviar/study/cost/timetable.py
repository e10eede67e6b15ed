"""The timetable of a study that has not run: its waves, what trains at the same time, and how long that takes."""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable
from caviar.records.settings import Settings
from caviar.records.trial import Trial
from caviar.study.cost.picks import Picks
from caviar.study.halving import survivors
from caviar.study.stacking import stack_trials


@dataclass(frozen=True)
class Job:
    """Trials that one trainer trains together for some epochs, as rows of the table of candidates."""

    rows: tuple[int, ...]
    epochs: int


Phase = tuple[Job, ...]  # jobs that wait for no others, in the order of their start
Configs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Timetable:
    """The phases of each wave of the search, that of the wave that confirms the winner, and the winner's last training.

    The winner trains alone, where its network was not kept; see `trains_the_winner_again`.
    """

    waves: tuple[tuple[Phase, ...], ...]
    confirm: Phase
    winner: Phase = ()

    @property
    def jobs(self) -> Iterator[Job]:
        """All jobs, in order."""
        for phase in self.phases:
            yield from phase

    @property
    def phases(self) -> Iterator[Phase]:
        """All phases, in order."""
        for wave in self.waves:
            yield from wave
        yield from filter(None, (self.confirm, self.winner))


def timetable(picks: Picks, configs: Configs, settings: Settings, trainable: Trainable, workers: int) -> Timetable:
    """Return what the trainers of a study would do if the search picked so.

    Args:
        picks: of the search.
        configs: of the candidates.
        settings: of the study.
        trainable: what trains.
        workers: how many trainers there are.
    """

    def stacks(rows: Sequence[int]) -> list[tuple[int, ...]]:
        trials = [Trial(i, 1, configs[row], 0) for i, row in enumerate(rows)]
        return [tuple(rows[trial.number] for trial in stack) for stack in stack_trials(trials, trainable, workers)]

    continuous = settings.budget.waves == "continuous"
    groups = [np.concatenate(picks.waves)] if continuous else picks.waves
    firsts = itertools.accumulate(map(len, groups), initial=0)
    waves = tuple(
        _phases(stacks([int(row) for row in rows]), picks, settings, first)
        for rows, first in zip(groups, firsts, strict=False)
    )
    rows = sorted({int(row) for wave in picks.waves for row in wave}, key=lambda row: float(picks.losses[row]))
    confirmed: list[int] = []
    if settings.confirm is not None:
        again = isinstance(trainable, NetworkTrainable)  # for its weights
        confirmed = [row for row in rows[: settings.confirm.top] for _ in range(settings.confirm.replicates + again)]
    winner = (Job((rows[0],), settings.epochs),) if trains_the_winner_again(settings, trainable) else ()
    return Timetable(waves, tuple(Job(stack, settings.epochs) for stack in stacks(confirmed)), winner)


def trains_the_winner_again(settings: Settings, trainable: Trainable) -> bool:
    """Return whether the winner trains once more at the end, to be evaluated on the test part: it was not kept."""
    if not isinstance(trainable, NetworkTrainable) or settings.confirm is not None or settings.keep:
        return False
    return len(trainable.dataset.test_x) > 0


def _phases(stacks: Sequence[tuple[int, ...]], picks: Picks, settings: Settings, first: int) -> tuple[Phase, ...]:
    """Return the phases of a wave: one, or one for each rung of early stopping, after which few trials continue.

    Args:
        stacks, picks, settings: of the wave.
        first: the number of its first trial.
    """
    halving = settings.early_stopping
    if halving is None:
        return (tuple(Job(stack, settings.epochs) for stack in stacks),)
    numbers = itertools.count(first)
    members = [[(next(numbers), row) for row in stack] for stack in stacks]
    running = {number: float(picks.losses[row]) for stack in members for number, row in stack}
    spared = range(halving.spared(settings.budget.trials))
    phases: list[Phase] = []
    for begin, end in itertools.pairwise((0, *halving.rungs(settings.epochs), settings.epochs)):
        left = (tuple(row for number, row in stack if number in running) for stack in members)
        phases.append(tuple(Job(rows, end - begin) for rows in left if rows))
        room = halving.room(len(running.keys() - set(spared)))
        kept = survivors(running, room, spared)
        running = {number: loss for number, loss in running.items() if number in kept}
    return tuple(phases)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Return how long jobs take that trainers begin in this order, each as soon as it is free.

    >>> makespan([3.0, 2.0, 2.0], workers=2)
    4.0
    """
    free = [0.0] * workers
    for job in seconds:
        heapq.heapreplace(free, free[0] + job)
    return max(free)


def wall_seconds(table: Timetable, seconds: Iterable[float], workers: int) -> float:
    """Return how long a timetable takes, phase after phase, with the seconds of its jobs in order."""
    of_jobs = iter(seconds)
    return sum(makespan([next(of_jobs) for _ in phase], workers) for phase in table.phases)
