"""A real Ray head on loopback, with a token, as `ray start --head` starts it; only its own process group is killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

TOKEN = os.environ.get("RAY_AUTH_TOKEN") or "0123456789abcdef" * 2
PORTS = (
    "port", "dashboard-port", "dashboard-agent-listen-port", "dashboard-agent-grpc-port", "ray-client-server-port",
    "metrics-export-port", "runtime-env-agent-port", "node-manager-port", "object-manager-port",
)  # fmt: skip
BIN = Path(sys.executable).parent


@contextlib.contextmanager
def head(cpus=2):
    """Start a head; yield the environment that reaches it: RAY_API_SERVER_ADDRESS, RAY_CLIENT, HEAD_PROCESS."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{ports['dashboard-port']}",
        "RAY_CLIENT": f"ray://127.0.0.1:{ports['ray-client-server-port']}",
    }
    environment.pop("RAY_ADDRESS", None)
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        options = [f"--{name}={number}" for name, number in ports.items()]
        options += ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--num-cpus={cpus}"]
        options += ["--object-store-memory=100000000", f"--temp-dir={folder}"]
        log = open(Path(folder) / "head.log", "w")  # noqa: SIM115 - open as long as the head runs
        process = subprocess.Popen(
            [BIN / "ray", "start", "--head", "--block", *options],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_until_it_answers(environment["RAY_API_SERVER_ADDRESS"], process)
            yield {**environment, "HEAD_PROCESS": str(process.pid)}
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_ports(count):
    """Return free ports, above those that Ray assigns to its workers."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def _wait_until_it_answers(address, process):
    """Wait until the Jobs API requires its token."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api/jobs/", timeout=5)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise RuntimeError(f"the head did not start, or asks for no token: {process.poll()=}")
