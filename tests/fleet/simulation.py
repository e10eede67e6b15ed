"""Trainers in virtual time: what a study needs from a pool, in milliseconds, deterministic and without Ray.

Trials are trained for real, in this process, by the code of the trainers, unless only dispatching is measured; the
clock and the losses are simulated, and the real dispatcher decides who gets what.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from caviar.fleet.dispatch import Dispatcher
from caviar.fleet.messages import Done, Event, Lease, Report, Stack, Started
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable
from caviar.records.trial import State, Trial


class NoTraining:
    """A runner whose trials report 0.0 once and finish, so that nothing but dispatching takes time."""

    def __init__(self, metric: str) -> None:
        self._metrics = {metric: 0.0}

    def train(self, stack: Stack) -> Iterator[Event]:
        yield from [Started(trial.number) for trial in stack]
        for trial in stack:
            yield Report(trial.number, 1, 0.0, self._metrics)
            yield Done(trial.number, State.FINISHED, "", 0.0, "")

    def discard(self, numbers: Iterable[int]) -> None: ...


@dataclass
class SimulatedWorker:
    """A trainer, the leases that it holds, and the stack that it trains."""

    runner: StackRunner | NoTraining
    leases: deque[Lease] = field(default_factory=deque)
    stack: Stack = ()
    seconds: dict[int, float] = field(default_factory=dict)  # of each trial of the stack
    events: Iterator[Event] = field(default_factory=lambda: iter(()))


class SimulatedTrainers:
    """A `Trainers` that trains in this process, in virtual time.

    Args:
        trainable: what to train.
        metric: the name of the metric that every report must contain.
        workers: the number of trainers; a lost one is replaced at once.
        seed: of the durations and the random losses.
        duration: the virtual seconds that a lease of a trial takes; None: drawn from 0.5 to 2, so that trials end in
            a different order than they start.
        losses: how many times a trial takes its trainer down, by its number; math.inf for every time.
        loss_seconds: the mean virtual seconds between two losses of a random trainer; None: there are none.
        settings: of the dispatcher.
        trains: whether trials are trained; if not, each reports 0.0 once and finishes.

    `now` is the virtual time, `busy` the virtual seconds that the trainers have trained, `starts` the number of starts
    of trials, `epochs` the number of reports, `last_start` the virtual time of each trial's last start.

    >>> from caviar.fleet.worker.trainables import FunctionTrainable
    >>> trainers = SimulatedTrainers(FunctionTrainable(lambda config: {"loss": config["x"]}), "loss")
    >>> trainers.submit([(Trial(0, 1, {"x": 0.5}, seed=7),)])
    >>> events = []
    >>> while trainers.pending:
    ...     events += trainers.poll()
    >>> [type(event).__name__ for event in events]
    ['Started', 'Report', 'Done']
    """

    def __init__(
        self,
        trainable: Trainable,
        metric: str,
        workers: int = 4,
        seed: int = 0,
        *,
        duration: Callable[[Trial], float] | None = None,
        losses: Mapping[int, float] | None = None,
        loss_seconds: float | None = None,
        settings: PoolSettings = DEFAULTS,
        trains: bool = True,
    ) -> None:
        self.trainable, self.workers = trainable, workers
        self.now = self.busy = 0.0
        self.starts = self.epochs = 0
        self.last_start: dict[int, float] = {}
        self._metric, self._seed, self._trains = metric, seed, trains
        self._duration, self._losses, self._loss_seconds = duration, dict(losses or {}), loss_seconds
        self._dispatcher = Dispatcher(settings)
        self._random = random.Random(seed)
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], list[Event]]]] = []
        self._names = itertools.count()
        self._workers: dict[int, SimulatedWorker] = {}
        for _ in range(workers):
            self._add_worker()
        if loss_seconds is not None:
            self._schedule(self._random.expovariate(1 / loss_seconds), self._lose_any)

    @property
    def pending(self) -> int:
        """The number of trials that have not ended."""
        return self._dispatcher.pending

    def start(self, trials: int) -> None:
        """Nothing has to start."""

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks of trials in this order."""
        self._dispatcher.submit(stacks)
        for name in self._workers:
            self._hand_out_leases(name)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        """Move on to the next event in virtual time."""
        if not self._agenda:
            return []
        self.now, _, step = heapq.heappop(self._agenda)
        return step()

    def discard(self, trials: Iterable[int]) -> None:
        """Drop paused trials."""
        numbers = list(trials)
        self._dispatcher.discard(numbers)
        for worker in self._workers.values():
            worker.runner.discard(numbers)

    def stop(self, reason: str) -> list[Event]:
        """Train nothing more; return the ends of the trials in training."""
        running = [trial.number for worker in self._workers.values() for trial in worker.stack]
        counted = self._dispatcher.receive([Done(number, State.TIMED_OUT, reason, 0.0, "") for number in running])
        self._dispatcher.stop()
        return counted

    def close(self) -> None:
        """Drop what is still queued."""
        self._dispatcher.stop()

    def _schedule(self, seconds: float, step: Callable[[], list[Event]]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), step))

    def _seconds(self, trial: Trial) -> float:
        if self._duration is not None:
            return self._duration(trial)
        return random.Random(self._seed * 1_000_003 + trial.number).uniform(0.5, 2.0)

    def _add_worker(self) -> None:
        runner = StackRunner(self.trainable, self._metric) if self._trains else NoTraining(self._metric)
        self._workers[next(self._names)] = SimulatedWorker(runner)

    def _hand_out_leases(self, name: int) -> None:
        worker = self._workers[name]
        while (lease := self._dispatcher.next_lease(name, len(self._workers))) is not None:
            if not worker.leases:
                self._schedule(0.0, partial(self._start, name, lease[0]))
            worker.leases.append(lease)

    def _start(self, name: int, stack: Stack) -> list[Event]:
        if name not in self._workers:
            return []  # it was lost
        worker = self._workers[name]
        self.starts += len(stack)
        self.last_start.update((trial.number, self.now) for trial in stack)
        worker.stack, worker.events = stack, worker.runner.train(stack)
        worker.seconds = {trial.number: self._seconds(trial) for trial in stack}
        killers = [trial.number for trial in stack if self._losses.get(trial.number, 0) > 0]
        self._losses.update((number, self._losses[number] - 1) for number in killers)
        end = partial(self._lose, name, "it took its trainer with it") if killers else partial(self._finish, name)
        self._schedule(sum(worker.seconds.values()), end)
        return self._dispatcher.receive([next(worker.events)])

    def _finish(self, name: int) -> list[Event]:
        if name not in self._workers:
            return []
        worker = self._workers[name]
        self.busy += sum(worker.seconds.values())
        events: list[Event] = []
        for event in worker.events:
            if isinstance(event, Report):
                self.epochs += 1
                event = Report(event.trial, event.epoch, worker.seconds[event.trial], event.metrics)
            elif isinstance(event, Done):
                seconds, trainer = worker.seconds[event.trial], f"simulated:{name}"
                event = event._replace(seconds=seconds, worker=trainer)
            events.append(event)
        counted = self._dispatcher.receive(events)
        lease = worker.leases[0]
        following = lease[lease.index(worker.stack) + 1 :]
        worker.stack = ()
        if not following:
            worker.leases.popleft()
            self._dispatcher.finish_lease(name)
            following = worker.leases[0] if worker.leases else ()
        if following:
            self._schedule(0.0, partial(self._start, name, following[0]))
        self._hand_out_leases(name)
        return counted

    def _lose_any(self) -> list[Event]:
        self._schedule(self._random.expovariate(1 / (self._loss_seconds or 1)), self._lose_any)
        return self._lose(self._random.choice(list(self._workers)), "a random loss")

    def _lose(self, name: int, reason: str) -> list[Event]:
        if name not in self._workers:
            return []
        del self._workers[name]
        failures = self._dispatcher.lose(name, reason)
        self._add_worker()
        for idle in [name for name, worker in self._workers.items() if not worker.leases]:
            self._hand_out_leases(idle)
        return failures
