"""A fleet in virtual time: workers that take drawn durations and die now and then, behind the real dispatcher."""

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Sequence

from caviar.fleet.dispatch import Dispatcher
from caviar.fleet.messages import Done, Event, Lease, Report, Stack, Started
from caviar.records.trial import Trial


class SimulatedFleet:
    """What a driver needs of a pool, without Ray and without waiting.

    Args:
        workers: how many.
        duration: the seconds that a trial takes.
        deaths: the mean seconds between two losses of a random worker; None: none dies.
        killers: trials that take their worker with them whenever they run.
        epochs: how many reports a trial gives.
        score: the metric of a trial's number and epoch.
    """

    def __init__(
        self,
        workers: int,
        duration: Callable[[Trial], float],
        deaths: float | None = None,
        killers: Iterable[int] = (),
        seed: int = 0,
        epochs: int = 1,
        score: Callable[[int, int], float] = lambda number, epoch: float(number),
    ) -> None:
        self.dispatcher = Dispatcher()
        self.workers, self.trainable = workers, None
        self.now = 0.0
        self.busy = 0.0
        self.starts = 0
        self.epochs = 0  # how many were trained
        self._epochs, self._score = epochs, score
        self._paused: dict[int, tuple[int, int]] = {}  # where a paused trial is, and how many reports it has given
        self._given: dict[int, int] = {}
        self.last_start: dict[int, float] = {}
        self._random = random.Random(seed)
        self._duration, self._killers, self._deaths = duration, frozenset(killers), deaths
        self._order = itertools.count()
        self._names = itertools.count(workers)
        self._agenda: list[tuple[float, int, str, int, Stack]] = []
        self._leases: dict[int, list[Lease]] = {worker: [] for worker in range(workers)}
        if deaths is not None:
            self._plan(self._random.expovariate(1 / deaths), "death", -1, ())

    @property
    def pending(self) -> int:
        return self.dispatcher.pending

    def submit(self, stacks: Iterable[Stack]) -> None:
        self.dispatcher.submit(stacks)
        for worker in list(self._leases):
            self._feed(worker)

    def discard(self, trials: Sequence[int]) -> None:
        self.dispatcher.discard(trials)
        for number in trials:
            self._paused.pop(number, None)

    def stop(self, reason: str) -> list[Event]:
        begun = [stack for _, _, what, _, stack in self._agenda if what == "end"]
        ends: list[Event] = [Done(trial.number, "timed_out", reason, 0.0, "") for stack in begun for trial in stack]
        counted = self.dispatcher.receive(ends)
        self.dispatcher.stop()
        return counted

    def poll(self, timeout: float = 1.0) -> list[Event]:
        if not self._agenda:
            return []
        self.now, _, what, worker, stack = heapq.heappop(self._agenda)
        if what == "death":
            self._plan(self.now + self._random.expovariate(1 / (self._deaths or 1)), "death", -1, ())
            return self._lose(self._random.choice(list(self._leases)), "a drawn death")
        if worker not in self._leases:
            return []  # it died meanwhile
        if what == "start":
            self.starts += len(stack)
            self.last_start.update((trial.number, self.now) for trial in stack)
            seconds = sum(self._duration(trial) for trial in stack)
            deadly = any(trial.number in self._killers for trial in stack)
            self._plan(self.now + seconds, "kill" if deadly else "end", worker, stack)
            given = {trial.number: self._paused.get(trial.number, (worker, 0)) for trial in stack}
            self._given.update((n, reports if home == worker else 0) for n, (home, reports) in given.items())
            return self.dispatcher.receive([Started(trial.number, self._given[trial.number]) for trial in stack])
        if what == "kill":
            return self._lose(worker, "it took its worker with it")
        self.busy += sum(self._duration(trial) for trial in stack)
        events: list[Event] = []
        for trial in stack:
            until = trial.until or self._epochs
            self.epochs += until - self._given[trial.number]
            for epoch in range(self._given[trial.number] + 1, until + 1):
                metrics = {"score": self._score(trial.number, epoch)}
                events.append(Report(trial.number, epoch, self._duration(trial), metrics))
            state = "finished" if trial.until is None else "paused"
            self._paused[trial.number] = (worker, until)
            events.append(Done(trial.number, state, "", self._duration(trial), str(worker)))
        counted = self.dispatcher.receive(events)
        lease = self._leases[worker][0]
        rest = lease[lease.index(stack) + 1 :]
        if rest:
            self._plan(self.now, "start", worker, rest[0])
        else:
            self._leases[worker].pop(0)
            self.dispatcher.finished(worker)
            if self._leases[worker]:
                self._plan(self.now, "start", worker, self._leases[worker][0][0])
        self._feed(worker)
        return counted

    def _feed(self, worker: int) -> None:
        while (lease := self.dispatcher.next_lease(worker, len(self._leases))) is not None:
            if not self._leases[worker]:
                self._plan(self.now, "start", worker, lease[0])
            self._leases[worker].append(lease)

    def _lose(self, worker: int, reason: str) -> list[Event]:
        del self._leases[worker]
        given_up = self.dispatcher.lost(worker, reason)
        self._leases[next(self._names)] = []
        for idle in [name for name, leases in self._leases.items() if not leases]:
            self._feed(idle)
        return given_up

    def _plan(self, when: float, what: str, worker: int, stack: Stack) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), what, worker, stack))
