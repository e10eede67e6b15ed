"""The record in the home directory of the Ray that was started for Pandas."""

import socket
from pathlib import Path

import pytest

from caviar.errors import ClusterError
from caviar.panda.local_ray import LocalRay, connect


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".caviar").mkdir()
    return tmp_path / ".caviar" / "ray.json"


def test_the_ray_that_was_started_is_remembered(remembered):
    remembered.write_text('{"address": "127.0.0.1:6379", "process": 3}')
    assert LocalRay.read() == LocalRay("127.0.0.1:6379", 3)


@pytest.mark.parametrize("content", ["", "[]", '{"address": "127.0.0.1:6379"}', "3"])
def test_what_cannot_be_read_is_no_ray(remembered, content):
    assert LocalRay.read() is None
    remembered.write_text(content)
    assert LocalRay.read() is None


def test_a_ray_answers_while_its_port_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        local = LocalRay(f"127.0.0.1:{server.getsockname()[1]}", 3)
        assert local.answers
    assert not local.answers


@pytest.mark.parametrize(
    ("home", "reason"), [("none", "this user has no home folder"), ("file", "cannot write .*caviar")]
)
def test_without_a_home_folder_no_ray_starts_for_a_panda_and_one_sentence_says_why(monkeypatch, tmp_path, home, reason):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # whatever other tests have joined
    (tmp_path / "file").touch()
    monkeypatch.setattr(Path, "home", no_home if home == "none" else lambda: tmp_path / "file")
    assert LocalRay.read() is None
    with pytest.raises(ClusterError, match=rf"^{reason}.*; set HOME to a folder of your own that has space, or pass"):
        connect("local", start=True)
