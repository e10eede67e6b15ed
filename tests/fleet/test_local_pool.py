"""Trials in this process: the same results as on Ray, without Ray."""

import subprocess
import sys
import textwrap
import threading
import time

import pytest

import caviar
from caviar.errors import InputError
from caviar.fleet.connect import open_pool
from caviar.fleet.local_pool import LocalPool
from caviar.fleet.messages import Done, Started
from caviar.fleet.placement import Placement
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.trainables import FunctionTrainable, check_picklable
from caviar.records.trial import State, Trial
from tests.fleet.pools import curves, train


def train_function(function, xs, **settings):
    pool = LocalPool(FunctionTrainable(function), "loss", **settings)
    return train(pool, [(Trial(number, 1, {"x": x}, number),) for number, x in enumerate(xs)])


def ends(events):
    return [event for event in events if isinstance(event, Done)]


def curve(config, seed):
    print(f"seed {seed}")
    for epoch in range(4):
        if config["x"] > 0.8:
            raise ValueError("x is large")
        yield {"loss": config["x"] + 1 / (1 + epoch)}


def test_every_trial_ends_with_what_it_printed():
    finished, failed = ends(train_function(curve, [0.5, 0.9]))
    assert (finished.state, finished.error, finished.output) == (State.FINISHED, "", "seed 0\n")
    assert (failed.state, failed.error) == (State.FAILED, "ValueError: x is large")
    assert failed.output.startswith("seed 1\nTraceback")


def test_no_ray_is_imported():
    code = """
        import sys
        from caviar.fleet.connect import open_pool
        from caviar.fleet.placement import Placement
        from caviar.fleet.worker.trainables import FunctionTrainable
        from caviar.records.trial import Trial

        with open_pool(FunctionTrainable(lambda config: {"loss": 1.0}), "loss", Placement(workers=0)) as trainers:
            trainers.submit([(Trial(0, 1, {}, 0),)])
            while trainers.pending:
                trainers.poll()
        print("ray" in sys.modules)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


@pytest.mark.usefixtures("ray_cluster")
def test_networks_train_to_the_same_reports_as_on_ray():
    trainable = NetworkTrainable(caviar.load_digits(), epochs=3)
    configs = [{"learning_rate": 10.0**-power, "hidden_units": 16} for power in range(1, 7)]
    stacks = [tuple(Trial(i + j, 1, configs[i + j], i + j) for j in range(2)) for i in (0, 2, 4)]
    local, remote = [], []
    for workers, events in ((0, local), (2, remote)):
        with open_pool(trainable, "val_accuracy", Placement(workers)) as trainers:
            events += train(trainers, stacks)
    assert len(curves(local)) == 6 * 3
    assert curves(local) == curves(remote)


def test_a_paused_trial_continues_where_it_was():
    pool = LocalPool(FunctionTrainable(curve), "loss")
    paused = train(pool, [(Trial(0, 1, {"x": 0.5}, 0, until=2),)])
    assert ends(paused)[0].state is State.PAUSED
    rest = train(pool, [(Trial(0, 1, {"x": 0.5}, 0),)])
    assert rest[0] == Started(0, reports=2)
    assert list(curves(rest)) == [(0, 3), (0, 4)]


def test_stop_ends_the_trial_in_training():
    def endless(config):
        while True:
            yield {"loss": config["x"]}

    pool = LocalPool(FunctionTrainable(endless), "loss")
    pool.submit([(Trial(number, 1, {"x": 1.0}, number),) for number in range(3)])
    events = [event for _ in range(10) for event in pool.poll()]
    (end,) = pool.stop("the study exceeded its timeout")
    assert (end.trial, end.state, end.error) == (0, State.TIMED_OUT, "the study exceeded its timeout")
    assert len(curves(events)) > 1
    assert pool.pending == 0
    assert pool.poll() == []


def test_a_trial_that_exceeds_its_time_limit_is_ended_between_two_reports():
    def slow(config):
        while True:
            time.sleep(0.06)
            yield {"loss": config["x"]}

    (end,) = ends(train_function(slow, [0.5], trial_timeout=0.1))
    assert (end.state, end.error) == (State.TIMED_OUT, "it exceeded its time limit of 0.1 s")


def test_what_cannot_be_pickled_can_be_trained_here():
    lock = threading.Lock()

    def locked(config):
        with lock:
            return {"loss": config["x"]}

    assert ends(train_function(locked, [0.5]))[0].state is State.FINISHED
    with pytest.raises(InputError, match=r"locked cannot be sent to the trainers .*lock"):
        check_picklable(FunctionTrainable(locked), "locked")


def test_an_exception_may_carry_a_last_report():
    class Spoilt(Exception):
        report = {"loss": float("nan"), "share": 0.5}  # noqa: RUF012

    def spoil(config):
        yield {"loss": 1.0}
        raise Spoilt("half of it failed")

    events = train_function(spoil, [0.5])
    assert ends(events)[0].state is State.FAILED
    assert ends(events)[0].error == "Spoilt: half of it failed"
    assert curves(events)[0, 2]["share"] == 0.5


def test_a_study_trains_here_with_halving(tmp_path):
    settings = {"space": caviar.Space(x=caviar.uniform(0, 0.8)), "metric": "loss", "mode": "min", "workers": 0}
    halving = caviar.Halving(factor=2, first=2)
    study = caviar.Study(curve, trials=16, epochs=4, early_stopping=halving, out=tmp_path / "study", **settings)
    table = study.run(progress=False)
    assert len(table) == 16
    assert set(table.loc[table["state"] == State.STOPPED, "epochs"]) == {2}
    assert set(table.loc[table["state"] == State.FINISHED, "epochs"]) == {4}
    number, seed = table.loc[0, ["trial", "seed"]]
    assert f"seed {seed}" in (study.folder / "output" / f"{number:06d}.txt").read_text()


def test_a_study_pauses_at_the_first_failure_or_never(tmp_path):
    def fail(config):
        raise KeyError("always")

    settings = {"space": caviar.Space(x=caviar.uniform(0, 1)), "metric": "loss", "mode": "min", "workers": 0}
    study = caviar.Study(fail, trials=16, out=tmp_path / "first", **settings)
    with pytest.raises(caviar.PausedError, match="paused: 1 trial"):
        study.run(progress=False, failures=1)
    study = caviar.Study(fail, trials=16, out=tmp_path / "never", **settings)
    assert list(study.run(progress=False, failures=float("inf"))["state"]) == [State.FAILED] * 16
