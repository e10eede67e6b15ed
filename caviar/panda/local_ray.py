"""Where Pandas live: a Ray that outlives the notebook or command that started them.

That is the cluster at the address that is given, else the Ray that this process is connected to, else the one at
RAY_ADDRESS, else one on this machine that is started for Pandas, remembered in the home directory, and ended again
with the last of them.
"""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ray
from ray._private.authentication.authentication_token_setup import _enable_token_auth
from ray.util import list_named_actors

import caviar
from caviar.errors import ClusterError
from caviar.fleet.cluster import check_address

NAMESPACE = "caviar"
PREFIX = "panda:"
START_SECONDS = 120.0


def join(address: str | None, *, start: bool = False) -> None:
    """Connect this process to the Ray where Pandas live.

    Args:
        address: of a cluster; None: see above.
        start: whether one may be started on this machine where there is none.

    Raises:
        ClusterError: there is none, or it cannot be reached.
    """
    if ray.is_initialized():
        here = ray.get_runtime_context().gcs_address
        if address not in (None, "auto", here):
            raise ClusterError(
                f"this process is connected to the Ray at {here} already, not to {address}; leave it first"
            )
        return
    address = address or os.environ.get("RAY_ADDRESS") or _remembered()
    if address is None:
        if not start:
            raise ClusterError(
                "no Panda lives on this machine; start one with `caviar panda start`, or name an address"
            )
        address = _start_head()
    check_address(address)
    home = _read()
    if home is not None and home["address"] == address and "RAY_AUTH_MODE" not in os.environ:
        _enable_token_auth()  # Ray does so by itself for a local Ray that it finds, but not for an address
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ClusterError(f"no Ray at {address}: {reason}; check the address") from error


def living() -> list[str]:
    """The names of the Pandas on the Ray that this process is connected to."""
    actors = list_named_actors(all_namespaces=True)
    names = [actor["name"] for actor in actors if actor["namespace"] == NAMESPACE]
    return sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def leave_when_empty() -> bool:
    """End the Ray that was started here for Pandas if none lives on it and nothing else runs; whether it was so."""
    home = _read()
    if home is None or ray.get_runtime_context().gcs_address != home["address"] or living():
        return False
    until = time.monotonic() + 10.0  # a Panda that was just stopped gives its CPU back in a moment
    while ray.available_resources().get("CPU") != ray.cluster_resources().get("CPU"):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    ray.shutdown()
    _file().unlink(missing_ok=True)
    os.kill(home["process"], signal.SIGTERM)
    return True


def _start_head() -> str:
    """Start a Ray on this machine that stays when this process ends; gives its address.

    It is guarded by a token (Ray keeps it in ~/.ray/auth_token), has no dashboard, and every port of it is a free one.
    """
    environment = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", **os.environ}
    code = str(Path(caviar.__file__).resolve().parents[1])  # the very version that is here, also after a restart
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "ray.scripts.scripts"]
    subprocess.run([*command, "get-auth-token", "--generate"], env=environment, capture_output=True, check=False)
    options = {
        "port": 0,
        "ray-client-server-port": _free_port(),
        "dashboard-agent-listen-port": 0,
        "include-dashboard": "false",
        "object-store-memory": 128 << 20,
        "temp-dir": Path(tempfile.gettempdir()) / f"caviar-{os.getuid()}",  # not the one that "auto" looks in
        "log-color": "false",
    }
    _file().parent.mkdir(parents=True, exist_ok=True)
    log = _file().with_suffix(".log")
    with log.open("wb") as output:
        head = subprocess.Popen(
            [*command, "start", "--head", "--block", *(f"--{name}={value}" for name, value in options.items())],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in this terminal is not meant for it
        )
    try:
        address = _announced(head, log)
        if address is not None:
            _file().write_text(json.dumps({"address": address, "process": head.pid}))
            return address
    except BaseException:  # Ctrl-C too: nobody would know of it
        head.terminate()
        raise
    head.terminate()
    raise ClusterError(f"no Ray could be started on this machine for the Panda; {log} says why")


def _announced(head: subprocess.Popen[bytes], log: Path) -> str | None:
    """The address that a head prints when it is up; None if it ends before, or takes too long."""
    until = time.monotonic() + START_SECONDS
    while head.poll() is None and time.monotonic() < until:
        text = log.read_text()
        found = re.search(r"--address='([^']+)'", text)
        if found and "--block" in text:
            return found[1]
        time.sleep(0.1)
    return None


def _free_port() -> int:
    """A port that nobody listens at, outside of the range that Ray gives its workers."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if not 10002 <= port <= 19999:
            return port


def _remembered() -> str | None:
    """The address of the Ray that was started here for Pandas, if it is still there."""
    home = _read()
    if home is None:
        return None
    try:
        check_address(home["address"])
    except ClusterError:
        return None
    return str(home["address"])


def _read() -> dict[str, Any] | None:
    try:
        return dict(json.loads(_file().read_bytes()))
    except (OSError, ValueError):
        return None


def _file() -> Path:
    return Path.home() / ".caviar" / "ray.json"
