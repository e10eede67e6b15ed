"""The pool of trainers on Ray: keeps them busy, takes events as they come, replaces the dead.

A turn of the loop waits for whatever lease has something to say, and hands on its events. Ray's own retries
are off: with them, a trial whose worker died would silently have run twice.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from caviar.errors import ClusterError
from caviar.fleet.cluster import Placement, connected, free_trainers, total_trainers
from caviar.fleet.dispatch import Dispatcher
from caviar.fleet.messages import Done, Event, Stack, Started
from caviar.fleet.trainables import Trainable
from caviar.fleet.trainer import Trainer

SILENT_SECONDS = 60.0  # a lease that says nothing for so long has its trainer pinged
GRACE_SECONDS = 5.0  # a trial that runs over its time limit is ended with its trainer so much later


@dataclass(eq=False)
class _Worker:
    actor: Any
    leases: list[Any] = field(default_factory=list)  # the streams of its leases, oldest first
    heard: float = field(default_factory=time.monotonic)
    started: dict[int, float] = field(default_factory=dict)  # trials that run, and since when
    ping: Any = None


@contextlib.contextmanager
def open_pool(trainable: Trainable, metric: str, placement: Placement) -> Iterator["Pool"]:
    """Connect to Ray, hire trainers, and let them and the connection go at the end."""
    with connected(placement):
        pool = Pool(trainable, metric, placement)
        try:
            yield pool
        finally:
            pool.close()


class Pool:
    """Trainers on the connected Ray cluster.

    Args:
        trainable: what they train; put into Ray's object store once.
        metric: the name of the metric that every report is to have.
        placement: how many trainers there are to be, and what each takes.

    Raises:
        ClusterError: the cluster has no room for a single trainer.
    """

    def __init__(self, trainable: Trainable, metric: str, placement: Placement) -> None:
        self.trainable = trainable
        self._resources = placement.resources
        room = total_trainers(self._resources)
        if room < 1:
            needs = ", ".join(f"{amount:g} {name}" for name, amount in self._resources.items())
            raise ClusterError(f"the cluster has no room for a trainer of {needs}; add a node or ask for less")
        wanted = placement.workers or max(1, free_trainers(self._resources))
        self.workers = min(wanted, room)
        self._trial_timeout = placement.trial_timeout
        self._arguments = (ray.put(trainable), metric, placement.trial_timeout)
        self._dispatcher = Dispatcher()
        self._workers = [self._hire() for _ in range(self.workers)]

    @property
    def pending(self) -> int:
        """How many trials have not ended."""
        return self._dispatcher.pending

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks of trials, to be started in this order."""
        self._dispatcher.submit(stacks)

    def turn(self, timeout: float = 1.0) -> list[Event]:
        """Wait up to `timeout` seconds for news; returns the events that came, each trial's `Done` exactly once."""
        self._hand_out()
        streams = {lease: worker for worker in self._workers for lease in worker.leases[:1]}
        events: list[Event] = []
        if streams:
            ready, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0.0)
            if not ready:
                ready, _ = ray.wait(list(streams), num_returns=1, timeout=timeout)
            for stream in ready:
                events += self._read(streams[stream], stream)
        events += self._look_after_the_silent()
        return events

    def close(self) -> None:
        """End all trainers."""
        for worker in self._workers:
            ray.kill(worker.actor)
        self._workers = []

    def _hire(self) -> _Worker:
        cpu, gpu = self._resources.get("cpu", 1.0), self._resources.get("gpu", 0.0)
        others = {name: need for name, need in self._resources.items() if name not in ("cpu", "gpu")}
        trainer = ray.remote(max_restarts=0, max_task_retries=0, concurrency_groups={"control": 1})(Trainer)
        placed = trainer.options(num_cpus=cpu, num_gpus=gpu, resources=others, scheduling_strategy="SPREAD")
        return _Worker(placed.remote(*self._arguments))

    def _hand_out(self) -> None:
        for worker in self._workers:
            while (lease := self._dispatcher.hand_out(worker, len(self._workers))) is not None:
                if not worker.leases:
                    worker.heard = time.monotonic()
                worker.leases.append(worker.actor.run.options(num_returns="streaming").remote(lease))

    def _read(self, worker: _Worker, stream: Any) -> list[Event]:
        """One batch of events of a worker's oldest lease, or its end, or the loss of the worker."""
        worker.heard, worker.ping = time.monotonic(), None
        try:
            events: list[Event] = ray.get(next(stream))
        except StopIteration:
            worker.leases.pop(0)
            self._dispatcher.finished(worker)
            return []
        except RayError as error:
            return self._replace(worker, _reason(error))
        for event in events:
            if isinstance(event, Started):
                worker.started[event.trial] = worker.heard
            elif isinstance(event, Done):
                worker.started.pop(event.trial, None)
        return self._dispatcher.receive(events)

    def _replace(self, worker: _Worker, reason: str, charge: bool = True) -> list[Event]:
        """Hire another trainer for one that is lost; its trials run again."""
        ray.kill(worker.actor)
        self._workers[self._workers.index(worker)] = self._hire()
        return self._dispatcher.lost(worker, reason, charge)

    def _look_after_the_silent(self) -> list[Event]:
        """End trials that hang past their time limit; ping trainers that say nothing, replace the deaf."""
        now = time.monotonic()
        events: list[Event] = []
        for worker in list(self._workers):
            over = [t for t, since in worker.started.items() if self._overdue(now - since)]
            if over:
                ended: list[Event] = [
                    Done(t, "timed_out", f"it ran over its {self._trial_timeout:g} s", now - worker.started[t], "")
                    for t in over
                ]
                events += self._dispatcher.receive(ended)
                events += self._replace(worker, "a trial ran over its time limit", charge=False)
            elif worker.leases and now - worker.heard > SILENT_SECONDS:
                events += self._ping(worker, now)
        return events

    def _overdue(self, seconds: float) -> bool:
        return self._trial_timeout is not None and seconds > self._trial_timeout + GRACE_SECONDS

    def _ping(self, worker: _Worker, now: float) -> list[Event]:
        if worker.ping is None:
            worker.ping = worker.actor.ping.remote()
        answered, _ = ray.wait([worker.ping], timeout=0.0)
        if answered:
            worker.heard, worker.ping = now, None
        elif now - worker.heard > 2 * SILENT_SECONDS:
            return self._replace(worker, f"it said nothing for {2 * SILENT_SECONDS:g} s", charge=False)
        return []


def _reason(error: Exception) -> str:
    """The first telling line of one of Ray's long error messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kind = "its process died" if isinstance(error, RayActorError) else type(error).__name__
    return f"{kind}: {lines[0]}" if lines else kind
