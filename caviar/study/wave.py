"""One wave: trials out to the pool, results in, each on disk before it counts."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from caviar.fleet.messages import Done, Event, Printed, Report, Stack, Started
from caviar.records.trial import Trial
from caviar.records.trial import Curve, Result

More = Callable[[], list[Stack]]


class Fleet(Protocol):
    """What a wave needs of a pool of trainers."""

    @property
    def pending(self) -> int: ...
    def submit(self, stacks: Iterable[Stack]) -> None: ...
    def poll(self, timeout: float = 1.0) -> list[Event]: ...
    def discard(self, trials: Sequence[int]) -> None: ...
    def stop(self, reason: str) -> list[Event]: ...


class Deadline:
    """The end of the time that a study has.

    Args:
        seconds: from now on; None: there is no end.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self.reason = "" if seconds is None else f"the study ran over its {seconds:g} s"

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() > self._end


class Gathering:
    """Turns the events of a wave's trials into results.

    Args:
        fleet: what trains them.
        trials: all that may be trained.
        deadline: when it passes, what runs is stopped.
        more: gives stacks to be trained besides, whenever there may be room for some; None: there are no others.
    """

    def __init__(self, fleet: Fleet, trials: Iterable[Trial], deadline: Deadline, more: More | None = None) -> None:
        self.fleet, self.deadline = fleet, deadline
        self._more = more
        self._trials = {trial.number: trial for trial in trials}
        self._curves: dict[int, Curve] = {}
        self._printed: dict[int, str] = {}

    def train(self, stacks: Iterable[Stack]) -> Iterator[list[Result]]:
        """Train stacks, and those submitted meanwhile; yields the results of each turn, in any order.

        The result of a trial that was told to pause has the state "paused".
        """
        self.fleet.submit(stacks)
        self._submit_more()
        while self.fleet.pending:
            events = self.fleet.poll()
            if self.deadline.over:
                events += self.fleet.stop(self.deadline.reason)
            yield self._results(events)
            self._submit_more()

    def _submit_more(self) -> None:
        if self._more is not None and not self.deadline.over and (stacks := self._more()):
            self._trials.update((trial.number, trial) for stack in stacks for trial in stack)
            self.fleet.submit(stacks)

    def _results(self, events: Iterable[Event]) -> list[Result]:
        ended: list[Result] = []
        for event in events:
            if isinstance(event, Started):  # a trial that lost its worker begins anew
                self._curves[event.trial] = self._curves.get(event.trial, [])[: event.reports]
            elif isinstance(event, Report):
                self._curves[event.trial].append((event.epoch, event.seconds, event.metrics))
            elif isinstance(event, Printed):
                self._printed[event.trial] = event.text
            else:
                ended.append(self._result(event))
        return ended

    def _result(self, event: Done) -> Result:
        trial = self._trials[event.trial]
        curve = self._curves.pop(trial.number, [])
        if event.state == "paused":
            self._curves[trial.number] = list(curve)  # it may go on
        printed = self._printed.pop(trial.number, "")
        return Result(
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
            output=event.output or printed,  # a trial that was ended from outside has no last word
        )


def trials_of(configs: Iterable[dict[str, Any]], seed: int, wave: int, first: int) -> list[Trial]:
    """The trials of a wave, numbered from `first`, each with a seed of its own from (study seed, wave, number)."""
    return [
        Trial(number, wave, config, trial_seed(seed, wave, number))
        for number, config in enumerate(configs, start=first)
    ]


def trial_seed(seed: int, wave: int, number: int) -> int:
    """The seed of a trial: 32 bits, the same whatever the number of workers or the order of arrival."""
    return int(np.random.SeedSequence((seed, wave, number)).generate_state(1)[0])


def run_wave(
    fleet: Fleet,
    stacks: Sequence[Stack],
    keep: Callable[[list[Result]], None],
    deadline: Deadline | None = None,
    more: More | None = None,
) -> None:
    """Train the stacks of a wave to their ends.

    Args:
        fleet: what trains them.
        stacks: of the trials that are left of the wave.
        keep: is given the results of each turn of the loop, in any order.
        deadline: of the study.
        more: as of a `Gathering`.
    """
    trials = (trial for stack in stacks for trial in stack)
    for results in Gathering(fleet, trials, deadline or Deadline(), more).train(stacks):
        keep(results)
