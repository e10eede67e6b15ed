"""The pool on a real Ray: what trials do to themselves and to their trainers."""

import contextlib
import logging
import os
import signal
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from caviar.fleet.messages import Done, Report
from caviar.fleet.placement import Placement
from caviar.fleet.pool import Pool
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.settings import DEFAULTS, PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.trial import State, Trial

pytestmark = pytest.mark.usefixtures("ray_cluster")


def score(config, seed):
    return {"score": config["x"] * 2.0 + seed}


def misbehave(config, seed):
    """A trial with the trouble that its name says."""
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
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(600)
    return {"score": 1.0}


def curve(config, seed):
    for epoch in range(3):
        yield {"score": config["x"] + epoch}


def train(function, xs, workers=2, trial_timeout=None, settings=DEFAULTS):
    """Train trials with the given values of x, one per stack, and return their events."""
    pool = Pool(
        FunctionTrainable(function, "score"), "score", Placement(workers, trial_timeout=trial_timeout), settings
    )
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


def test_every_trial_is_trained_once_and_reports():
    events = train(score, range(300), workers=3)
    reports = {event.trial: event.metrics for event in events if isinstance(event, Report)}
    assert reports == {i: {"score": 3.0 * i} for i in range(300)}
    assert Counter(event.trial for event in events if isinstance(event, Done)) == Counter(range(300))


def test_trials_run_at_the_same_time_on_all_trainers():
    def wait_for_three(config, seed):
        folder = Path(config["x"])
        (folder / str(os.getpid())).touch()
        while len(list(folder.iterdir())) < 3:
            time.sleep(0.01)
        return {"score": 1.0}

    with tempfile.TemporaryDirectory() as folder:
        events = train(wait_for_three, [folder] * 3, workers=3)
    assert len({end.worker for end in ends(events).values()}) == 3


def test_the_end_of_a_trial_does_not_wait_for_a_long_trial_after_it_in_its_lease():
    def second_waits(config, seed):
        while seed == 2 and not os.path.exists(config["flag"]):
            time.sleep(0.01)
        return {"score": 1.0}

    with tempfile.TemporaryDirectory() as folder:
        flag = Path(folder) / "flag"
        pool = Pool(FunctionTrainable(second_waits), "score", Placement(1), PoolSettings())
        stacks = [(Trial(i, 1, {"flag": str(flag)}, i),) for i in range(11)]
        try:
            pool.submit(stacks[:1])  # a short one first, so that the next five share a lease
            while pool.pending:
                pool.poll()
            pool.submit(stacks[1:])
            ended = []
            while not ended:
                ended = [event.trial for event in pool.poll() if isinstance(event, Done)]
            assert ended == [1]
            flag.touch()
            while pool.pending:
                pool.poll()
        finally:
            pool.close()


def test_a_generator_reports_epoch_by_epoch():
    reports = [event for event in train(curve, [5]) if isinstance(event, Report)]
    assert [(r.epoch, r.metrics["score"]) for r in reports] == [(1, 5.0), (2, 6.0), (3, 7.0)]
    assert all(a.seconds <= b.seconds for a, b in pairwise(reports))


def test_whatever_goes_wrong_in_a_trial_is_its_result():
    troubles = ["raise", "nan", "string", "none", "other", "print", "kill", "sleep", "fine", "fine"]
    settings = PoolSettings(grace_seconds=0.2, max_losses=2)
    results = ends(train(misbehave, troubles, trial_timeout=1.0, settings=settings))
    states = {trouble: results[i].state for i, trouble in enumerate(troubles)}
    assert states == {
        "raise": State.FAILED, "nan": State.DIVERGED, "string": State.FAILED, "none": State.FAILED,
        "other": State.FAILED, "print": State.FINISHED, "kill": State.FAILED,
        "sleep": State.TIMED_OUT, "fine": State.FINISHED,
    }  # fmt: skip
    error = {trouble: results[i].error for i, trouble in enumerate(troubles)}
    assert error["raise"] == "ValueError: a bad day"
    assert "Traceback" in results[0].output
    assert "got score='high'; convert it" in error["string"]
    assert "got None" in error["none"]
    assert "must contain the metric 'score', got 'loss'" in error["other"]
    assert results[5].output.endswith("the end\n")
    assert len(results[5].output) <= 1 << 16
    assert error["kill"] == "its worker was lost 2 times: its process died"
    assert error["sleep"] == "it exceeded its time limit of 1 s"


