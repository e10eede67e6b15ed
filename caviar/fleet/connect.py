"""Opens the right kind of pool: on Ray, behind Ray Client, in processes until Ray has started, or in this process."""

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from caviar._threads import limit_all_threads
from caviar.fleet.address import RayAddress
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.worker.trainables import Trainable

if TYPE_CHECKING:
    from caviar.fleet.process_pool import ProcessPool
    from caviar.fleet.starting_pool import RayTrainers

_MOST_BYTES = 256 << 20  # of copies of the data in processes; trainers on Ray share one


@contextlib.contextmanager
def open_pool(
    trainable: Trainable,
    metric: str,
    placement: Placement,
    settings: PoolSettings = DEFAULTS,
    *,
    processes_first: bool = False,
) -> Iterator[Trainers]:
    """Start trainers; at the end of the block, stop them and any Ray that was started for them.

    With `processes_first`, a Ray of its own starts only after a while, and processes of this machine train until then.

    >>> from caviar.fleet.worker.trainables import FunctionTrainable
    >>> with open_pool(FunctionTrainable(lambda config: {"loss": 1.0}), "loss", Placement(workers=0)) as trainers:
    ...     trainers.workers
    1
    """
    if placement.workers == 0:
        with (
            limit_all_threads(placement.threads),  # as in a trainer, so that results are the same
            contextlib.closing(LocalPool(trainable, metric, placement.trial_timeout)) as local,
        ):
            yield local
        return
    if processes_first and _starts_ray(placement) and (first := _processes(trainable, metric, placement, settings)):
        from caviar.fleet.starting_pool import StartingPool

        open_ray = functools.partial(_own_ray, trainable, metric, placement, settings)
        with contextlib.closing(StartingPool(first, open_ray)) as starting:
            yield starting
        return
    # imported here because training in this process does not need Ray; cluster comes first, to silence Ray's notices
    from caviar.fleet.cluster import connection, uses_ray_client
    from caviar.fleet.pool import Pool
    from caviar.fleet.remote_pool import RemotePool

    with connection(placement) as joined:
        pool = (RemotePool if uses_ray_client() else Pool)(trainable, metric, joined, settings)
        with contextlib.closing(pool):
            yield pool


def _processes(trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings) -> "ProcessPool | None":
    """Return the pool in processes; None if the copies of the data would take too much memory."""
    from caviar.fleet.process_pool import ProcessPool

    pool = ProcessPool(trainable, metric, placement, settings)
    return pool if pool.size <= _MOST_BYTES else None


@contextlib.contextmanager
def _own_ray(
    trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings
) -> "Iterator[RayTrainers]":
    from caviar.fleet.cluster import connection
    from caviar.fleet.pool import Pool

    with connection(placement) as joined, contextlib.closing(Pool(trainable, metric, joined, settings)) as pool:
        yield pool


def _starts_ray(placement: Placement) -> bool:
    """Return whether a Ray of its own, which takes seconds to start, trains what is placed so."""
    if set(placement.resources) != {"cpu"} or not RayAddress.of(placement.address).is_local:
        return False
    return not _is_connected()


def _is_connected() -> bool:
    """Return whether this process is connected to Ray, which takes half a second to import."""
    return "ray" in sys.modules and bool(sys.modules["ray"].is_initialized())


def check_cluster(placement: Placement) -> None:
    """Raise an error if the Ray cluster that `open_pool` would join does not answer.

    >>> check_cluster(Placement(workers=0))
    """
    if placement.workers == 0:
        return
    if _is_connected():
        from caviar.fleet.cluster import address_to_join

        address_to_join(placement.address)
    else:
        RayAddress.of(placement.address).check()
