"""One wave: trials out to the pool, results in, each on disk before it counts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np

from caviar.fleet.messages import Event, Report, Stack, Started, Trial
from caviar.space.scales import Array
from caviar.space.space import Space
from caviar.study.result import Curve, Result


class Fleet(Protocol):
    """What a wave needs of a pool of trainers."""

    @property
    def pending(self) -> int: ...
    def submit(self, stacks: Iterable[Stack]) -> None: ...
    def turn(self, timeout: float = 1.0) -> list[Event]: ...


def trials_of(space: Space, points: Array, seed: int, wave: int, first: int) -> list[Trial]:
    """The trials of a wave, numbered from `first`, each with a seed of its own from (study seed, wave, number)."""
    return [
        Trial(number, wave, config, trial_seed(seed, wave, number))
        for number, config in enumerate(space.configs(points), start=first)
    ]


def trial_seed(seed: int, wave: int, number: int) -> int:
    """The seed of a trial: 32 bits, the same whatever the number of workers or the order of arrival."""
    return int(np.random.SeedSequence((seed, wave, number)).generate_state(1)[0])


def run_wave(fleet: Fleet, stacks: Sequence[Stack], keep: Callable[[list[Result]], None]) -> None:
    """Train the stacks of a wave; `keep` is given the results of each turn of the loop, in any order."""
    trials = {trial.number: trial for stack in stacks for trial in stack}
    curves: dict[int, Curve] = {}
    fleet.submit(stacks)
    while fleet.pending:
        ended: list[Result] = []
        for event in fleet.turn():
            if isinstance(event, Started):
                curves[event.trial] = []  # a trial that lost its worker begins anew
            elif isinstance(event, Report):
                curves[event.trial].append((event.epoch, event.seconds, event.metrics))
            else:
                trial = trials[event.trial]
                curve = curves.pop(trial.number, [])
                ended.append(
                    Result(
                        trial=trial.number,
                        wave=trial.wave,
                        state=event.state,
                        config=trial.config,
                        metrics=curve[-1][2] if curve else {},
                        epochs=len(curve),
                        seconds=event.seconds,
                        seed=trial.seed,
                        worker=event.worker,
                        error=event.error,
                        curve=curve,
                        output=event.output,
                    )
                )
        keep(ended)