def test_a_trainer_that_hangs_in_silence_is_replaced_and_its_trial_runs_again():
    def stop_once(config, seed):
        flag = Path(config["x"]) / str(seed)
        if seed == 0 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGSTOP)  # hangs silently, as behind a cut network
        return {"score": 1.0}

    with tempfile.TemporaryDirectory() as folder:
        events = train(stop_once, [folder] * 4, settings=PoolSettings(silent_seconds=0.5))
    assert {end.state for end in ends(events).values()} == {State.FINISHED}
    assert len(ends(events)) == 4


def test_a_trial_that_is_given_to_trainers_that_were_dead_already_is_not_blamed():
    pool = Pool(FunctionTrainable(score, "score"), "score", Placement(workers=3), DEFAULTS)
    try:
        pool.submit([(Trial(i, 1, {"x": i}, i),) for i in range(60)])
        trainers = set()
        while pool.pending or len(trainers) < 3:
            trainers |= {event.worker for event in pool.poll(0.1) if isinstance(event, Done)}
            if not pool.pending and len(trainers) < 3:
                pool.submit([(Trial(i, 1, {"x": i}, i),) for i in range(60)])
        for name in trainers:
            os.kill(int(name.rsplit(":", 1)[1]), signal.SIGKILL)  # as a system without memory does to all of them
        pool.submit([(Trial(60, 1, {"x": 60}, 60),)])
        events = []
        while pool.pending:
            events += pool.poll()
    finally:
        pool.close()
    assert ends(events)[60].state is State.FINISHED


def test_a_paused_trial_continues_in_the_trainer_that_keeps_it():
    def count(config, seed):
        for epoch in range(4):
            yield {"score": float(epoch), "process": os.getpid()}

    pool = Pool(FunctionTrainable(count), "score", Placement(2), PoolSettings())
    try:
        reports = []
        for until in (1, 3, None):
            pool.submit([(Trial(number, 1, {}, number, until),) for number in range(6)])
            while pool.pending:
                reports += [event for event in pool.poll() if isinstance(event, Report)]
    finally:
        pool.close()
    assert Counter((report.trial, report.epoch) for report in reports) == Counter(
        (number, epoch) for number in range(6) for epoch in range(1, 5)
    )
    assert len({(report.trial, report.metrics["process"]) for report in reports}) == 6


def test_stop_ends_the_trials_in_training_and_drops_the_others():
    def sleep(config, seed):
        time.sleep(600)

    pool = Pool(FunctionTrainable(sleep), "score", Placement(2), PoolSettings())
    try:
        pool.submit([(Trial(number, 1, {}, number),) for number in range(6)])
        started = []
        while len(started) < 2:
            started += [event.trial for event in pool.poll()]
        stopped = pool.stop("the study exceeded its timeout")
        assert {(end.trial, end.state, end.error) for end in stopped} == {
            (trial, State.TIMED_OUT, "the study exceeded its timeout") for trial in started
        }
        assert pool.pending == 0
    finally:
        pool.close()


def test_a_task_that_waits_for_what_the_trainers_hold_is_named_within_seconds(ray_cluster, tmp_path, caplog):
    def train(config, seed):
        if config["x"] == 0:
            import ray  # joins the cluster of the study

            while len(list(tmp_path.glob("started*"))) < others:  # the task would get a CPU
                time.sleep(0.05)
            double = ray.remote(num_cpus=1)(lambda x: 2 * x)
            return {"score": ray.get(double.remote(21))}
        (tmp_path / f"started-{config['x']}").touch()
        while not (tmp_path / "go").exists():
            time.sleep(0.05)
        return {"score": 0.0}

    placement = Placement(int(ray_cluster.cluster_resources()["CPU"]))
    others = placement.workers - 1
    pool = Pool(IsolatedFunction.of(train, "score", placement), "score", placement, DEFAULTS)
    events, begun = [], time.monotonic()
    with contextlib.closing(pool), caplog.at_level(logging.WARNING, "caviar"):
        pool.submit([(Trial(i, 1, {"x": i}, i),) for i in range(placement.workers)])
        while "waits for 1 CPU" not in caplog.text:
            assert time.monotonic() < begun + 60
            events += pool.poll()
        assert not ends(events)
        (tmp_path / "go").touch()
        while len(ends(events)) < others:
            events += pool.poll()
    assert caplog.text.count("waits for") == 1
    assert "leave it some with fewer workers" in caplog.text
