"""Which trainer gets which stacks, and what happens to them when a trainer is lost. Pure: no Ray, no clock.

Stacks are handed out in *leases*: one long stack, or several short ones worth about `lease_seconds`, to spread the
cost of a message. A trainer with short leases gets a second one before the first has ended, while many stacks wait.

When a trainer is lost, the trials that it had started are *quarantined*: each runs again alone in its lease. Only a
trial that was alone when its trainer was lost is blamed for it; a trial that is blamed `max_losses` times fails. Trials
that were only queued at the lost trainer run again without blame.

If several trainers are lost at once for lack of memory, any of their trials may have taken it. All share the blame: a
trial then fails only after twice as many losses, and no other of them runs beside its last attempts.

A paused trial stays in the trainer that trained it. When submitted again, it continues there; if that trainer was lost,
it starts over on any trainer.
"""

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Sequence
from enum import Enum

from caviar.fleet.messages import Done, Event, Lease, Stack
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.records.trial import State, Trial


class Blame(Enum):
    """How far the trials of a lost trainer are to blame for its loss."""

    NONE = "none"
    SHARED = "shared"  # with the trials of other trainers that were lost at the same moment
    FULL = "full"


class Dispatcher:
    """The queue of stacks, and the leases that each worker holds.

    >>> dispatcher = Dispatcher()
    >>> dispatcher.submit([(Trial(0, 1, {"x": 0.5}, seed=7),)])
    >>> len(dispatcher.next_lease("worker", workers=1))
    1
    """

    def __init__(self, settings: PoolSettings = DEFAULTS) -> None:
        self._settings = settings
        self._queue: deque[Stack] = deque()
        self._quarantined: deque[Trial] = deque()
        self._leases: dict[Hashable, deque[Lease]] = {}  # by worker, oldest first
        self._holders: dict[int, Hashable] = {}  # the workers of trials that are paused or may pause
        self._holder_queues: dict[Hashable, deque[Stack]] = {}
        self._unfinished: dict[int, Stack] = {}  # trial number to its stack, until its Done is counted
        self._losses: Counter[int] = Counter()  # for which a trial is blamed
        self._shared: set[int] = set()  # the trials that share the blame for a loss
        self._stack_seconds: float | None = None  # running mean

    @property
    def pending(self) -> int:
        """The number of trials that have not ended."""
        return len(self._unfinished)

    def width(self, trial: int) -> int:
        """Return the number of trials that train together with a trial, including itself."""
        return len(self._unfinished.get(trial, (trial,)))

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks in this order; paused trials are queued for the workers that hold them."""
        for stack in stacks:
            by_holder: dict[Hashable, Stack] = {}
            for trial in stack:
                holder = self._holders.get(trial.number)
                by_holder[holder] = (*by_holder.get(holder, ()), trial)
            for holder, part in by_holder.items():
                (self._queue if holder is None else self._holder_queues.setdefault(holder, deque())).append(part)
                self._unfinished.update((trial.number, part) for trial in part)

    def take_queued(self) -> list[Stack]:
        """Remove and return the stacks that any worker may train, and that none does yet."""
        stacks = [*((trial,) for trial in self._quarantined), *self._queue]
        self._quarantined.clear()
        self._queue.clear()
        for stack in stacks:
            for trial in stack:
                del self._unfinished[trial.number]
        return stacks

    def holds_paused(self, worker: Hashable) -> bool:
        """Return whether a worker holds paused trials, or may soon."""
        return worker in self._holders.values()

    def discard(self, trials: Iterable[int]) -> None:
        """Drop paused trials that will not continue."""
        for number in trials:
            self._holders.pop(number, None)

    def stop(self) -> None:
        """Drop all trials."""
        self._queue.clear()
        self._quarantined.clear()
        self._holder_queues.clear()
        self._unfinished.clear()

    def next_lease(self, worker: Hashable, workers: int) -> Lease | None:
        """Return the next lease for one of `workers` workers, or None if it should not get one now."""
        leases = self._leases.setdefault(worker, deque())
        if leases and not self._may_prefetch(leases, workers):
            return None
        if self._quarantined and leases:
            return None  # a quarantined trial runs on a worker that has nothing else to lose
        if (suspect := self._next_suspect()) is not None:
            lease: Lease = ((suspect,),)
        elif holder_queue := self._holder_queues.get(worker):
            lease = (holder_queue.popleft(),)
        else:
            count = min(self._stacks_per_lease(workers), len(self._queue))
            lease = tuple(self._queue.popleft() for _ in range(count))
        if not lease:
            return None
        leases.append(lease)
        self._holders.update((trial.number, worker) for stack in lease for trial in stack if trial.until is not None)
        return lease

    def _next_suspect(self) -> Trial | None:
        """Remove and return the next quarantined trial that may run now; None if there is none."""
        if not self._quarantined:
            return None
        held = (trial for leases in self._leases.values() for lease in leases for stack in lease for trial in stack)
        others = [trial for trial in held if trial.number in self._unfinished and trial.number in self._shared]
        for suspect in self._quarantined:
            shared = [suspect, *others] if others and suspect.number in self._shared else []
            if not any(self._losses[trial.number] >= self._settings.max_losses - 1 for trial in shared):
                self._quarantined.remove(suspect)
                return suspect
        return None

    def receive(self, events: Iterable[Event]) -> list[Event]:
        """Return the events that count: those of trials that have not already ended, since a trial may run twice."""
        counted: list[Event] = []
        for event in events:
            if event.trial in self._unfinished:
                counted.append(event)
                if isinstance(event, Done):
                    stack = self._unfinished.pop(event.trial)
                    if event.state is not State.PAUSED:
                        self._holders.pop(event.trial, None)
                    self._measure(event.seconds * len(stack))
        return counted

    def finish_lease(self, worker: Hashable) -> None:
        """Remove a worker's oldest lease, which has ended."""
        self._leases[worker].popleft()

    def lose(self, worker: Hashable, reason: str, blame: Blame = Blame.FULL, name: str = "") -> list[Event]:
        """Remove a lost worker and queue its trials again; return a `Done` for each that fails.

        The reason and the name of the worker, host:process, go into each `Done`.
        """
        leases = [lease for lease in self._leases.pop(worker, ()) if not self._has_ended(lease)]
        failures: list[Event] = []
        self._holders = {number: holder for number, holder in self._holders.items() if holder != worker}
        self._queue.extendleft(reversed(self._holder_queues.pop(worker, deque())))
        for position, lease in enumerate(leases):
            alone = position == 0 and len(lease) == 1 and len(lease[0]) == 1
            for stack in lease:
                unfinished = tuple(trial for trial in stack if trial.number in self._unfinished)
                if not unfinished:
                    continue
                if position > 0 or blame is Blame.NONE:
                    self._queue.appendleft(unfinished)
                elif alone:
                    failures += self._blame(unfinished[0], blame, reason, name)
                else:
                    self._quarantined.extend(unfinished)
                    self._unfinished.update((trial.number, (trial,)) for trial in unfinished)
        return failures

    def _blame(self, trial: Trial, blame: Blame, reason: str, name: str) -> list[Event]:
        """Count a loss against a trial, which then runs again or fails."""
        self._losses[trial.number] += 1
        losses, limit = self._losses[trial.number], self._settings.max_losses
        if blame is Blame.SHARED:
            self._shared.add(trial.number)
        if losses < (2 * limit if blame is Blame.SHARED else limit):
            self._quarantined.append(trial)
            return []
        del self._unfinished[trial.number]
        error = f"its worker was lost {losses} times: {reason}"
        return [Done(trial.number, State.FAILED, error, 0.0, name)]

    def _may_prefetch(self, leases: Sequence[Lease], workers: int) -> bool:
        if len(leases) > 1:
            return False
        if self._has_ended(leases[0]):
            return True  # only the end of its stream has yet to arrive
        seconds = self._stack_seconds
        short = seconds is not None and seconds * len(leases[0]) < self._settings.prefetch_seconds
        return short and len(self._queue) > 4 * workers  # of few stacks, the longest would wait behind another

    def _has_ended(self, lease: Lease) -> bool:
        """Return whether all trials of a lease have ended; stacks train in order, so the last one decides."""
        return not any(trial.number in self._unfinished for trial in lease[-1])

    def _stacks_per_lease(self, workers: int) -> int:
        if self._stack_seconds is None:
            return 1
        enough = round(self._settings.lease_seconds / max(self._stack_seconds, 1e-9))
        fair_share = len(self._queue) // (2 * workers)
        return max(1, min(enough, self._settings.lease_stacks, fair_share))

    def _measure(self, seconds: float) -> None:
        mean = self._stack_seconds
        self._stack_seconds = seconds if mean is None else mean + 0.1 * (seconds - mean)
