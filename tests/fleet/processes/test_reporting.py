"""`caviar.report()`: from anywhere in a trial, and what happens where a trial should end."""

import concurrent.futures
import os
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

import caviar
from caviar.errors import InputError
from tests.fleet.processes.studies import SETTINGS, finished, run, study_of

EPOCHS = 6
HALVING = caviar.Halving(factor=2, first=2)


def test_reports_from_depth_from_threads_by_yield_and_by_return_count_together(tmp_path):
    def deeper(value):
        return caviar.report({"loss": value})

    def train(config):
        numbers = [deeper(9.0).epoch]
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            numbers += [reported.epoch for reported in threads.map(deeper, range(20))]
        assert sorted(numbers) == list(range(1, 22))
        return {"loss": 1.0}

    def stream(config):
        yield {"loss": 3.0}
        assert deeper(2.0).epoch == 2
        yield {"loss": 1.0}

    table, _ = run(train, tmp_path / "train", range(2))
    assert finished(table)
    assert list(table["epochs"]) == [22, 22]
    assert set(table["loss"]) == {1.0}
    study = study_of(stream, tmp_path / "stream")
    assert finished(study.run(progress=False))
    assert list(study.history["loss"]) == [3.0, 2.0, 1.0]
    assert list(study.history["epoch"]) == [1, 2, 3]


def test_reports_arrive_while_the_trial_runs(tmp_path):
    def train(config):
        for epoch in range(1000):
            caviar.report({"loss": 1 / (1 + epoch)})
            if epoch > 20:
                time.sleep(60)

    study = study_of(train, tmp_path / "s", trial_timeout=1.5)
    table = study.run(progress=False)
    assert list(table["state"]) == ["timed_out"]
    assert len(study.history) == 22


def by_report(config, seed):
    path = Path(config["folder"]) / f"{seed}"
    for epoch in range(EPOCHS):
        path.with_suffix(f".{os.getpid()}").touch()
        try:
            caviar.report({"loss": config["x"] + 1 / (1 + epoch), "seed_of_trial": seed % 97})
        except caviar.Stop:
            path.with_suffix(".stopped").write_text(str(epoch))
            raise


def by_yield(config, seed):
    for epoch in range(EPOCHS):
        yield {"loss": config["x"] + 1 / (1 + epoch), "seed_of_trial": seed % 97}


def halving(function, folder, workers, **settings):
    (folder / "files").mkdir(parents=True)
    space = caviar.Space(x=caviar.uniform(0, 1), folder=str(folder / "files"))
    settings = SETTINGS | {"search": "random", "early_stopping": HALVING, **settings}
    study = caviar.Study(function, space=space, trials=16, epochs=EPOCHS, workers=workers, out=folder / "s", **settings)
    return study.run(progress=False)


def comparable(table):
    return table.drop(columns=["began", "ended", "worker", "seconds", "folder"])


@pytest.mark.parametrize("workers", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("ray_cluster")
def test_halving_stops_reports_as_it_stops_generators(tmp_path, workers):
    reported, yielded = halving(by_report, tmp_path / "a", workers), halving(by_yield, tmp_path / "b", 0)
    pd.testing.assert_frame_equal(comparable(reported), comparable(yielded), check_exact=True)
    assert set(reported["state"]) == {"finished", "stopped"}
    for _, row in reported.iterrows():
        files = sorted(path.suffix[1:] for path in (tmp_path / "a" / "files").glob(f"{row['seed']}.*"))
        assert len([name for name in files if name.isdigit()]) == 1  # the same process before and after a rung
        assert ("stopped" in files) == (row["state"] == "stopped")
    stopped = reported[reported["state"] == "stopped"]
    ends = [int((tmp_path / "a" / "files" / f"{seed}.stopped").read_text()) for seed in stopped["seed"]]
    assert [end + 1 for end in ends] == list(stopped["epochs"])


@pytest.mark.parametrize("early_stopping", ["halving", "asha"])
def test_other_early_stopping_ends_with_every_trial(tmp_path, early_stopping):
    table = halving(by_report, tmp_path, 0, early_stopping=early_stopping)
    assert len(table) == 16
    assert set(table["state"]) <= {"finished", "stopped"}


def test_a_metric_that_becomes_nan_stops_the_trial(tmp_path):
    def train(config):
        caviar.report({"loss": 1.0})
        try:
            caviar.report({"loss": float(config["x"])})
        except caviar.Stop:
            (tmp_path / config["x"]).touch()
            print("cleaned up")
            raise
        return {"loss": 0.0}

    table, outputs = run(train, tmp_path / "s", ["nan", "inf", "2"])
    assert list(table["state"]) == ["diverged", "diverged", "finished"]
    assert list(table["error"][:2]) == ["loss became nan in epoch 2", "loss became inf in epoch 2"]
    assert (tmp_path / "nan").exists()
    assert outputs == ["cleaned up\n"] * 2 + [""]


def test_no_except_keeps_a_trial_alive(tmp_path):
    def stubborn(config):
        while True:
            try:
                caviar.report({"loss": float("nan") if config["x"] else 1.0})
            except Exception:
                time.sleep(0.01)
            if not config["x"]:
                return

    start = time.monotonic()
    table, _ = run(stubborn, tmp_path / "s", range(2))
    assert list(table["state"]) == ["finished", "diverged"]
    assert list(table["epochs"]) == [1, 1]
    assert time.monotonic() - start < 20


def test_a_trial_may_stop_itself(tmp_path):
    def train(config):
        if config["x"]:
            caviar.report({"loss": 2.0})
        raise caviar.Stop

    table, _ = run(train, tmp_path / "s", range(2))
    assert list(table["state"]) == ["failed", "finished"]
    assert table["error"][0] == "it reported nothing; the metric 'loss' is required"
    assert table["loss"][1] == 2.0


def test_stop_in_a_thread_stops_the_trial(tmp_path):
    def train(config):
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            threads.submit(caviar.report, {"loss": float("nan")}).result()

    table, _ = run(train, tmp_path / "s", range(2))
    assert list(table["state"]) == ["diverged"] * 2


def test_a_thread_that_reports_after_the_end_harms_nobody(tmp_path):
    def train(config):
        def report_on():
            while True:
                caviar.report({"loss": 5.0, "late": 1.0})

        caviar.report({"loss": 1.0})
        threading.Thread(target=report_on, daemon=True).start()
        time.sleep(0.02)
        raise ValueError("the end")

    table, _ = run(train, tmp_path / "s", range(5))
    assert set(table["error"]) == {"ValueError: the end"}


def test_a_forked_child_of_a_trial_does_not_report_for_it(tmp_path):
    def train(config):
        caviar.report({"loss": 1.0})
        for _ in range(3):
            child = os.fork()
            if child == 0:
                caviar.report({"loss": 99.0})
                os._exit(0)
            os.waitpid(child, 0)
        return {"loss": 2.0}

    study = study_of(train, tmp_path / "s")
    assert finished(study.run(progress=False))
    assert list(study.history["loss"]) == [1.0, 2.0]


def test_outside_of_a_trial(tmp_path):
    assert caviar.report({"loss": 1.0}, checkpoint=tmp_path / "none").epoch == 0
    with pytest.raises(InputError, match=r"caviar.trial\(\) works only inside a trial; run the function as a study"):
        caviar.trial()
