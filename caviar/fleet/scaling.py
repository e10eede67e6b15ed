"""Scales the trainers of a pool with the cluster: starts them when there is room, and removes lost ones.

A trainer is *starting* until it answers for the first time; it gets no lease until then, so that no trial waits for a
node that is not up yet.
"""

import logging
import math
import sys
import time
from dataclasses import dataclass, field

import ray
from ray import ObjectRef, ObjectRefGenerator
from ray.actor import ActorHandle
from ray.exceptions import OutOfMemoryError, RayError

from caviar.errors import ClusterError
from caviar.fleet.cluster import free_trainers, total_trainers, waiting_tasks
from caviar.fleet.head import Head
from caviar.fleet.losses import loss_reason
from caviar.fleet.placement import Placement
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.actor import Trainer
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable

_PATIENCE = 20  # times as many trainers in a row may die while starting if it is for lack of memory
logger = logging.getLogger("caviar")


@dataclass(eq=False)
class Worker:
    """A trainer as its pool sees it; times are from the monotonic clock."""

    actor: ActorHandle
    start_time: float = field(default_factory=time.monotonic)
    name: str = ""  # host:process, once it is ready
    leases: list[ObjectRefGenerator] = field(default_factory=list)  # streams of events, oldest lease first
    last_message: float = 0.0
    running: dict[int, float] = field(default_factory=dict)  # trial numbers to start times
    ping: ObjectRef | None = None


class TrainerGroup:
    """The trainers of a pool on the connected cluster; those that it has no room for make its autoscaler add nodes.

    Raises:
        ClusterError: a local Ray has no room for a single trainer.
    """

    def __init__(
        self,
        trainable: Trainable,
        metric: str,
        placement: Placement,
        settings: PoolSettings,
    ) -> None:
        self.ready: list[Worker] = []
        self.starting: dict[ObjectRef, Worker] = {}  # by the reference to its first answer
        self._placement, self._settings = placement, settings
        self._head = Head(ray.get_runtime_context().gcs_address, settings.head_seconds)
        room = total_trainers(placement.resources)
        if room < 1 and placement.address is None:
            raise ClusterError(f"Ray has no room for a trainer with {self._needs()}; add a node or ask for less")
        self._count = placement.workers or 0  # 0: as many as there is room for
        self._free = free_trainers(placement.resources)  # at the last comparison, less those started since
        self._next_scale = self._next_report = 0.0
        self._false_starts = 0
        self._next_look = math.inf if isinstance(trainable, NetworkTrainable) else 0.0  # for tasks of trials that wait
        self._waited = False  # at the last look
        memory = placement.resources.get("memory")
        if memory is not None and sys.platform != "linux":  # the driver and the trainers have the same system
            logger.warning(
                "memory limits need Linux: here resources['memory'] only reserves memory, and a trial may take more"
            )
        self._arguments = (ray.put(trainable), metric, placement.trial_timeout, placement.threads, memory)

    @property
    def size(self) -> int:
        return self._count or max(1, len(self.ready) + len(self.starting) + self._free)

    def scale(self, trials: int) -> None:
        """Start trainers if the cluster has room, but no more than there are trials."""
        now = time.monotonic()
        if now < self._next_scale and (self.ready or self.starting):
            return
        self._next_scale = now + self._settings.scale_seconds
        if not self._head.answers():
            return  # what follows would wait for it, and Ray would end this process
        size = len(self.ready) + len(self.starting)
        if self._count:
            self._start(min(self._count, trials) - size)
        elif size < trials:
            self._free = max(free_trainers(self._placement.resources) - len(self.starting), 0)
            self._start(max(min(trials - size, self._free), 0 if size else 1))
        self._report_slow_starts(now)
        self._report_waiting_tasks(now)

    def confirm_start(self, answer: ObjectRef) -> None:
        """Mark a starting trainer as ready if it answered, or drop it if it died; fail if several in a row die."""
        worker = self.starting.pop(answer)
        try:
            worker.name = ray.get(answer)
        except RayError as error:
            self._false_starts += 1
            is_short = isinstance(error, OutOfMemoryError)  # perhaps until a trial of another trainer has ended
            if self._false_starts >= self._settings.false_starts * (_PATIENCE if is_short else 1):
                memory = self._placement.resources.get("memory")
                remedy = "check what they need to import"
                if is_short:
                    remedy = "free some on their machines, or ask for fewer workers"
                elif memory is not None:
                    remedy += (
                        f", or give them more memory than {memory:,.0f} bytes, which must hold Python and all of that"
                    )
                raise ClusterError(f"trainers cannot start: {loss_reason(error)}; {remedy}") from None
            return
        self._false_starts = 0
        worker.last_message = time.monotonic()
        self.ready.append(worker)

    def remove(self, worker: Worker, replace: bool) -> None:
        """Stop a ready trainer, and start another one at once if it should be replaced."""
        ray.kill(worker.actor)
        self.ready.remove(worker)
        if replace:
            self._start(1)

    def shutdown(self) -> None:
        """Stop all trainers."""
        for worker in (*self.ready, *self.starting.values()):
            ray.kill(worker.actor)
        self.ready, self.starting = [], {}

    def _start(self, count: int) -> None:
        resources = dict(self._placement.resources)
        cpu, gpu, memory = resources.pop("cpu", 1.0), resources.pop("gpu", 0.0), resources.pop("memory", None)
        # without Ray's own retries, which could silently run a trial twice
        trainer = ray.remote(max_restarts=0, max_task_retries=0, concurrency_groups={"control": 1})(Trainer).options(
            num_cpus=cpu, num_gpus=gpu, memory=memory, resources=resources, scheduling_strategy="SPREAD"
        )
        self._free = max(self._free - max(count, 0), 0)
        for _ in range(count):
            worker = Worker(trainer.remote(*self._arguments))
            self.starting[worker.actor.ping.remote()] = worker

    def _report_slow_starts(self, now: float) -> None:
        """Give up on trainers that the cluster has no room for, or log that the pool is waiting for them."""
        limit = self._settings.start_seconds
        slow = [answer for answer, worker in self.starting.items() if now - worker.start_time > limit]
        if not slow or free_trainers(self._placement.resources) > 0:
            return
        if not self._count:
            for answer in slow[0 if self.ready else 1 :]:
                ray.kill(self.starting.pop(answer).actor)
        if (self._count or not self.ready) and now >= self._next_report:
            self._next_report = now + self._settings.report_seconds
            logger.warning(
                "%d of %d trainers are ready; waiting for %s for each of the others "
                "(the cluster has room for %d in all, some of it used by others)",
                len(self.ready), self._count or 1, self._needs(), total_trainers(self._placement.resources),
            )  # fmt: skip

    def _report_waiting_tasks(self, now: float) -> None:
        """Say once if a task waits that a trial may have started, since it would wait until the study is over."""
        if now < self._next_look or self.starting:
            return
        needs = waiting_tasks() if self.ready else {}
        if needs and self._waited:
            self._next_look = math.inf
            logger.warning(
                "a task or actor waits for %s, which the trainers of this study hold; if a trial uses Ray itself, "
                "leave it some with fewer workers, such as workers=%d",
                ", ".join(f"{amount:g} {name}" for name, amount in needs.items()), max(1, len(self.ready) - 1),
            )  # fmt: skip
        else:
            self._waited, self._next_look = bool(needs), now + self._settings.waiting_seconds / 2

    def _needs(self) -> str:
        return ", ".join(f"{amount:g} {name}" for name, amount in self._placement.resources.items())
