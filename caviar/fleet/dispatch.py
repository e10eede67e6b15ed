"""Which worker gets which stacks, and what becomes of them when a worker is lost. Pure: no Ray, no clock.

Stacks are handed out in *leases*: one long stack, or as many short ones as are worth about LEASE_SECONDS, so
that the cost of a message is spread. A worker with short leases gets a second one before the first is done.

When a worker is lost, the trials that it had begun are *suspects*: they run again, each alone in its lease. Only
a trial that was alone when its worker was lost is charged with it; at MAX_LOSSES charges it is given up. The
trials that were only queued there run again without a mark.

A paused trial lives in the worker that trained it. Submitted again, it goes on there; if that worker was lost,
it runs anew wherever there is room.
"""

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Sequence

from caviar.fleet.messages import Done, Event, Lease, Stack

LEASE_SECONDS = 0.1
LEASE_STACKS = 64  # at most, so that a wave is spread over the workers
PREFETCH_SECONDS = 0.5  # leases that are longer gain nothing from a second one in waiting, and make stragglers
MAX_LOSSES = 3


class Dispatcher:
    """The queue of stacks and what each worker holds of it."""

    def __init__(self) -> None:
        self._queue: deque[Stack] = deque()
        self._suspects: deque[Stack] = deque()
        self._held: dict[Hashable, deque[Lease]] = {}
        self._homes: dict[int, Hashable] = {}  # paused trials, and those that may pause: where they live
        self._home_queues: dict[Hashable, deque[Stack]] = {}
        self._unfinished: dict[int, Stack] = {}  # trial number to its stack, until its Done is counted
        self._losses: Counter[int] = Counter()
        self._seconds_a_stack: float | None = None  # running mean of what a stack takes

    @property
    def pending(self) -> int:
        """How many trials have not ended."""
        return len(self._unfinished)

    def width(self, trial: int) -> int:
        """How many trials are trained together with a trial that has not ended, itself counted."""
        return len(self._unfinished[trial]) if trial in self._unfinished else 1

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks, in this order; those of paused trials where they are."""
        for stack in stacks:
            by_home: dict[Hashable, Stack] = {}
            for trial in stack:
                home = self._homes.get(trial.number)
                by_home[home] = (*by_home.get(home, ()), trial)
            for home, part in by_home.items():
                (self._queue if home is None else self._home_queues.setdefault(home, deque())).append(part)
                self._unfinished.update((trial.number, part) for trial in part)

    def discard(self, trials: Iterable[int]) -> None:
        """Paused trials that will not go on."""
        for number in trials:
            self._homes.pop(number, None)

    def stop(self) -> None:
        """No trial is to be trained any more."""
        self._queue.clear()
        self._suspects.clear()
        self._home_queues.clear()
        self._unfinished.clear()

    def next_lease(self, worker: Hashable, workers: int) -> Lease | None:
        """The next lease for a worker of `workers`, or None where it is to get nothing now."""
        held = self._held.setdefault(worker, deque())
        if held and not self._may_prefetch(held, workers):
            return None
        if self._suspects:
            if held:
                return None  # a suspect runs on a worker that has nothing else to lose
            lease: Lease = (self._suspects.popleft(),)
        elif at_home := self._home_queues.get(worker):
            lease = (at_home.popleft(),)
        else:
            count = min(self._stacks_a_lease(workers), len(self._queue))
            lease = tuple(self._queue.popleft() for _ in range(count))
        if not lease:
            return None
        held.append(lease)
        self._homes.update((trial.number, worker) for stack in lease for trial in stack if trial.until is not None)
        return lease

    def receive(self, events: Sequence[Event]) -> list[Event]:
        """The events that count: those of trials which have not ended already (a trial may have run twice)."""
        counted: list[Event] = []
        for event in events:
            if event.trial in self._unfinished:
                counted.append(event)
                if isinstance(event, Done):
                    stack = self._unfinished.pop(event.trial)
                    if event.state != "paused":
                        self._homes.pop(event.trial, None)
                    self._measure(event.seconds * len(stack))
        return counted

    def finished(self, worker: Hashable) -> None:
        """The oldest lease of a worker has come to its end."""
        self._held[worker].popleft()

    def lost(self, worker: Hashable, reason: str, charge: bool = True, name: str = "") -> list[Event]:
        """A worker is gone with its leases; returns the ends of the trials that are given up.

        Args:
            worker: which one.
            reason: what is known of its end, for the error of a trial that is given up.
            charge: False where the loss is known to be no trial's doing, such as a removed node.
            name: of the worker, for the row of a trial that is given up.
        """
        leases = [lease for lease in self._held.pop(worker, ()) if not self._over(lease)]
        given_up: list[Event] = []
        self._homes = {number: home for number, home in self._homes.items() if home != worker}
        self._queue.extendleft(reversed(self._home_queues.pop(worker, deque())))
        for position, lease in enumerate(leases):
            alone = position == 0 and len(lease) == 1 and len(lease[0]) == 1
            for stack in lease:
                left = tuple(trial for trial in stack if trial.number in self._unfinished)
                if not left:
                    continue
                if position > 0 or not charge:
                    self._queue.appendleft(left)
                elif not alone:
                    self._suspects.extend((trial,) for trial in left)
                    self._unfinished.update((trial.number, (trial,)) for trial in left)
                else:
                    given_up += self._charged(left, reason, name)
        return given_up

    def _charged(self, alone: Stack, reason: str, name: str) -> list[Event]:
        """The one trial that was alone on a lost worker: another try, or its end."""
        (trial,) = alone
        self._losses[trial.number] += 1
        if self._losses[trial.number] < MAX_LOSSES:
            self._suspects.append(alone)
            return []
        del self._unfinished[trial.number]
        return [Done(trial.number, "failed", f"its worker was lost {MAX_LOSSES} times: {reason}", 0.0, name)]

    def _may_prefetch(self, held: Sequence[Lease], workers: int) -> bool:
        if len(held) == 1 and self._over(held[0]):
            return True  # only its last word is missing
        seconds = self._seconds_a_stack
        short = seconds is not None and seconds * len(held[0]) < PREFETCH_SECONDS
        return len(held) == 1 and short and len(self._queue) >= workers

    def _over(self, lease: Lease) -> bool:
        """Whether all trials of a lease have ended: it is trained in order, so those of its last stack tell."""
        return not any(trial.number in self._unfinished for trial in lease[-1])

    def _stacks_a_lease(self, workers: int) -> int:
        if self._seconds_a_stack is None:
            return 1
        worth = round(LEASE_SECONDS / max(self._seconds_a_stack, 1e-9))
        fair_share = len(self._queue) // (2 * workers)
        return max(1, min(worth, LEASE_STACKS, fair_share))

    def _measure(self, seconds: float) -> None:
        last = self._seconds_a_stack
        self._seconds_a_stack = seconds if last is None else last + 0.1 * (seconds - last)
