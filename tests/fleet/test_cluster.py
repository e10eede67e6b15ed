import socket
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest
import ray

from caviar.errors import ClusterError
from caviar.fleet.address import RayAddress
from caviar.fleet.cluster import connection, start_ray, total_trainers
from caviar.fleet.placement import Placement


@pytest.mark.parametrize(
    ("address", "failures", "expected"),
    [("local", 1, 2), ("ray://host:1", 1, 2), ("ray://host:1", 2, 2), ("host:1", 1, 1)],
)
def test_ray_gets_a_second_try_if_it_has_to_start_processes_for_us(address, failures, expected):
    calls = []

    def init():
        calls.append(address)
        if len(calls) <= failures:
            raise ConnectionAbortedError("Initialization failure from server:\nTraceback\nRuntimeError: it is slow\n")

    if failures < expected:
        start_ray(init, RayAddress(address))
    else:
        with pytest.raises(ClusterError, match="server: RuntimeError: it is slow; check that the cluster is up"):
            start_ray(init, RayAddress(address))
    assert len(calls) == expected


def test_a_connection_to_the_named_cluster_is_used_and_kept(ray_cluster):
    with connection(Placement(address=ray_cluster.get_runtime_context().gcs_address)):
        pass
    assert ray_cluster.is_initialized()


@pytest.mark.slow
def test_breakpoint_starts_what_it_did_before_a_cluster_was_joined():
    code = """
        import os
        from caviar.fleet.cluster import connection
        from caviar.fleet.placement import Placement

        os.environ.pop("PYTHONBREAKPOINT", None)
        with connection(Placement(workers=1)):
            assert "ray" in os.environ["PYTHONBREAKPOINT"]
        assert "PYTHONBREAKPOINT" not in os.environ
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.usefixtures("ray_cluster")
def test_trainers_that_need_a_tenth_of_a_cpu_fit_ten_times():
    assert total_trainers({"cpu": 0.1}) == 10 * total_trainers({"cpu": 1.0})


def test_rays_notices_about_notebook_widgets_are_silenced_and_nothing_else():
    code = """
        import logging, sys, types, warnings

        class ZMQInteractiveShell:  # what Ray and tqdm recognise as a notebook
            config = {"IPKernelApp": {}}
            events = types.SimpleNamespace(register=lambda *arguments: None)

        sys.modules["IPython"] = notebook = types.ModuleType("IPython")
        notebook.get_ipython = ZMQInteractiveShell
        before = list(warnings.filters)
        import caviar.fleet.cluster
        assert [rule for rule in warnings.filters if "IProgress" in str(rule[1])] == []
        assert logging.getLogger("ray.widgets.util").level == logging.NOTSET
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert run.stdout + run.stderr == ""
    assert run.returncode == 0


def test_leaving_a_cluster_whose_head_is_gone_does_not_wait_for_it(monkeypatch):
    joined = []
    server = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setattr(ray, "is_initialized", lambda: bool(joined))
    monkeypatch.setattr(ray, "init", lambda **options: joined.append(options))
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(gcs_address=address))
    monkeypatch.setattr(ray, "shutdown", lambda: time.sleep(30))  # Ray's own waits for a minute, and ends the process
    with connection(Placement(address=address)):
        server.close()
        begun = time.monotonic()
    assert time.monotonic() - begun < 20
