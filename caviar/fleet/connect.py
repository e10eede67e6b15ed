"""The door to the fleet: connected to Ray, with a pool of trainers, for as long as a driver needs them."""

import contextlib
from collections.abc import Callable, Iterator

import ray

from caviar._threads import limit_all_threads
from caviar.fleet.cluster import Placement, connected
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.pool import Pool, silence
from caviar.fleet.remote_pool import RemotePool
from caviar.fleet.worker.trainables import Trainable


@contextlib.contextmanager
def open_pool(
    trainable: Trainable, metric: str, placement: Placement, say: Callable[[str], None] = silence
) -> Iterator[Pool | RemotePool | LocalPool]:
    """Connect to Ray, hire trainers, and let them and the connection go at the end; or train in this process."""
    if placement.workers == 0:
        with limit_all_threads():  # as in a trainer, so that results are the same
            yield LocalPool(trainable, metric, placement.trial_timeout)
        return
    with connected(placement):
        kind = RemotePool if ray.util.client.ray.is_connected() else Pool
        pool = kind(trainable, metric, placement, say)
        try:
            yield pool
        finally:
            pool.close()
