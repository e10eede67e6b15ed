"""The client of a cluster, before a cluster answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from caviar.errors import InputError
from caviar.jobs.client import connect
from caviar.study.study import Study


class JobsAPI(BaseHTTPRequestHandler):
    """A cluster without jobs."""

    def do_GET(self):
        version = {"version": "4", "ray_version": "2", "ray_commit": "", "session_name": ""}
        content = json.dumps(version if self.path == "/api/version" else []).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def address():
    with HTTPServer(("127.0.0.1", 0), JobsAPI) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_proxy_is_not_asked_for_a_cluster_behind_a_tunnel(address, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "example.org")
    assert connect(address).studies() == []


def test_only_a_study_with_a_name_is_submitted(address, tmp_path):
    with pytest.raises(InputError, match=r"study must be a caviar.Study, got 'runs/mine'"):
        connect(address).submit("runs/mine")
    with pytest.raises(InputError, match="name must be a non-empty string, got 7"):
        connect(address).submit(Study("digits", out=tmp_path / "study"), 7)
