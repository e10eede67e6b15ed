"""The trainers of a pool on a real Ray: how many start, and what is reported about those that cannot."""

import logging
import time
from types import SimpleNamespace

import pytest
import ray

from caviar.errors import ClusterError
from caviar.fleet.cluster import waiting_tasks
from caviar.fleet.head import Head
from caviar.fleet.placement import Placement
from caviar.fleet.scaling import TrainerGroup, Worker
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable

pytestmark = pytest.mark.usefixtures("ray_cluster")
TRAINABLE = FunctionTrainable(lambda config: {"score": 1.0})


def test_a_trainer_that_needs_more_than_the_cluster_has_is_refused():
    with pytest.raises(ClusterError, match="1000 cpu"):
        TrainerGroup(TRAINABLE, "score", Placement(1, resources={"cpu": 1000.0}), PoolSettings())


def test_trainers_without_room_are_demanded_and_reported(caplog):
    group = TrainerGroup(TRAINABLE, "score", Placement(6), PoolSettings(start_seconds=0.0, scale_seconds=0.1))
    deadline = time.monotonic() + 60
    with caplog.at_level(logging.WARNING, "caviar"):
        while not (caplog.messages and len(group.ready) == 4) and time.monotonic() < deadline:
            group.scale(20)
            answers, _ = ray.wait(list(group.starting), timeout=0.1)
            for answer in answers:
                group.confirm_start(answer)
    assert group.size == 6
    assert len(group.ready) == 4
    assert waiting_tasks() == {"CPU": 1.0}  # what an autoscaler adds nodes for
    group.shutdown()
    assert "waiting for 1 cpu for each of the others (the cluster has room for 4 in all" in caplog.messages[-1]


@pytest.mark.parametrize(("platform", "count"), [("linux", 0), ("darwin", 1), ("win32", 1)])
def test_a_memory_limit_that_the_system_does_not_have_is_reported(monkeypatch, caplog, platform, count):
    monkeypatch.setattr("caviar.fleet.scaling.sys", SimpleNamespace(platform=platform))
    TrainerGroup(TRAINABLE, "score", Placement(1, resources={"cpu": 1.0, "memory": 1e6}), PoolSettings())
    assert caplog.text.count("memory limits need Linux: here resources['memory'] only reserves memory") == count


def test_there_are_no_more_trainers_than_trials():
    group = TrainerGroup(TRAINABLE, "score", Placement(4), PoolSettings())
    group.scale(2)
    assert len(group.starting) == 2
    group.shutdown()


def test_trainers_that_die_as_they_start_are_given_up():
    group = TrainerGroup(Broken(), "score", Placement(2), PoolSettings(scale_seconds=0.0, false_starts=2))

    def scale_until_ready():
        while not group.ready:
            group.scale(20)
            answers, _ = ray.wait(list(group.starting), timeout=10)
            for answer in answers:
                group.confirm_start(answer)

    with pytest.raises(ClusterError, match=r"trainers cannot start: .*check what they need to import"):
        scale_until_ready()
    group.shutdown()


class Broken:
    """A trainable that cannot be unpickled."""

    def __reduce__(self):
        return (int, ("not a number",))


def test_trainers_wait_for_a_head_that_does_not_answer(monkeypatch):
    group = TrainerGroup(TRAINABLE, "score", Placement(2), PoolSettings(scale_seconds=0.0))
    with monkeypatch.context() as patch:
        patch.setattr(Head, "answers", lambda head: False)
        group.scale(2)
        assert not group.starting
    group.scale(2)
    assert len(group.starting) == 2
    group.shutdown()


def test_trainers_that_find_no_memory_are_given_up_with_what_helps(monkeypatch):
    group = TrainerGroup(TRAINABLE, "score", Placement(2), PoolSettings(false_starts=1))

    def find_none(answer):
        raise ray.exceptions.OutOfMemoryError("short")

    monkeypatch.setattr(ray, "get", find_none)

    def start():
        for answer in range(100):
            group.starting[answer] = Worker(actor=None)
            group.confirm_start(answer)

    with pytest.raises(ClusterError, match="killed for lack of memory; free some on their machines, or ask for fewer"):
        start()
