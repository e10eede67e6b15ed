"""The record in the home directory of the Ray that was started for Pandas."""

import socket

import pytest

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
