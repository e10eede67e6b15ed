"""Connect to a Ray cluster: the given address, that of RAY_ADDRESS, or a temporary local one.

All private names of Ray that Caviar uses are in this file. Import it before Ray: it silences Ray's notices about
notebook widgets.
"""

import atexit
import contextlib
import logging
import math
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from caviar._streams import open_standard_streams
from caviar._temporary import temporary_root
from caviar.errors import CaviarError, ClusterError
from caviar.fleet.address import JOBS_VARIABLE, RayAddress
from caviar.fleet.head import Head
from caviar.fleet.interrupts import hold_interrupts, keep_sigterm
from caviar.fleet.machine import fits_sockets, ray_folder, this_python, usable_cpus
from caviar.fleet.placement import Placement

_OBJECT_STORE_BYTES = 512 << 20  # of a temporary local Ray
_DISCONNECT_SECONDS = 3.0  # from a cluster whose head is gone
logger = logging.getLogger("caviar")

with warnings.catch_warnings():  # about notebooks without ipywidgets, which Caviar does not need
    warnings.filterwarnings("ignore", message="IProgress not found")
    logging.getLogger("ray.widgets.util").disabled = True
    import ray
    from ray import cloudpickle as cloudpickle
    from ray._private.authentication.authentication_token_setup import _enable_token_auth
    from ray._private.utils import get_num_cpus
    from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put

    logging.getLogger("ray.widgets.util").disabled = False

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient  # slow to import


@contextlib.contextmanager
def connection(placement: Placement) -> Iterator[Placement]:
    """Connect to the cluster of a placement, and disconnect at the end of the block.

    An existing connection of this process is used and kept open. Yields the placement with the address that was joined.
    """
    address = address_to_join(placement.address)
    if address is None:
        yield placement
        return
    breakpoint_hook = os.environ.get("PYTHONBREAKPOINT")
    try:
        with hold_interrupts(), keep_sigterm():  # interrupting Ray while it starts crashes the process
            start_ray(lambda: _init(placement, address), address)
        yield replace(placement, address=None if address.is_local else address.text)
    finally:
        with keep_sigterm():
            _disconnect()
        _restore_breakpoint(breakpoint_hook)


def _disconnect() -> None:
    """Disconnect from Ray; if its head is gone, for which Ray would wait until it ends this process, only begin to."""
    joined = ray.is_initialized() and not uses_ray_client()
    if not joined or Head(ray.get_runtime_context().gcs_address, math.inf).answers():
        ray.shutdown()
    else:
        atexit.unregister(ray.shutdown)  # Ray's own, which would wait as well
        ending = threading.Thread(target=ray.shutdown, daemon=True)
        ending.start()
        ending.join(_DISCONNECT_SECONDS)


def _restore_breakpoint(hook: str | None) -> None:
    """Set what `breakpoint()` starts to what it was before Ray was joined, which leaves its own debugger behind."""
    os.environ.pop("PYTHONBREAKPOINT", None)
    if hook is not None:
        os.environ["PYTHONBREAKPOINT"] = hook


def address_to_join(address: str | None) -> RayAddress | None:
    """Return the Ray to join for a user's address, which answers; None if this process is connected to it."""
    if not ray.is_initialized():
        joined = RayAddress.of(address)
        joined.check()
        return joined
    own = ray.get_runtime_context().gcs_address
    if address not in (None, "auto", own):
        raise ClusterError(f"address must be that of the connected Ray, {own}, got {address!r}; try ray.shutdown()")
    return None


