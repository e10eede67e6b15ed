"""A Ray cluster of three nodes, whose nodes are started again when they have died."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from ray._common.utils import get_system_memory
from ray._private.utils import get_used_memory

from tests.faults.processes import command_of, kill, processes_of
from tests.faults.schedule import NODES
from tests.jobs.head import free_ports

PORT = 6379
_ROOM = 4e9  # the most bytes that all nodes may take together before Ray ends trainers
_START_SECONDS = 90
_CPUS = (1, 2, 2)  # of each node
_PORTS = (
    "dashboard-agent-listen-port", "dashboard-agent-grpc-port", "metrics-export-port", "runtime-env-agent-port",
    "node-manager-port", "object-manager-port",
)  # fmt: skip
TOKEN = "0123456789abcdef" * 2


class Cluster:
    """The nodes of a cluster, each started by `ray start`.

    Args:
        folder: of their logs and sockets.
        network: between them.
        work: the folder that trials use.

    `room` is how many bytes all nodes may take together before Ray ends trainers.
    """

    def __init__(self, folder, network, work):
        self.network, self._folder = network, folder
        self.port = PORT if network.prefix(0) else free_ports(1)[0]
        self.address = f"{network.address(0)}:{self.port}"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ADDRESS": self.address,
            "FAULTS_FOLDER": str(work),
        }
        used, total = get_used_memory(), get_system_memory()
        self.room = min(_ROOM, 0.4 * (total - used))
        self._system = {
            "memory_usage_threshold": (used + self.room) / total,
            "memory_monitor_refresh_ms": 250,
            "health_check_initial_delay_ms": 2000,
            "health_check_period_ms": 1000,
            "health_check_timeout_ms": 2000,
            "health_check_failure_threshold": 4,
            "enable_worker_prestart": False,
        }
        self._processes = [None] * NODES
        self._logs = [None] * NODES
        self._starts = 0

    def start(self):
        """Start the head, then the others, and wait until all have joined."""
        for node in range(NODES):
            self._start(node)
            if node == 0:
                self._await(0)
        for node in range(1, NODES):
            self._await(node)

    def restart_the_dead(self):
        """Start nodes again that have died, all of them if the head has; return which, and whether all are up."""
        dead = [node for node in range(NODES) if self._processes[node].poll() is not None]
        if 0 in dead:
            self.kill_all()
            self.start()
            return list(range(NODES))
        for node in dead:
            kill_all_of(self._processes[node])
            self._start(node)
        return dead

    def kill_all(self):
        for process in self._processes:
            if process is not None:
                kill_all_of(process)

    def raylet(self, node):
        """Return the number of a node's raylet; None if it has none now."""
        return self._find(node, "raylet/raylet")

    def control_store(self):
        """Return the number of the process without which the cluster ends."""
        return self._find(0, "gcs_server")

    def trainers(self, node):
        """Return the trainers of a node, those in training first."""
        found = [(command_of(process), process) for process in processes_of(self._processes[node].pid)]
        return [process for name, process in sorted(found, reverse=True) if name.startswith("ray::Trainer")]

    def _find(self, node, name):
        return next((p for p in processes_of(self._processes[node].pid) if name in command_of(p).split(" ")[0]), None)

    def _start(self, node):
        self._starts += 1
        options = [f"--node-ip-address={self.network.address(node)}", f"--num-cpus={_CPUS[node]}"]
        options += ["--object-store-memory=80000000", "--include-log-monitor=false"]
        if node == 0:
            options += ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self._folder}"]
            options += [f"--system-config={json.dumps(self._system)}"]
        else:
            options += [f"--address={self.address}"]
        if not self.network.prefix(node):
            options += [f"--{name}={port}" for name, port in zip(_PORTS, free_ports(len(_PORTS)), strict=True)]
        command = [*self.network.prefix(node), "ray", "start", "--block", *options]
        self._logs[node] = self._folder / f"start-{self._starts}.log"
        with self._logs[node].open("w") as log:
            self._processes[node] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def _await(self, node):
        """Wait until a node has joined; start it again if Ray gave up, which it does on a loaded machine."""
        deadline = time.monotonic() + _START_SECONDS
        while "Ray runtime started" not in self._logs[node].read_text(encoding="utf-8"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"node {node} did not start: {self._logs[node].read_text(encoding='utf-8')}")
            if self._processes[node].poll() is not None:
                kill_all_of(self._processes[node])
                self._start(node)
            time.sleep(0.1)


def kill_all_of(process):
    """Kill what `ray start --block` has started, and wait for it."""
    for child in processes_of(process.pid):
        kill(child)
    for found in Path("/proc").iterdir():  # what it has left when it died
        if found.name.isdigit() and _session(int(found.name)) == process.pid:
            kill(int(found.name))
    process.wait()


def _session(process):
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None
