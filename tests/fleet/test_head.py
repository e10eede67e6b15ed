"""A head that no longer answers ends the study with a sentence, before Ray ends the process without one."""

import socket

import pytest

from caviar.errors import ClusterError
from caviar.fleet.head import Head
from caviar.fleet.settings import DEFAULTS


def test_a_head_answers_until_nothing_listens_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = Head(f"127.0.0.1:{server.getsockname()[1]}", patience=60.0)
        assert head.answers()
    assert not head.answers()


def test_a_head_that_is_silent_for_too_long_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        head = Head(address, patience=0.0)
        assert head.answers()
    with pytest.raises(
        ClusterError, match=rf"the head of the Ray cluster at {address} has not answered for 0 s; .*resume"
    ):
        head.answers()


def test_a_study_ends_before_ray_ends_its_process():
    assert DEFAULTS.head_seconds < 60  # Ray's gcs_rpc_server_reconnect_timeout_s
