"""Which Ray an address means."""

import http.server
import json
import socket
import threading

import pytest
import ray

import caviar
from caviar.errors import ClusterError, InputError
from caviar.fleet.address import RayAddress, check_jobs_api
from caviar.fleet.cluster import address_to_join


@pytest.mark.parametrize(
    ("address", "variable", "expected"),
    [
        (None, None, "local"),
        (None, "", "local"),
        (None, "10.0.0.1:6379", "10.0.0.1:6379 (RAY_ADDRESS)"),
        (None, "local", "local (RAY_ADDRESS)"),
        ("auto", "10.0.0.1:6379", "10.0.0.1:6379 (RAY_ADDRESS)"),
        ("auto", None, "auto"),
        ("local", "10.0.0.1:6379", "local"),
        ("10.0.0.2:6379", "10.0.0.1:6379", "10.0.0.2:6379"),
    ],
)
def test_ray_address_comes_after_an_explicit_address(monkeypatch, address, variable, expected):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert str(RayAddress.of(address)) == expected


def test_ray_address_comes_after_the_connected_ray(ray_cluster, monkeypatch):
    own = ray_cluster.get_runtime_context().gcs_address
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert [address_to_join(address) for address in (None, "auto", own)] == [None] * 3
    for other in ("local", "127.0.0.1:1"):
        with pytest.raises(ClusterError, match=rf"connected Ray, {own}, got '{other}'; try ray.shutdown"):
            address_to_join(other)


def test_a_new_study_leaves_no_folder_if_ray_address_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    study = caviar.Study("digits", trials=2, epochs=1, out=tmp_path / "s")  # it could be submitted, so only a run fails
    with pytest.raises(ClusterError, match=r"nothing answers at the Ray address 127.0.0.1:1 \(RAY_ADDRESS\)"):
        study.run(progress=False)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("variable", ["nonsense", "host:many", "://"])
def test_a_ray_address_that_is_none_is_refused(monkeypatch, variable):
    monkeypatch.setenv("RAY_ADDRESS", variable)
    with pytest.raises(InputError, match="RAY_ADDRESS must be a Ray address, got"):
        RayAddress.of(None).check()


@pytest.mark.parametrize("address", ["http://10.0.0.1", "10.0.0.1:8265", "ray://10.0.0.1:10001", "auto", "", 8265])
def test_what_is_no_jobs_api_is_refused_with_an_address_to_try(address):
    with pytest.raises(InputError, match=r"must begin with http:// and have a port, got .*; try 'http://.*:8265'"):
        check_jobs_api(address)


def test_a_client_of_the_jobs_api_uses_its_own_address_whatever_the_shell_names(monkeypatch):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            version = {"version": "4", "ray_version": ray.__version__, "ray_commit": "", "session_name": ""}
            self.wfile.write(json.dumps([] if "jobs" in self.path else version).encode())

        def log_message(self, *arguments):
            pass

    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:1")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:2")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            assert caviar.connect(f"http://127.0.0.1:{server.server_port}").studies() == []
        finally:
            server.shutdown()


def test_a_port_at_which_nothing_ever_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("caviar.fleet.address._ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        for scheme in ("http", "https"):
            with pytest.raises(ClusterError, match=r"no Jobs API answers at .* \(.*timed out\); check"):
                check_jobs_api(f"{scheme}://127.0.0.1:{server.getsockname()[1]}")
