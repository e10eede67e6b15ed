"""A pool that lives on the cluster, for a driver that reaches it through Ray Client alone (`ray://`).

Ray Client passes on a hundred calls per second and no streams. So the pool runs in an actor on the cluster, and the
driver polls it with one call, whatever the number of trainers. When the client goes, so do the actor and its trainers.
"""

import logging
import queue
from collections.abc import Iterable
from dataclasses import replace
from logging.handlers import QueueHandler
from typing import NamedTuple

import ray
from ray import ObjectRef
from ray.exceptions import RayError, RayTaskError

from caviar.errors import CaviarError, ClusterError
from caviar.fleet.messages import Event, Stack
from caviar.fleet.placement import Placement
from caviar.fleet.pool import Pool
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.worker.trainables import Trainable

logger = logging.getLogger("caviar")


class Answer(NamedTuple):
    """What each call of the actor returns: events, the state of its pool, and what was logged."""

    events: list[Event]
    pending: int
    workers: int
    log: list[logging.LogRecord]


class PoolActor:
    """A pool inside an actor, which collects what is logged there."""

    def __init__(self, trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings) -> None:
        self._log: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        logger.addHandler(QueueHandler(self._log))
        logger.setLevel(logging.INFO)  # in the process of this actor; the client's own level decides what is shown
        self._pool = Pool(trainable, metric, placement, settings)

    def submit(self, stacks: list[Stack]) -> Answer:
        """Queue stacks of trials."""
        self._pool.submit(stacks)
        return self._answer()

    def poll(self, timeout: float) -> Answer:
        """Wait for events."""
        return self._answer(self._pool.poll(timeout))

    def discard(self, trials: list[int]) -> Answer:
        """Drop paused trials."""
        self._pool.discard(trials)
        return self._answer()

    def stop(self, reason: str) -> Answer:
        """Train nothing more."""
        return self._answer(self._pool.stop(reason))

    def _answer(self, events: Iterable[Event] = ()) -> Answer:
        log = [self._log.get() for _ in range(self._log.qsize())]
        return Answer(list(events), self._pool.pending, self._pool.workers, log)


class RemotePool:
    """The pool of a cluster that this process is a client of; see `Trainers` for its methods.

    Args:
        trainable, metric, placement, settings: as of a `Pool`.

    Raises:
        ClusterError: the cluster or its pool was lost; every method may raise this.
    """

    def __init__(
        self, trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings = DEFAULTS
    ) -> None:
        self.trainable = trainable
        self.pending, self.workers = 0, 1
        actor = ray.remote(num_cpus=0, max_restarts=0)(PoolActor)
        self._actor = actor.remote(trainable, metric, replace(placement, address="auto"), settings)
        self.discard([])  # its answer has the number of workers

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks of trials in this order."""
        self._receive(self._actor.submit.remote(list(stacks)))

    def poll(self, timeout: float = 1.0) -> list[Event]:
        """Wait up to `timeout` seconds and return the new events."""
        return self._receive(self._actor.poll.remote(timeout))

    def discard(self, trials: Iterable[int]) -> None:
        """Drop paused trials."""
        self._receive(self._actor.discard.remote(list(trials)))

    def stop(self, reason: str) -> list[Event]:
        """Train nothing more; return the ends of the trials in training."""
        return self._receive(self._actor.stop.remote(reason))

    def close(self) -> None:
        """End all trainers."""
        ray.kill(self._actor)

    def _receive(self, reference: ObjectRef) -> list[Event]:
        """Take an answer of the actor, log what was logged there, and return the events."""
        try:
            answer: Answer = ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, CaviarError):
                raise error.cause from None
            raise
        except (RayError, ConnectionError) as error:
            kind = type(error).__name__
            raise ClusterError(f"lost the cluster of the trainers ({kind}); continue with `caviar resume`") from error
        self.pending, self.workers = answer.pending, answer.workers
        for record in answer.log:
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)
        return answer.events
