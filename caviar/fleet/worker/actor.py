"""The trainer: what runs inside a Ray actor.

It receives leases, trains their stacks in order, and yields lists of events.
"""

import os
import queue
import threading
from collections.abc import Iterable, Iterator

import ray

from caviar._threads import limit_all_threads
from caviar.fleet.address import VARIABLE
from caviar.fleet.messages import Event, Lease
from caviar.fleet.worker.limits import limit_memory
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable

_FLUSH_SECONDS = 0.05  # events are sent in batches: a driver handles only a few thousand messages per second


class Trainer:
    """A `StackRunner` behind Ray's calls.

    `threads` is how many BLAS and OpenMP may use for what trains in its process, and `memory` how many bytes that may
    allocate before it gets a MemoryError; None: most of the machine.
    """

    def __init__(
        self, trainable: Trainable, metric: str, trial_timeout: float | None, threads: int, memory: float | None
    ) -> None:
        os.environ[VARIABLE] = ray.get_runtime_context().gcs_address  # where a trial that uses Ray finds it
        self._limits = limit_all_threads(threads)
        self._runner = StackRunner(trainable, metric, trial_timeout)
        limit_memory(memory)

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
