"""Where trials run: how many trainers, on which cluster, with which resources.

Settings are checked here, before any work starts and without Ray.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from caviar._checks import check_seconds
from caviar.errors import ClusterError, InputError

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Placement:
    """Where trials run, what each trainer needs, and how long they may take.

    Args:
        workers: the number of trainers; None: as many as the cluster has room for; 0: train in this process, without
            Ray.
        address: of a Ray cluster ("auto", "host:6379", "ray://host:10001"); None: the Ray that this process is
            connected to, else a temporary local one.
        resources: what each trainer needs, such as {"cpu": 1, "gpu": 0.5}; memory in bytes.
        trial_timeout: seconds after which a trial is ended; None: no limit.
        timeout: seconds after which a run of a study ends what trains and begins nothing more; None: no limit.

    >>> Placement(workers=4).resources
    {'cpu': 1.0}
    """

    workers: int | None = None
    address: str | None = None
    resources: Mapping[str, float] = field(default_factory=lambda: {"cpu": 1.0})
    trial_timeout: float | None = None
    timeout: float | None = None

    @classmethod
    def of(
        cls,
        workers: int | str = "auto",
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        timeout: float | None = None,
    ) -> "Placement":
        """Check a user's settings and return them as a placement.

        Args:
            workers: "auto" for as many as there is room for, or an integer >= 0.
            address, trial_timeout, timeout: as of a `Placement`.
            resources: as of a `Placement`; None: one CPU.

        Raises:
            InputError: a setting is invalid.
            ClusterError: nothing answers at the address.

        >>> Placement.of("auto", trial_timeout=60.0)
        Placement(workers=None, address=None, resources={'cpu': 1.0}, trial_timeout=60.0, timeout=None)
        """
        if workers != "auto" and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 0):
            raise InputError(f"workers must be 'auto' or an integer >= 0, got {workers!r}")
        if not isinstance(resources, Mapping | None):
            raise InputError(f'resources must be a dict, got {resources!r}; try {{"cpu": 2, "gpu": 0.5}}')
        checked = dict(resources or {"cpu": 1.0})
        for name, amount in checked.items():
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not amount >= 0:
                raise InputError(f"resources[{name!r}] must be a number >= 0, got {amount!r}")
        check_seconds("trial_timeout", trial_timeout)
        check_seconds("timeout", timeout)
        if address is not None:
            check_address(address)
        return cls(workers if isinstance(workers, int) else None, address, checked, trial_timeout, timeout)


def check_address(address: str) -> None:
    """Raise an error if nothing answers at an address within a few seconds; "auto" and "local" always pass.

    Args:
        address: of a Ray cluster or of its Jobs API.

    Raises:
        InputError: it is not an address.
        ClusterError: nothing answers there.

    >>> check_address("auto")
    """
    if address in ("auto", "local"):
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except (TypeError, ValueError):
        host, port = None, None
    if not host or port is None:
        raise InputError(
            f"address must be a Ray address, got {address!r}; try 'host:6379', 'ray://host:10001' or 'auto'"
        )
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(
            f"nothing answers at the Ray address {address!r} ({error}); check it, or leave it out to start a local Ray"
        ) from error