def _init(placement: Placement, address: RayAddress) -> None:
    """Join the cluster at an address, or start a local Ray; disconnect again if that fails."""
    try:
        if not address.is_local:
            join(address)
            return
        this_python()  # which Ray starts too
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cpus = math.ceil((placement.workers or 0) * placement.resources.get("cpu", 1))
        ray.init(
            address="local",
            num_cpus=max(usable_cpus(get_num_cpus(override_docker_cpu_warning=True)), cpus),
            include_dashboard=False,  # it would take seconds to start
            _temp_dir=None if fits_sockets(temporary_root() / "ray") else str(ray_folder()),
            object_store_memory=_OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception:
        ray.shutdown()
        raise


def join(address: RayAddress) -> None:
    """Connect this process to the Ray at an address, whose own messages are not shown."""
    ray.init(address=address.text, log_to_driver=False, logging_level=logging.ERROR)


def start_ray(init: Callable[[], None], address: RayAddress) -> None:
    """Call `init`, which connects to Ray, and turn any exception into a ClusterError.

    A Ray that the environment names is logged. If the address is local or starts with ray://, Ray has to start
    processes, which may be slow: it gets a second try.
    """
    if address.variable:
        logger.info("joins the Ray cluster at %s", address)
    open_standard_streams()  # else Ray's own messages would go to its sockets
    try:
        try:
            init()
        except Exception:
            if not address.is_local and not address.text.startswith("ray://"):
                raise
            init()
    except CaviarError:  # a sentence of ours
        raise
    except Exception as error:  # Ray raises plain Exceptions if it is slow to start
        first, *others = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"{first} {others[-1]}" if first.endswith(":") and others else first
        if address.is_local:
            remedy = "try again when the machine is less busy, or train in this process, with workers=0"
            raise ClusterError(f"cannot start Ray on this machine: {reason}; {remedy}") from error
        raise ClusterError(f"cannot connect to Ray at {address}: {reason}; check that the cluster is up") from error


def free_trainers(resources: Mapping[str, float]) -> int:
    """Return how many more trainers with these resources the cluster has room for now."""
    return _count_fitting(ray.available_resources(), resources)


def total_trainers(resources: Mapping[str, float]) -> int:
    """Return how many trainers with these resources the cluster would have room for if nothing else ran on it."""
    return _count_fitting(ray.cluster_resources(), resources)


def waiting_tasks() -> dict[str, float]:
    """Return what a task or an actor needs that waits because the cluster has no room for it; {} if none waits."""
    from ray.autoscaler.v2.sdk import get_cluster_status  # few need it

    try:
        status = get_cluster_status(ray.get_runtime_context().gcs_address)
        bundles = [bundle.bundle for demand in status.resource_demands.ray_task_actor_demand
                   for bundle in demand.bundles_by_count]  # fmt: skip
    except Exception:  # it is only asked for to warn
        return {}
    return next((bundle for bundle in bundles if _count_fitting(ray.available_resources(), bundle) < 1), {})


def _count_fitting(room: Mapping[str, float], resources: Mapping[str, float]) -> int:
    needs = _ray_resources(resources).items()
    return min(int(room.get(name, 0.0) / need + 1e-9) for name, need in needs if need > 0)  # 1 // 0.1 would be 9


def _ray_resources(resources: Mapping[str, float]) -> dict[str, float]:
    """Return resources under Ray's own names."""
    names = {"cpu": "CPU", "gpu": "GPU"}
    return {names.get(name, name): amount for name, amount in resources.items()}


def uses_ray_client() -> bool:
    """Return whether this process is connected through Ray Client, by a ray:// address."""
    return bool(ray.util.client.ray.is_connected())


def enable_token_authentication() -> None:
    """Make this process send the token in ~/.ray/auth_token, as Ray does by default for a local Ray that it finds."""
    _enable_token_auth()


def session_logs_folder() -> Path:
    """Return the log folder of the Ray session on this node, whose files the Jobs API can read."""
    return Path(ray._private.worker._global_node.get_logs_dir_path())


@contextlib.contextmanager
def only_address(address: str) -> Iterator[None]:
    """Let Ray's job client use this address: it would prefer those in RAY_API_SERVER_ADDRESS and RAY_ADDRESS."""
    before = os.environ.get(JOBS_VARIABLE)
    os.environ[JOBS_VARIABLE] = address
    try:
        yield
    finally:
        del os.environ[JOBS_VARIABLE]
        if before is not None:
            os.environ[JOBS_VARIABLE] = before


def read_log_file(client: "JobSubmissionClient", node: str, name: str) -> bytes:
    """Return a file in the session log folder of the node with this id, through the Jobs API; b"" if there is none."""
    query = f"node_id={node}&filename={name}&lines=-1&format=leading_1"
    answer = client._do_request("GET", f"/api/v0/logs/file?{query}")
    return bytes(answer.content) if answer.status_code == 200 else b""


def write_cluster_value(key: str, value: bytes, namespace: str) -> None:
    """Store a value in the cluster under a key, for as long as the cluster runs; it replaces any earlier one."""
    _internal_kv_put(key, value, namespace=namespace)


def read_cluster_value(key: str, namespace: str) -> bytes | None:
    """Return the value stored in the cluster under a key, or None."""
    value: bytes | None = _internal_kv_get(key, namespace=namespace)
    return value
