"""Opens the right kind of pool: on Ray, behind Ray Client, in processes until Ray has started, or in this process."""

import contextlib
import functools
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import Enum
from typing import TYPE_CHECKING

from caviar._temporary import remove_abandoned
from caviar._threads import limit_all_threads
from caviar.fleet.address import RayAddress
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.protocol import Trainers
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.worker.generators import own_state
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import Trainable

if TYPE_CHECKING:
    from caviar.fleet.opening import LaterTrainers

_MOST_BYTES = 256 << 20  # of copies of the data in processes; trainers on Ray share one


class Start(Enum):
    """Where trials train first, if a Ray of its own would train them, which takes seconds to start."""

    ON_RAY = "on Ray"
    BEFORE_RAY = "in processes of this machine, and on Ray after a while"
    IN_PROCESSES = "in processes of this machine"
    HERE = "in this process, and in others once that pays"


def start_of(trainable: Trainable) -> Start:
    """Return where the trials of a study train first.

    A trial of a function may take hours, and Ray's trainers would begin others beside it, so they never take over. Code
    that may use Ray, or hang in its trainer, which only the pool on Ray notices, trains there.
    """
    if isinstance(trainable, NetworkTrainable):
        return Start.BEFORE_RAY
    return Start.IN_PROCESSES if isinstance(trainable, IsolatedFunction) and "ray" not in sys.modules else Start.ON_RAY


@contextlib.contextmanager
def open_pool(
    trainable: Trainable,
    metric: str,
    placement: Placement,
    settings: PoolSettings = DEFAULTS,
    *,
    start: Start = Start.ON_RAY,
    trials: int = 1,
) -> Iterator[Trainers]:
    """Start trainers; at the end of the block, stop them and any Ray that was started for them.

    Args:
        trainable: what they train.
        metric: that each report must contain.
        placement: where.
        settings: of a pool on Ray or in processes.
        start: where trials train first.
        trials: how many there will be, as far as is known.

    >>> from caviar.fleet.worker.trainables import FunctionTrainable
    >>> with open_pool(FunctionTrainable(lambda config: {"loss": 1.0}), "loss", Placement(workers=0)) as trainers:
    ...     trainers.workers
    1
    """
    opened: AbstractContextManager[Trainers]
    if placement.workers == 0:
        opened = _local(trainable, metric, placement)
    elif start is Start.ON_RAY or not _starts_ray(placement):
        opened = _on_ray(trainable, metric, placement, settings)
    elif start in (Start.BEFORE_RAY, Start.IN_PROCESSES):
        opened = _processes(trainable, metric, placement, settings, then_ray=start is Start.BEFORE_RAY)
    else:
        opened = _here_first(trainable, metric, placement, settings, trials)
    try:
        with opened as trainers:
            yield trainers
    finally:
        remove_abandoned()  # what trainers and trials had that were killed


@contextlib.contextmanager
def _on_ray(trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings) -> Iterator[Trainers]:
    # imported here because training in this process does not need Ray; cluster comes first, to silence Ray's notices
    from caviar.fleet.cluster import connection, uses_ray_client
    from caviar.fleet.pool import Pool
    from caviar.fleet.remote_pool import RemotePool

    with connection(placement) as joined:
        pool = (RemotePool if uses_ray_client() else Pool)(trainable, metric, joined, settings)
        with contextlib.closing(pool):
            yield pool


@contextlib.contextmanager
def _local(trainable: Trainable, metric: str, placement: Placement) -> Iterator[LocalPool]:
    with (
        limit_all_threads(placement.threads),  # as in a trainer, so that results are the same
        own_state(),
        contextlib.closing(LocalPool(trainable, metric, placement.trial_timeout)) as local,
    ):
        yield local


@contextlib.contextmanager
def _here_first(
    trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings, trials: int
) -> Iterator[Trainers]:
    from caviar.fleet.sharing_pool import SharingPool

    open_others = functools.partial(_processes, trainable, metric, placement, settings)
    with (
        _local(trainable, metric, placement) as local,
        contextlib.closing(SharingPool(local, open_others, trials)) as sharing,
    ):
        yield sharing


@contextlib.contextmanager
def _processes(
    trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings, then_ray: bool = False
) -> "Iterator[LaterTrainers]":
    from caviar.fleet import opening
    from caviar.fleet.process_pool import ProcessPool
    from caviar.fleet.starting_pool import StartingPool

    first = ProcessPool(trainable, metric, placement, settings)
    open_ray = functools.partial(_own_ray, trainable, metric, placement, settings)
    if first.size > _MOST_BYTES:
        with open_ray() as pool:
            yield pool
    elif then_ray:
        with contextlib.closing(StartingPool(first, opening.AfterAWhile(open_ray, opening.RAY_AFTER))) as starting:
            yield starting
    else:
        with contextlib.closing(first):
            yield first


@contextlib.contextmanager
def _own_ray(
    trainable: Trainable, metric: str, placement: Placement, settings: PoolSettings
) -> "Iterator[LaterTrainers]":
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
