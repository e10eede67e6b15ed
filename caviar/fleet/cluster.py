"""Connect to a Ray cluster: the given address, or a temporary local one.

Every private name of Ray that Caviar uses is in this file, behind a function with a plain name, and Ray's notices
about missing notebook widgets are silenced while it is imported from here.
"""

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from caviar.errors import ClusterError
from caviar.fleet.interrupts import hold_interrupts
from caviar.fleet.placement import Placement

OBJECT_STORE_BYTES = 512 << 20  # of a temporary local Ray


@contextlib.contextmanager
def _without_widget_notices() -> Iterator[None]:
    """Silence the notices that Ray's import gives in a notebook without ipywidgets, which Caviar does not need."""
    logger = logging.getLogger("ray.widgets.util")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="IProgress not found")
            yield
    finally:
        logger.setLevel(level)


with _without_widget_notices():
    import ray
    from ray import cloudpickle as cloudpickle
    from ray._private.authentication.authentication_token_setup import _enable_token_auth
    from ray.autoscaler.sdk import request_resources
    from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient  # slow to import


@contextlib.contextmanager
def connection(placement: Placement) -> Iterator[None]:
    """Connect to Ray, and disconnect at the end of the block; a connection that exists already is used and kept.

    Args:
        placement: its address names the cluster; a temporary local Ray has room for its workers.

    Raises:
        ClusterError: the cluster cannot be reached, or no local Ray can be started.
    """
    address = placement.address
    if ray.is_initialized() and address in (None, "auto"):
        yield
        return

    def init() -> None:
        try:
            if address is None:
                _init_local(placement)
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception:
            ray.shutdown()
            raise

    try:
        with hold_interrupts():  # a Ray that is interrupted as it starts crashes the process
            start_ray(init, address)
        yield
    finally:
        ray.shutdown()


def _init_local(placement: Placement) -> None:
    """Start a temporary Ray on this machine, without a dashboard, which would take seconds to start."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    cpus = int(-(-(placement.workers or 0) * placement.resources.get("cpu", 1) // 1))
    ray.init(
        address="local",
        num_cpus=max(os.cpu_count() or 1, cpus),
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )


def start_ray(init: Callable[[], None], address: str | None) -> None:
    """Call `init` to start or join Ray, and once more if it fails where Ray has to start processes for us.

    Args:
        init: connects to Ray or raises whatever Ray raises.
        address: of the cluster; Ray starts processes for None and for ray:// addresses, and may be slow to do so.

    Raises:
        ClusterError: it failed.
    """
    try:
        try:
            init()
        except Exception:
            if address is not None and not address.startswith("ray://"):
                raise
            init()
    except Exception as error:  # Ray raises bare ones where it is slow to start
        first, *others = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"{first} {others[-1]}" if first.endswith(":") and others else first
        where = "on this machine" if address is None else f"at {address}"
        raise ClusterError(f"no Ray {where}: {reason}; start one with `ray start --head`") from error


def free_trainers(resources: Mapping[str, float]) -> int:
    """Return how many more trainers with these resources the cluster has room for now."""
    return _count_fitting(ray.available_resources(), resources)


def total_trainers(resources: Mapping[str, float]) -> int:
    """Return how many trainers with these resources the cluster would have room for if nothing else ran on it."""
    return _count_fitting(ray.cluster_resources(), resources)


def request_room(trainers: int, resources: Mapping[str, float]) -> None:
    """Ask the cluster's autoscaler for room for this many trainers; 0 takes an earlier request back."""
    request_resources(bundles=[_ray_resources(resources)] * trainers)


def _count_fitting(room: Mapping[str, float], resources: Mapping[str, float]) -> int:
    return int(min(room.get(name, 0.0) // need for name, need in _ray_resources(resources).items() if need > 0))


def _ray_resources(resources: Mapping[str, float]) -> dict[str, float]:
    """Return resources under Ray's own names: CPU and GPU."""
    names = {"cpu": "CPU", "gpu": "GPU"}
    return {names.get(name, name): amount for name, amount in resources.items()}


def uses_ray_client() -> bool:
    """Return whether this process is connected through Ray Client, by a ray:// address."""
    return bool(ray.util.client.ray.is_connected())


def enable_token_authentication() -> None:
    """Have this process send the token in ~/.ray/auth_token, as Ray does by itself for a local Ray that it finds."""
    _enable_token_auth()


def session_logs_folder() -> Path:
    """Return the log folder of the Ray session on this node, whose files the Jobs API can read."""
    return Path(ray._private.worker._global_node.get_logs_dir_path())


def read_log_file(client: "JobSubmissionClient", node: str, name: str) -> bytes:
    """Read a file in a node's session log folder through the Jobs API.

    Args:
        client: of the Jobs API.
        node: the id of the node.
        name: of the file, relative to the folder.

    Returns:
        Its content; empty if the file does not exist.
    """
    query = f"node_id={node}&filename={name}&lines=-1&format=leading_1"
    answer = client._do_request("GET", f"/api/v0/logs/file?{query}")
    return bytes(answer.content) if answer.status_code == 200 else b""


def write_cluster_value(key: str, value: bytes, namespace: str) -> None:
    """Keep a value in the cluster under a key, for as long as the cluster lives; it replaces an earlier one."""
    _internal_kv_put(key, value, namespace=namespace)


def read_cluster_value(key: str, namespace: str) -> bytes | None:
    """Return the value that the cluster keeps under a key; None without."""
    value: bytes | None = _internal_kv_get(key, namespace=namespace)
    return value
