"""The pool on a real Ray: what trials do to themselves and to their workers."""

import os
import signal
import time
from collections import Counter

import pytest

from caviar.errors import ClusterError
from caviar.fleet.cluster import Placement
from caviar.fleet.messages import Done, Report, Trial
from caviar.fleet.pool import Pool
from caviar.fleet.trainables import FunctionTrainable


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
            events += pool.turn()
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
    assert len({end.worker for end in ends(events).values()}) > 1


@pytest.mark.usefixtures("ray_cluster")
def test_a_generator_reports_epoch_by_epoch():
    reports = [event for event in train(curve, [5]) if isinstance(event, Report)]
    assert [(r.epoch, r.metrics["score"]) for r in reports] == [(1, 5.0), (2, 6.0), (3, 7.0)]
    assert all(a.seconds <= b.seconds for a, b in zip(reports, reports[1:], strict=False))


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
