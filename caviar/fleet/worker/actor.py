"""The trainer: what runs inside a Ray actor.

It receives leases, trains their stacks in order, and yields lists of events.
"""

import contextlib
import math
import os
import queue
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import ray

from caviar._threads import limit_all_threads
from caviar.fleet.messages import Event, Lease
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable

_FLUSH_SECONDS = 0.05  # events are sent in batches: a driver handles only a few thousand messages per second
_MEMORY_SHARE = 0.8  # of the machine's memory; a trainer that needs more is probably out of control


class Trainer:
    """A `StackRunner` behind Ray's calls.

    `memory` is how many bytes its process may allocate before a trial gets a MemoryError; None: most of the machine.
    """

    def __init__(self, trainable: Trainable, metric: str, trial_timeout: float | None, memory: float | None) -> None:
        self._runner = StackRunner(trainable, metric, trial_timeout)
        self._limits = limit_all_threads()
        _limit_memory(memory)

    @ray.method(concurrency_group="control")  # type: ignore[untyped-decorator]
    def ping(self) -> str:
        """Return the trainer's name; it answers even during a lease, to tell a slow trial from a dead trainer."""
        return self._runner.name

    def discard(self, numbers: Iterable[int]) -> None:
        """Drop paused trials and the memory that they hold."""
        self._runner.discard(numbers)

    def run(self, lease: Lease) -> Iterator[list[Event]]:
        """Train the stacks of a lease in order; yield events in batches.

        Training runs in its own thread, so that an event does not have to wait for the next epoch to end.
        """
        outbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        ended = threading.Event()
        errors: list[BaseException] = []

        def train() -> None:
            try:
                for stack in lease:
                    for event in self._runner.train(stack):
                        outbox.put(event)
            except BaseException as error:
                errors.append(error)
            ended.set()

        threading.Thread(target=train, daemon=True).start()
        while not ended.wait(_FLUSH_SECONDS):
            if events := _take_all(outbox) + self._runner.printed():
                yield events
        if not outbox.empty():
            yield _take_all(outbox)
        if errors:
            raise errors[0]


def _take_all(outbox: "queue.SimpleQueue[Event]") -> list[Event]:
    return [outbox.get() for _ in range(outbox.qsize())]


def _limit_memory(limit: float | None) -> None:
    """Make allocations beyond a limit raise MemoryError, before the machine runs out of memory; Linux only."""
    if sys.platform == "linux":
        import resource  # Windows has none

        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        soft = int(_MEMORY_SHARE * min(machine, _container_memory()) if limit is None else limit)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _container_memory() -> float:
    """Return the memory limit of this container in bytes; inf if there is none."""
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the file may say "max"
        return math.inf
