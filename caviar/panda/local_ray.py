"""The Ray that runs Pandas, which outlives the notebook or command that started them.

It is the cluster at the given address, else the Ray that this process is connected to, else the one at RAY_ADDRESS,
else one that is started for Pandas on this machine, recorded in the home directory, and stopped with the last Panda.
The address "local" means that last one.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import ray
from ray.util import list_named_actors

from caviar.errors import ClusterError, StorageError
from caviar.files import write_atomically
from caviar.fleet.address import RayAddress, check_answers
from caviar.fleet.cluster import address_to_join, enable_token_authentication, join, start_ray
from caviar.fleet.machine import ray_folder, this_python

NAMESPACE = "caviar"
PREFIX = "panda:"  # of the actors' names
_LOG_CHARACTERS = 2000  # of Ray's log, in an error
_REMEDY = "set HOME to a folder of your own that has space, or pass the address of a cluster"
_CLIENT_PORTS = range(10002, 20000)  # Ray assigns these to its workers


@dataclass(frozen=True)
class LocalRay:
    """The Ray that was started on this machine for Pandas: its address, and the process ID of its head."""

    address: str
    process: int

    @classmethod
    def read(cls) -> "LocalRay | None":
        """Return the one recorded in the home directory; None if there is none."""
        try:
            return cls(**json.loads(_file().read_bytes()))
        except (OSError, TypeError, ValueError, ClusterError):
            return None

    @property
    def answers(self) -> bool:
        """True if it is still running."""
        try:
            check_answers(self.address)
        except OSError:
            return False
        return True


def connect(address: str | None, *, start: bool = False) -> None:
    """Connect this process to the Ray that runs Pandas; `start` one on this machine if there is none."""
    local = LocalRay.read()
    if address == "local" and local is not None:
        address = local.address if local.answers else address
    joined = address_to_join(address)
    if joined is None:
        return
    if joined.is_local:
        if local is None or not local.answers:
            if not start:
                raise ClusterError("no Panda is running on this machine; try `caviar panda start`, or pass an address")
            local = _start_head()
        joined = RayAddress(local.address)
    if local is not None and local.address == joined.text and "RAY_AUTH_MODE" not in os.environ:
        enable_token_authentication()
    start_ray(lambda: join(joined), joined)


def panda_names() -> list[str]:
    """Return the names of the Pandas on the Ray that this process is connected to."""
    actors = list_named_actors(all_namespaces=True)
    names = [actor["name"] for actor in actors if actor["namespace"] == NAMESPACE]
    return sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def shut_down_if_empty(patience: float = 10.0) -> None:
    """Stop the Ray that was started here for Pandas if none is left on it and it is idle within `patience` seconds."""
    local = LocalRay.read()
    if local is None or ray.get_runtime_context().gcs_address != local.address or panda_names():
        return
    deadline = time.monotonic() + patience
    while ray.available_resources().get("CPU") != ray.cluster_resources().get("CPU"):
        if time.monotonic() > deadline:
            return
        time.sleep(0.1)
    ray.shutdown()
    _file().unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it may have ended by itself
        os.kill(local.process, signal.SIGTERM)


def _start_head() -> LocalRay:
    """Start a Ray that outlives this process, protected by the token in ~/.ray/auth_token, on free ports only."""
    environment = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", **os.environ}
    code = str(Path(__file__).resolve().parents[2])  # the same version of Caviar, after a restart too
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")]))
    command = [this_python(), "-m", "ray.scripts.scripts"]
    if not _has_token():
        subprocess.run([*command, "get-auth-token", "--generate"], env=environment, capture_output=True, check=False)
    options = {
        "port": 0,
        "ray-client-server-port": _free_port(),
        "dashboard-agent-listen-port": 0,
        "include-dashboard": "false",
        "object-store-memory": 128 << 20,
        "temp-dir": ray_folder(),
        "log-color": "false",
    }
    with _noting() as file:
        file.parent.mkdir(parents=True, exist_ok=True)
        log = file.with_suffix(".log")
        output = log.open("wb")
    with output:
        head = subprocess.Popen(
            [*command, "start", "--head", "--block", *(f"--{name}={value}" for name, value in options.items())],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in this terminal does not stop it; the next line is for Windows
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    try:
        local = LocalRay(_read_address(head, log), head.pid)
        with _noting():
            write_atomically(file, json.dumps(asdict(local)).encode())
    except BaseException:  # Ctrl-C too: otherwise the head would be left running unnoticed
        head.terminate()
        raise
    return local


def _has_token() -> bool:
    """Return whether there is a token already; Ray's own command takes a second to say so."""
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or os.path.exists(_home() / ".ray" / "auth_token")  # also False where it may not look


def _read_address(head: subprocess.Popen[bytes], log: Path, patience: float = 120.0) -> str:
    """Return the address that a head prints when it is up."""
    deadline = time.monotonic() + patience
    while head.poll() is None and time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8", errors="replace")
        address = re.search(r"--address='([^']+)'", text)
        if address and "--block" in text:
            return address[1]
        time.sleep(0.1)
    text = log.read_text(encoding="utf-8", errors="replace").strip()[-_LOG_CHARACTERS:]
    raise ClusterError(f"Ray could not be started on this machine for the Panda; see {log}:\n{text}")


def _free_port() -> int:
    """Return a free port, outside the range that Ray assigns to its workers."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port not in _CLIENT_PORTS:
            return port


def _file() -> Path:
    return _home() / ".caviar" / "ray.json"


def _home() -> Path:
    """Return the home folder; raise ClusterError if there is none, as for a user without an account."""
    try:
        return Path.home()
    except RuntimeError:
        raise ClusterError(f"this user has no home folder for Ray's token and address; {_REMEDY}") from None


@contextlib.contextmanager
def _noting() -> Iterator[Path]:
    """Turn an error of a block that writes into the home folder into a ClusterError."""
    try:
        yield _file()
    except StorageError as error:
        raise ClusterError(f"{str(error).partition(';')[0]}; {_REMEDY}") from None
    except OSError as error:
        raise ClusterError(f"cannot write {error.filename or _file()} ({error.strerror}); {_REMEDY}") from None
