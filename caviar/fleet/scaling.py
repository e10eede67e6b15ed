"""The trainers of a pool: hired as the cluster has room for them, let go as it shrinks.

A trainer counts as here when it has answered for the first time; until then it is *coming*, and nothing is
handed to it, so that no trial waits for a machine that is not there.
"""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.autoscaler.sdk import request_resources
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    GetTimeoutError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayError,
)

from caviar.errors import ClusterError
from caviar.fleet.cluster import Placement, free_trainers, ray_names, total_trainers
from caviar.fleet.worker.actor import Trainer

LOOK_SECONDS = 1.0  # how often the crew is compared with the cluster
PATIENCE_SECONDS = 15.0  # how long a trainer may be coming before somebody is told, or it is given up
SAY_SECONDS = 60.0
ENDED_FOR_MEMORY = re.compile(r"Selected to kill: .*pid=(\d+), actual memory used=([\d.]+)GB")  # of Ray's message
FALSE_STARTS = 3  # trainers in a row that die as they start: there is something wrong with all of them


@dataclass(eq=False)
class Worker:
    """A trainer as its driver sees it."""

    actor: Any
    since: float = field(default_factory=time.monotonic)  # when it was hired
    name: str = ""  # host:process, when it is here
    leases: list[Any] = field(default_factory=list)  # the streams of its leases, oldest first
    heard: float = 0.0  # when it last said something
    started: dict[int, float] = field(default_factory=dict)  # trials that run, and since when
    ping: Any = None


class TrainerGroup:
    """The trainers on the connected cluster.

    Args:
        arguments: of each `Trainer`.
        placement: how many there are to be, and what each takes.
        say: is told what is waited for.

    Raises:
        ClusterError: this machine's Ray has no room for a single trainer.
    """

    def __init__(self, arguments: tuple[Any, ...], placement: Placement, say: Callable[[str], None]) -> None:
        self.here: list[Worker] = []
        self.coming: dict[Any, Worker] = {}  # by the reference to its first answer
        self._arguments, self._placement, self._say = arguments, placement, say
        self._wanted = placement.workers
        self._looked = self._said = -SAY_SECONDS
        self._false_starts = 0
        room = total_trainers(placement.resources)
        if room < 1 and placement.address is None:
            raise ClusterError(f"Ray has no room for a trainer of {self._needs()}; add a node or ask for less")
        if self._wanted is not None and room < self._wanted:
            request_resources(bundles=[ray_names(placement.resources)] * self._wanted)
        self._asked = self._wanted is not None and room < self._wanted
        self._free = free_trainers(placement.resources)  # the room for more, as of the last look

    @property
    def size(self) -> int:
        """How many trainers there are or will soon be."""
        return self._wanted or max(1, len(self.here) + len(self.coming) + self._free)

    def follow(self, trials: int) -> None:
        """Hire and let go as the cluster has room; no more trainers than there are trials left."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS and (self.here or self.coming):
            return
        self._looked = now
        have = len(self.here) + len(self.coming)
        if self._wanted is not None:
            self._hire(min(self._wanted, trials) - have)
        elif have < trials:
            self._free = max(free_trainers(self._placement.resources) - len(self.coming), 0)
            self._hire(max(min(trials - have, self._free), 0 if have else 1))
        self._mind_those_who_do_not_come(now)

    def arrive(self, answer: Any) -> None:
        """A coming trainer has answered, or died before it could.

        Raises:
            ClusterError: one after the other dies as it starts.
        """
        worker = self.coming.pop(answer)
        try:
            worker.name = ray.get(answer)
        except RayError as error:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                raise ClusterError(f"trainers cannot start: {reason(error)}; see what they need to import") from None
            return
        self._false_starts = 0
        worker.heard = time.monotonic()
        self.here.append(worker)

    def lose(self, worker: Worker, again: bool) -> None:
        """Let a trainer go; `again` hires another at once, without a look at the cluster."""
        ray.kill(worker.actor)
        self.here.remove(worker)
        if again:
            self._hire(1)

    def dismiss(self) -> None:
        """Let all of them go."""
        for worker in (*self.here, *self.coming.values()):
            ray.kill(worker.actor)
        self.here, self.coming = [], {}
        if self._asked:
            request_resources(bundles=[])

    def _hire(self, count: int) -> None:
        resources = dict(self._placement.resources)
        cpu, gpu, memory = resources.pop("cpu", 1.0), resources.pop("gpu", 0.0), resources.pop("memory", None)
        # Ray's own retries are off: with them, a trial whose worker died would silently have run twice
        trainer = ray.remote(max_restarts=0, max_task_retries=0, concurrency_groups={"control": 1})(Trainer)
        placed = trainer.options(
            num_cpus=cpu, num_gpus=gpu, memory=memory, resources=resources, scheduling_strategy="SPREAD"
        )
        self._free = max(self._free - max(count, 0), 0)
        for _ in range(count):
            worker = Worker(placed.remote(*self._arguments))
            self.coming[worker.actor.ping.remote()] = worker

    def _mind_those_who_do_not_come(self, now: float) -> None:
        """Give up those that the cluster has no room for, or say that they are waited for."""
        late = [answer for answer, worker in self.coming.items() if now - worker.since > PATIENCE_SECONDS]
        if not late or free_trainers(self._placement.resources) > 0:
            return
        if self._wanted is None:
            for answer in late[0 if self.here else 1 :]:
                ray.kill(self.coming.pop(answer).actor)
        if (self._wanted is not None or not self.here) and now - self._said > SAY_SECONDS:
            self._said = now
            count = self._wanted or 1
            there = total_trainers(self._placement.resources)
            self._say(
                f"{len(self.here)} of {count} trainers are here; waiting for {self._needs()} for each of the others "
                f"(the cluster has room for {there} in all, and what others use of it is not free)"
            )

    def _needs(self) -> str:
        return ", ".join(f"{amount:g} {name}" for name, amount in self._placement.resources.items())


def reason(error: Exception) -> str:
    """Why a worker was lost, out of one of Ray's long messages."""
    if isinstance(error, OutOfMemoryError):
        return "it was ended for lack of memory"
    if _away(error):
        return "its node went out of reach"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if isinstance(error, RayActorError):
        return lines[-1] if getattr(error, "actor_init_failed", False) else "its process died"
    return f"{type(error).__name__}: {lines[0]}"


def innocent(error: Exception, name: str) -> bool:
    """Whether the loss of a worker is known to be no doing of its trials.

    That is so where its node or the network went, and where Ray ended it for lack of memory with another one that
    held more.

    Args:
        error: what Ray says of its end.
        name: of the worker.
    """
    if isinstance(error, OutOfMemoryError):
        held = {pid: float(gigabytes) for pid, gigabytes in ENDED_FOR_MEMORY.findall(str(error))}
        return held.get(name.rpartition(":")[2], math.inf) < max(held.values(), default=0.0)
    return _away(error)


def _away(error: Exception) -> bool:
    """Whether a worker's node or the network to it went."""
    gone = isinstance(error, ActorUnavailableError | ObjectLostError | GetTimeoutError)
    return gone or (isinstance(error, ActorDiedError) and "its node has died" in str(error))
