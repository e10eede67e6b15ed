"""The way to a Ray cluster: the one that is named, or one started on this machine for the while."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import ray

from caviar._checks import check_seconds
from caviar.errors import ClusterError, InputError

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Placement:
    """Where trials run, and what each trainer takes.

    Args:
        workers: how many trainers; None: as many as there is room for; 0: this process trains, without Ray.
        address: of a cluster ("auto", "host:6379", "ray://host:10001"); None: the Ray that this process is
            connected to already, else one started on this machine.
        resources: what a trainer takes, such as {"cpu": 1, "gpu": 0.5}.
        trial_timeout: seconds after which a trial is ended; None: no limit.
    """

    workers: int | None = None
    address: str | None = None
    resources: Mapping[str, float] = field(default_factory=lambda: {"cpu": 1.0})
    trial_timeout: float | None = None

    @classmethod
    def of(
        cls,
        workers: int | str,
        address: str | None,
        resources: Mapping[str, float] | None,
        trial_timeout: float | None,
    ) -> "Placement":
        """The placement that a user asks for; raises InputError or ClusterError for one that cannot be."""
        if workers != "auto" and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 0):
            raise InputError(f"workers={workers!r}: it is 'auto', or a whole number from 0 (in this process) up")
        check_seconds("trial_timeout", trial_timeout)
        if address is not None:
            check_address(address)
        if not isinstance(resources, Mapping | None):
            raise InputError(f'resources={resources!r}: it is a dict such as {{"cpu": 2, "gpu": 0.5}}')
        taken = dict(resources or {"cpu": 1.0})
        for name, amount in taken.items():
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not amount >= 0:
                raise InputError(f"resources: {name}={amount!r} is no amount from 0 on")
        return cls(workers if isinstance(workers, int) else None, address, taken, trial_timeout)


@contextlib.contextmanager
def connected(placement: Placement) -> Iterator[None]:
    """Be connected to Ray; a Ray that was started or joined here is left again at the end.

    Raises:
        ClusterError: the address cannot be reached.
    """
    address, workers, resources = placement.address, placement.workers, placement.resources
    if ray.is_initialized() and address in (None, "auto"):
        yield
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cores = os.cpu_count() or 1
        room = max(cores, int(-(-(workers or 0) * resources.get("cpu", 1) // 1)))
        # the dashboard costs seconds to start, and nobody asked for it
        options |= {"address": "local", "num_cpus": room, "include_dashboard": False}
        options |= {"object_store_memory": 512 << 20}
    else:
        options |= {"address": address}
    try:
        with hold_interrupts():
            _start(options, address)
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back to the end of the block: a Ray that is interrupted as it starts crashes the process.

    A second Ctrl-C counts at once.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def hear(number: int, _: object) -> None:
        heard.append(number)
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if heard:
        raise KeyboardInterrupt


def _start(options: dict[str, Any], address: str | None, tries: int = 2) -> None:
    """Start or join Ray; one that had to be started for us, here or behind ray://, is tried once more."""
    try:
        ray.init(**options)
    except Exception as error:  # Ray raises bare ones where it is slow to come up
        ray.shutdown()
        if tries > 1 and (address is None or address.startswith("ray://")):
            return _start(options, address, tries - 1)
        first, *others = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"{first} {others[-1]}" if first.endswith(":") and others else first
        where = "on this machine" if address is None else f"at {address}"
        raise ClusterError(f"no Ray {where}: {reason}; start one with `ray start --head`") from error


def check_address(address: str) -> None:
    """Raise ClusterError within seconds where nobody listens at an address ("auto" and "local" pass)."""
    if not isinstance(address, str):
        raise InputError(f"address={address!r} is none of Ray's; write host:6379, ray://host:10001 or auto")
    if address in ("auto", "local"):
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or port is None:
        raise InputError(f"address={address!r} is none of Ray's; write host:6379, ray://host:10001 or auto")
    try:
        socket.create_connection((parts.hostname, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(
            f"nothing answers at the Ray address {address!r} ({error}); check it, or leave it out to start Ray here"
        ) from error


def free_trainers(resources: Mapping[str, float]) -> int:
    """How many trainers the cluster has room for now."""
    return _fitting(ray.available_resources(), resources)


def total_trainers(resources: Mapping[str, float]) -> int:
    """How many trainers the cluster would have room for if nothing else ran on it."""
    return _fitting(ray.cluster_resources(), resources)


def ray_names(resources: Mapping[str, float]) -> dict[str, float]:
    """Resources under Ray's own names: CPU and GPU."""
    names = {"cpu": "CPU", "gpu": "GPU"}
    return {names.get(name, name): amount for name, amount in resources.items()}


def _fitting(there: dict[str, float], resources: Mapping[str, float]) -> int:
    return int(min(there.get(name, 0.0) // need for name, need in ray_names(resources).items() if need > 0))
