"""A pool inside an actor, polled with one call at a time."""

import logging
import time

import pytest

from caviar.errors import ClusterError
from caviar.fleet.messages import Done, Report
from caviar.fleet.placement import Placement
from caviar.fleet.remote_pool import RemotePool
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial

pytestmark = pytest.mark.usefixtures("ray_cluster")


def curve(config):
    for epoch in range(3):
        yield {"score": config["x"] + epoch}


def test_trials_train_pause_and_continue():
    pool = RemotePool(FunctionTrainable(curve), "score", Placement(2), PoolSettings())
    try:
        events = []
        for until in (1, None):
            pool.submit([(Trial(number, 1, {"x": number}, number, until),) for number in range(8)])
            while pool.pending:
                events += pool.poll()
            pool.discard([])
    finally:
        pool.close()
    assert pool.workers == 2
    states = [event.state for event in events if isinstance(event, Done)]
    assert states == [State.PAUSED] * 8 + [State.FINISHED] * 8
    reports = {(event.trial, event.epoch): event.metrics for event in events if isinstance(event, Report)}
    assert reports == {(n, epoch + 1): {"score": n + epoch} for n in range(8) for epoch in range(3)}


def test_what_its_actor_logs_is_logged_here(caplog):
    pool = RemotePool(FunctionTrainable(curve), "score", Placement(6), PoolSettings(start_seconds=0.0))
    deadline = time.monotonic() + 60
    try:
        with caplog.at_level(logging.WARNING, "caviar"):
            while not caplog.messages and time.monotonic() < deadline:
                pool.submit([(Trial(number, 1, {"x": number}, number),) for number in range(20)])
                pool.poll()
    finally:
        pool.close()
    assert "waiting for 1 cpu for each of the others" in caplog.messages[0]


def test_a_lost_actor_is_one_sentence():
    pool = RemotePool(FunctionTrainable(curve), "score", Placement(1), PoolSettings())
    pool.close()
    with pytest.raises(ClusterError, match=r"lost connection to the trainers .*continue with `caviar resume`"):
        pool.poll()
