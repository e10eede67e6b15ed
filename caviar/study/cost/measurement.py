"""Measures for a moment what a study will train, in trainers like its own, but outside of its folder and journal.

Stacks of the built-in network train for some mini-batches, as many at once as there are trainers, which share caches
and memory. Of a user's function, two trials of the first wave are trained as they are.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from caviar._temporary import temporary_folder
from caviar.errors import InputError
from caviar.fleet.connect import Start, open_pool
from caviar.fleet.messages import Done, Report, Stack, Started
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import Metrics, State
from caviar.study.cost.peak import PeakRecorder, largest
from caviar.study.cost.sample import EPOCH_SECONDS, PEAK_BYTES, Sample
from caviar.study.target import Target

_PROBE_SECONDS = 60.0  # after which a probe that has reported is not trained to its end


@dataclass(frozen=True)
class Measurement:
    """What was measured of some trainings.

    Args:
        seconds: of an epoch of each stack, or of each trial of a function.
        workers: how many trainers there are.
        start: seconds until the first of them trained.
        peak: bytes that the largest process of a trainer or a trial took; 0 where the system does not say.
        metrics: of a report.
        reports: how many a trial makes.
    """

    seconds: tuple[float, ...]
    workers: int
    start: float
    peak: int
    metrics: Metrics = field(default_factory=dict)
    reports: int = 1


def measure_stacks(trainable: NetworkTrainable, stacks: Sequence[Stack], placement: Placement) -> Measurement:
    """Train stacks of networks for a moment, and return the seconds that a whole epoch of each takes."""
    begun, unlimited = time.monotonic(), replace(placement, trial_timeout=None)
    with open_pool(Sample(trainable), EPOCH_SECONDS, unlimited, start=Start.IN_PROCESSES) as trainers:
        start, reports = 0.0, dict[int, Metrics]()
        trainers.start(len(stacks))
        trainers.submit(stacks)
        while trainers.pending:
            for event in trainers.poll():
                match event:
                    case Started():
                        start = start or time.monotonic() - begun
                    case Report():
                        reports[event.trial] = event.metrics
                    case Done(error=error) if error:
                        raise _failed("stack", error)
        seconds = tuple(reports[stack[0].number][EPOCH_SECONDS] for stack in stacks)
        peak = int(max(metrics[PEAK_BYTES] for metrics in reports.values()))
        metrics = {
            name: v for name, v in reports[stacks[0][0].number].items() if name not in (EPOCH_SECONDS, PEAK_BYTES)
        }
        return Measurement(seconds, trainers.workers, start, peak, metrics, trainable.epochs)


def measure_trials(
    target: Target, stacks: Sequence[Stack], metric: str, epochs: int, placement: Placement
) -> Measurement:
    """Train trials of a user's function, in no folder of a study, and return the seconds of each.

    One that has reported, but not ended after a minute, is ended, and its time extrapolated to `epochs` reports.
    """
    assert target.function is not None
    begun = time.monotonic()
    with temporary_folder() as folder:
        recorded = replace(target, function=PeakRecorder(target.function, folder))
        trainable = recorded.trainable(epochs, metric, placement)
        with open_pool(trainable, metric, placement, start=Start.IN_PROCESSES) as trainers:
            trainers.start(len(stacks))
            trainers.submit(stacks)
            probe = _Probe(epochs)
            while trainers.pending and not probe.is_enough(stacks):
                probe.look(trainers)
            seconds = tuple(probe.seconds(stack[0].number) for stack in stacks)
            start = min(probe.begun.values(), default=begun) - begun
            counts = max(map(len, probe.reports.values()), default=0)
            metrics = next((reports[-1].metrics for reports in probe.reports.values() if reports), {})
            return Measurement(seconds, trainers.workers, start, largest(folder), metrics, counts)


class _Probe:
    """Trials of a function in training: when they began and ended, and what they reported."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self.begun: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        self.reports: dict[int, list[Report]] = {}

    def look(self, trainers: Trainers) -> None:
        """Take up the next events; raise InputError if a trial has failed."""
        for event in trainers.poll():
            now = time.monotonic()
            match event:
                case Started():
                    self.begun[event.trial] = now
                case Report():
                    self.reports.setdefault(event.trial, []).append(event)
                case Done(state=State.FINISHED | State.DIVERGED | State.TIMED_OUT):
                    self._ended[event.trial] = now
                case Done():
                    raise _failed("trial", event.error)

    def is_enough(self, stacks: Sequence[Stack]) -> bool:
        """Return whether every trial has ended, or reported after a minute."""
        now = time.monotonic()
        return all(
            trial.number in self._ended
            or (now - self.begun.get(trial.number, now) > _PROBE_SECONDS and self.reports.get(trial.number))
            for (trial,) in stacks
        )

    def seconds(self, trial: int) -> float:
        """Return the seconds of a trial, or those that it would take."""
        if trial in self._ended:
            return self._ended[trial] - self.begun[trial]
        last = self.reports[trial][-1]
        return last.seconds * max(1.0, self._epochs / last.epoch)


def _failed(what: str, error: str) -> InputError:
    """Return the error for a stack or a trial from which no time can be measured."""
    return InputError(f"no forecast: a {what} that was trained to measure the time failed ({error}); fix it first")
