"""A pool that runs on the cluster, for a driver that can reach it only through Ray Client (`ray://`).

Ray Client handles only a hundred calls per second and no streams, so the pool runs in an actor on the cluster, and the
driver polls it with one call, however many trainers there are. The actor and its trainers end when the client does.
"""

import logging
import queue
from collections.abc import Callable, Iterable
from dataclasses import replace
from logging.handlers import QueueHandler
from typing import Concatenate, NamedTuple, ParamSpec

import ray
from ray.exceptions import RayError, RayTaskError

from caviar.errors import CaviarError, ClusterError
from caviar.fleet.messages import Event, Stack
from caviar.fleet.placement import Placement
from caviar.fleet.pool import Pool
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import Trainable

logger = logging.getLogger("caviar")

_P = ParamSpec("_P")


class _Answer(NamedTuple):
    """What each call of the actor returns: events, the state of its pool, and what was logged."""

    events: list[Event]
    pending: int
    workers: int
    log: list[logging.LogRecord]


class _PoolActor:
    """A pool inside an actor, which collects what is logged there."""

    def __init__(self, trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings) -> None:
        self._log: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        logger.addHandler(QueueHandler(self._log))
        logger.setLevel(logging.INFO)  # in the process of this actor; the client's own level decides what is shown
        self._pool = Pool(trainable, metric, placement, settings)

    def call(self, method: Callable[..., list[Event] | None], *arguments: object) -> _Answer:
        events = method(self._pool, *arguments) or []
        log = [self._log.get() for _ in range(self._log.qsize())]
        return _Answer(events, self._pool.pending, self._pool.workers, log)


class RemotePool:
    """A pool on a cluster that this process is a client of, with the methods of `Trainers`.

    Each method raises a ClusterError if the cluster or its pool was lost.
    """

    def __init__(self, trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings) -> None:
        self.trainable = trainable
        self.pending, self.workers = 0, 1
        actor = ray.remote(num_cpus=0, max_restarts=0)(_PoolActor)
        self._actor = actor.remote(trainable, metric, replace(placement, address="auto"), settings)
        self.discard([])  # its answer has the number of workers

    def start(self, trials: int) -> None:
        self._call(Pool.start, trials)

    def submit(self, stacks: Iterable[Stack]) -> None:
        self._call(Pool.submit, list(stacks))

    def poll(self, timeout: float = 1.0) -> list[Event]:
        return self._call(Pool.poll, timeout)

    def discard(self, trials: Iterable[int]) -> None:
        self._call(Pool.discard, list(trials))

    def stop(self, reason: str) -> list[Event]:
        return self._call(Pool.stop, reason)

    def close(self) -> None:
        ray.kill(self._actor)

    def _call(
        self, method: Callable[Concatenate[Pool, _P], list[Event] | None], *args: _P.args, **kwargs: _P.kwargs
    ) -> list[Event]:
        """Call a method of the pool, pass on what it logged, and return its events."""
        try:
            answer: _Answer = ray.get(self._actor.call.remote(method, *args, **kwargs))
        except RayTaskError as error:
            if isinstance(error.cause, CaviarError):
                raise error.cause from None
            raise
        except (RayError, ConnectionError) as error:
            kind = type(error).__name__
            raise ClusterError(f"lost connection to the trainers ({kind}); continue with `caviar resume`") from error
        self.pending, self.workers = answer.pending, answer.workers
        for record in answer.log:
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)
        return answer.events
