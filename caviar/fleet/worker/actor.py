"""The trainer: what runs inside a Ray actor.

It is handed leases, trains their stacks one after the other, and yields lists of events.
"""

import contextlib
import os
import queue
import resource
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import ray

from caviar._threads import limit_all_threads
from caviar.fleet.messages import Event, Lease
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable

FLUSH_SECONDS = 0.05  # events travel together; a driver takes some thousands of messages a second
MEMORY_SHARE = 0.8  # of the machine's memory: more than that at one trainer is a trial that allocates without end


class Trainer:
    """Trains leases of trials.

    Args:
        trainable: what to train.
        metric: the name of the metric that every report is to have.
        trial_timeout: the seconds after which a trial is ended between two reports; None: no limit.
        memory: bytes that a trial may allocate before it gets a MemoryError; None: most of the machine's.
    """

    def __init__(
        self, trainable: Trainable, metric: str, trial_timeout: float | None = None, memory: float | None = None
    ) -> None:
        self._bench = StackRunner(trainable, metric, trial_timeout)
        self._limits = limit_all_threads()
        _limit_memory(memory)

    @ray.method(concurrency_group="control")  # type: ignore[untyped-decorator]
    def ping(self) -> str:
        """The trainer's name; it answers while a lease runs, so a slow trial can be told from a dead trainer."""
        return self._bench.name

    def discard(self, numbers: Iterable[int]) -> None:
        """Let paused trials go, with all that they hold; a number that is not here is no mistake."""
        self._bench.discard(numbers)

    def run(self, lease: Lease) -> Iterator[list[Event]]:
        """Train the stacks of a lease in order; yields events in batches, none of them later than FLUSH_SECONDS.

        Training has a thread of its own, so that an event is not held back by a long epoch that follows it.
        """
        outbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        ended = threading.Event()
        broken: list[BaseException] = []

        def train() -> None:
            try:
                for stack in lease:
                    for event in self._bench.train(stack):
                        outbox.put(event)
            except BaseException as error:
                broken.append(error)
            ended.set()

        threading.Thread(target=train, daemon=True).start()
        while not ended.wait(FLUSH_SECONDS):
            printed = self._bench.running.printed() if self._bench.running else []
            if events := _taken(outbox) + printed:
                yield events
        if not outbox.empty():
            yield _taken(outbox)
        if broken:
            raise broken[0]


def _taken(outbox: "queue.SimpleQueue[Event]") -> list[Event]:
    return [outbox.get() for _ in range(outbox.qsize())]


def _limit_memory(limit: float | None) -> None:
    """Let allocations of this process beyond a limit raise MemoryError, rather than bring the machine down."""
    if limit is None:
        limit = MEMORY_SHARE * _machine_memory()
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    allowed = int(limit) if hard == resource.RLIM_INFINITY else min(int(limit), hard)
    with contextlib.suppress(ValueError, OSError):  # some systems know no such limit
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def _machine_memory() -> float:
    """The bytes of memory of this machine, or of the container that it is."""
    memory = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
        memory = min(memory, float(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory
