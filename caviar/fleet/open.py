"""The door to the fleet: connected to Ray, with a pool of trainers, for as long as a driver needs them."""

import contextlib
from collections.abc import Callable, Iterator

import ray
from threadpoolctl import threadpool_limits

from caviar.fleet.cluster import Placement, connected
from caviar.fleet.in_process import InProcess
from caviar.fleet.pool import Pool, silence
from caviar.fleet.relay import RemotePool
from caviar.fleet.trainables import Trainable


@contextlib.contextmanager
def open_pool(
    trainable: Trainable, metric: str, placement: Placement, say: Callable[[str], None] = silence
) -> Iterator[Pool | RemotePool | InProcess]:
    """Connect to Ray, hire trainers, and let them and the connection go at the end; or train in this process."""
    if placement.workers == 0:
        with threadpool_limits(1):  # as in a trainer, so that results are the same
            yield InProcess(trainable, metric, placement.trial_timeout)
        return
    with connected(placement):
        kind = RemotePool if ray.util.client.ray.is_connected() else Pool
        pool = kind(trainable, metric, placement, say)
        try:
            yield pool
        finally:
            pool.close()
