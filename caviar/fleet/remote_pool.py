"""A pool that lives on the cluster, for a driver that reaches it through Ray Client alone (`ray://`).

Ray Client passes on a hundred calls a second and no streams. So the pool runs in an actor there, and the driver asks
it for a turn at a time: one call, whatever the number of trainers. When the client goes, so do the actor and its
trainers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from caviar.errors import CaviarError, ClusterError
from caviar.fleet.cluster import Placement
from caviar.fleet.messages import Event, Stack
from caviar.fleet.pool import Pool
from caviar.fleet.worker.trainables import Trainable


class PoolActor:
    """A pool inside of an actor; each answer tells the pool's state and what it has to say besides."""

    def __init__(self, trainable: Trainable, metric: str, placement: Placement) -> None:
        self._said: list[str] = []
        self._pool = Pool(trainable, metric, placement, self._said.append)

    def call(self, method: str, *arguments: Any) -> tuple[Any, int, int, list[str]]:
        """Call a method of the pool: its answer, the trials pending, the workers, and sentences."""
        answer = getattr(self._pool, method)(*arguments)
        said = list(self._said)
        self._said.clear()
        return answer, self._pool.pending, self._pool.workers, said


class RemotePool:
    """The pool of a cluster that this process is a client of; it has the methods of a `Pool`.

    Args:
        trainable, metric, placement, say: as of a `Pool`.

    Raises:
        ClusterError: from each method, the pool was lost, or raised this itself.
    """

    def __init__(self, trainable: Trainable, metric: str, placement: Placement, say: Callable[[str], None]) -> None:
        self.trainable, self._say = trainable, say
        self.pending, self.workers = 0, 1
        actor = ray.remote(num_cpus=0, max_restarts=0)(PoolActor)
        self._actor = actor.remote(trainable, metric, replace(placement, address="auto"))
        self._call("discard", ())  # to know how many workers there are

    def submit(self, stacks: Iterable[Stack]) -> None:
        """Queue stacks of trials, to be started in this order."""
        self._call("submit", list(stacks))

    def poll(self, timeout: float = 1.0) -> list[Event]:
        """Wait up to `timeout` seconds for news; returns the events that came."""
        events: list[Event] = self._call("poll", timeout)
        return events

    def discard(self, trials: Sequence[int]) -> None:
        """Let paused trials go."""
        self._call("discard", list(trials))

    def stop(self, reason: str) -> list[Event]:
        """Train nothing more; returns the ends of the trials that have begun."""
        events: list[Event] = self._call("stop", reason)
        return events

    def close(self) -> None:
        """End all trainers."""
        ray.kill(self._actor)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            answer, self.pending, self.workers, said = ray.get(self._actor.call.remote(method, *arguments))
        except RayTaskError as error:
            if isinstance(error.cause, CaviarError):
                raise error.cause from None
            raise
        except (RayError, ConnectionError) as error:
            what = type(error).__name__
            raise ClusterError(f"the cluster of the trainers was lost ({what}); go on with `caviar resume`") from error
        for sentence in said:
            self._say(sentence)
        return answer
