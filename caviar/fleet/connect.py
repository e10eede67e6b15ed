"""Opens the right kind of pool: on Ray, on a cluster behind Ray Client, or in this process."""

import contextlib
from collections.abc import Iterator

from caviar._threads import limit_all_threads
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.worker.trainables import Trainable


@contextlib.contextmanager
def open_pool(
    trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings = DEFAULTS
) -> Iterator[Trainers]:
    """Start trainers; at the end of the block, stop them and any Ray that was started for them.

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
    # imported here because training in this process does not need Ray; cluster comes first, to silence Ray's notices
    from caviar.fleet.cluster import connection, uses_ray_client
    from caviar.fleet.pool import Pool
    from caviar.fleet.remote_pool import RemotePool

    with connection(placement) as joined:
        pool = (RemotePool if uses_ray_client() else Pool)(trainable, metric, joined, settings)
        with contextlib.closing(pool):
            yield pool


def check_cluster(placement: Placement) -> None:
    """Raise an error if the Ray cluster that `open_pool` would join does not answer.

    >>> check_cluster(Placement(workers=0))
    """
    if placement.workers != 0:
        from caviar.fleet.cluster import address_to_join

        address_to_join(placement.address)
