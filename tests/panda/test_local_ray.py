"""The record in the home directory of the Ray that was started for Pandas."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from caviar.errors import ClusterError
from caviar.panda import local_ray
from caviar.panda.local_ray import LocalRay


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


@pytest.fixture
def short():
    """The path of an empty folder, as short as that of a temporary folder usually is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        yield path


def test_the_folder_of_ray_is_short_enough_for_its_sockets(short, monkeypatch):
    for root, expected in ((short, short), ("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T", "/tmp")):
        monkeypatch.setattr(tempfile, "tempdir", root)
        folder = local_ray._temporary_folder()
        assert folder == Path(expected, f"caviar-{os.getuid()}")
        assert folder.is_dir()
        assert len(f"{folder}/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store") <= 103  # on macOS


def test_a_folder_of_another_user_or_that_cannot_be_created_is_one_sentence(short, monkeypatch):
    mine = os.getuid()
    monkeypatch.setattr(tempfile, "tempdir", short)
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    Path(short, f"caviar-{mine + 1}").mkdir()
    with pytest.raises(ClusterError, match=r"must be yours, for Ray, but another user owns it; try a short TMPDIR"):
        local_ray._temporary_folder()
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    with pytest.raises(ClusterError, match=r"cannot create /dev/null/caviar-.* \(Not a directory\); try a short"):
        local_ray._temporary_folder()
