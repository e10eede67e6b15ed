"""The pool on a real Ray: what trials do to themselves and to their workers."""

import os
import signal
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from ray.exceptions import (
    ActorUnavailableError,
    GetTimeoutError,
    ObjectLostError,
    OutOfMemoryError,
    WorkerCrashedError,
)

from caviar.errors import ClusterError
from caviar.fleet import scaling as crew
from caviar.fleet.cluster import Placement
from caviar.fleet.messages import Done, Report
from caviar.records.trial import Trial
from caviar.fleet.pool import Pool
from caviar.fleet.worker.trainables import FunctionTrainable


def score(config, seed):
    return {"score": config["x"] * 2.0 + seed}


def misbehave(config, seed):
    """One trial of each kind of trouble, by name."""
    match config["x"]:
        case "raise":
            raise ValueError("a bad day")
        case "nan":
            return {"score": float("nan")}
        case "string":
            return {"score": "high"}
        case "none":
            return None
        case "other":
            return {"loss": 1.0}
        case "print":
            print("x" * 1_000_000 + "the end")
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(600)
    return {"score": 1.0}


def curve(config, seed):
    for epoch in range(3):
        yield {"score": config["x"] + epoch}


def train(function, xs, workers=2, trial_timeout=None):
    """The events of trials with x of `xs`, one stack each."""
    pool = Pool(FunctionTrainable(function), "score", Placement(workers, trial_timeout=trial_timeout))
    try:
        pool.submit([(Trial(i, 1, {"x": x}, i),) for i, x in enumerate(xs)])
        events = []
        while pool.pending:
            events += pool.poll()
        return events
    finally:
        pool.close()


def ends(events):
    return {event.trial: event for event in events if isinstance(event, Done)}


@pytest.mark.usefixtures("ray_cluster")
def test_every_trial_is_trained_once_and_reports():
    events = train(score, range(300), workers=3)
    reports = {event.trial: event.metrics for event in events if isinstance(event, Report)}
    assert reports == {i: {"score": 3.0 * i} for i in range(300)}
    assert Counter(event.trial for event in events if isinstance(event, Done)) == Counter(range(300))


@pytest.mark.usefixtures("ray_cluster")
def test_trials_run_at_the_same_time_on_as_many_trainers_as_were_asked_for():
    def until_three_are_here(config, seed):
        folder = Path(config["x"])
        (folder / str(os.getpid())).touch()
        while len(list(folder.iterdir())) < 3:
            time.sleep(0.01)
        return {"score": 1.0}

    with tempfile.TemporaryDirectory() as folder:
        events = train(until_three_are_here, [folder] * 3, workers=3)
    assert len({end.worker for end in ends(events).values()}) == 3


@pytest.mark.usefixtures("ray_cluster")
def test_a_trials_end_is_not_held_back_by_a_long_trial_after_it():
    def second_waits(config, seed):
        while seed == 1 and not os.path.exists(config["flag"]):
            time.sleep(0.01)
        return {"score": 1.0}

    with tempfile.TemporaryDirectory() as folder:
        flag = Path(folder) / "flag"
        pool = Pool(FunctionTrainable(second_waits), "score", Placement(1))
        pool._dispatcher._seconds_a_stack = 0.01  # so that the first five travel together
        pool.submit([(Trial(i, 1, {"flag": str(flag)}, i),) for i in range(10)])
        try:
            ended = []
            while not ended:
                ended = [event.trial for event in pool.poll() if isinstance(event, Done)]
            assert ended == [0]
            flag.touch()
            while pool.pending:
                pool.poll()
        finally:
            pool.close()


@pytest.mark.usefixtures("ray_cluster")
def test_a_generator_reports_epoch_by_epoch():
    reports = [event for event in train(curve, [5]) if isinstance(event, Report)]
    assert [(r.epoch, r.metrics["score"]) for r in reports] == [(1, 5.0), (2, 6.0), (3, 7.0)]
    assert all(a.seconds <= b.seconds for a, b in pairwise(reports))


@pytest.mark.usefixtures("ray_cluster")
def test_what_goes_wrong_is_the_trials_own_result():
    troubles = ["raise", "nan", "string", "none", "other", "print", "exit", "kill", "sleep", "fine", "fine"]
    found = ends(train(misbehave, troubles, trial_timeout=1.0))
    states = {trouble: found[i].state for i, trouble in enumerate(troubles)}
    assert states == {
        "raise": "failed", "nan": "diverged", "string": "failed", "none": "failed", "other": "failed",
        "print": "finished", "exit": "failed", "kill": "failed", "sleep": "timed_out", "fine": "finished",
    }  # fmt: skip
    error = {trouble: found[i].error for i, trouble in enumerate(troubles)}
    assert error["raise"] == "ValueError: a bad day"
    assert "Traceback" in found[0].output
    assert "score='high'" in error["string"]
    assert "got None" in error["none"]
    assert "'score' is not among what it reported: 'loss'" in error["other"]
    assert found[5].output.endswith("the end\n")
    assert len(found[5].output) <= 1 << 16
    assert "lost 3 times" in error["exit"]
    assert "1 s" in error["sleep"]


@pytest.mark.usefixtures("ray_cluster")
def test_a_trainer_that_needs_more_than_the_cluster_has_is_refused():
    with pytest.raises(ClusterError, match="1000 cpu"):
        Pool(FunctionTrainable(score), "score", Placement(1, resources={"cpu": 1000.0}))


@pytest.mark.usefixtures("ray_cluster")
def test_trainers_that_the_cluster_has_no_room_for_are_asked_for_and_said_to_be_waited_for(monkeypatch):
    asked, said = [], []
    monkeypatch.setattr(crew, "request_resources", lambda bundles: asked.append(bundles))
    monkeypatch.setattr(crew, "PATIENCE_SECONDS", 0.0)
    pool = Pool(FunctionTrainable(score), "score", Placement(6), said.append)
    try:
        pool.submit([(Trial(i, 1, {"x": i}, i),) for i in range(20)])
        deadline = time.monotonic() + 60
        while (pool.pending or not said) and time.monotonic() < deadline:
            pool.poll()
    finally:
        pool.close()
    assert asked == [[{"CPU": 1.0}] * 6, []]  # and taken back at the end
    assert "waiting for 1 cpu for each of the others (the cluster has room for 4 in all" in said[-1]
    assert pool.pending == 0


def test_why_a_worker_was_lost_and_whether_a_trial_is_to_blame():
    memory = OutOfMemoryError("Task was killed due to the node running low on memory.")
    assert crew.reason(memory) == "it was ended for lack of memory"
    assert not crew.innocent(memory, "host:1")
    for away in (ActorUnavailableError("gone", b"1" * 16), GetTimeoutError("silent"), ObjectLostError("0", None, "")):
        assert crew.innocent(away, "host:1")
        assert crew.reason(away) == "its node went out of reach"
    assert crew.reason(WorkerCrashedError()).startswith("WorkerCrashedError: ")


def test_of_workers_ended_for_memory_together_the_one_that_held_most_is_to_blame():
    held = {"84": 0.15, "841": 2.50, "842": 0.47}  # gigabytes by process
    lines = [
        f"Selected to kill: (Actor(d7): job ID=01, pid={pid}, actual memory used={gb}GB)" for pid, gb in held.items()
    ]
    error = OutOfMemoryError("3 worker(s) were killed due to the node running low on memory.\n" + "\n".join(lines))
    assert [crew.innocent(error, f"host:{pid}") for pid in held] == [True, False, True]
    assert not crew.innocent(error, "host:999")  # one that Ray's message does not speak of
