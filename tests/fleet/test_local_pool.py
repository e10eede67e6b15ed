"""Trials in this process: the same tables as on Ray, without Ray."""

import threading
import time

import pytest

import caviar
from caviar.fleet import connect as door

SPACE = caviar.Space(x=caviar.uniform(0, 1))


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch):
    def refuse(placement):
        raise AssertionError("Ray was asked for")

    monkeypatch.setattr(door, "connected", refuse)


def train(config, seed):
    print(f"seed {seed}")
    for epoch in range(4):
        if config["x"] > 0.8:
            raise ValueError("x is large")
        yield {"loss": (config["x"] - 0.3) ** 2 + seed % 97 / 1000 + 1 / (1 + epoch)}


def study(tmp_path, function=train, **settings):
    defaults = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 16, "epochs": 4, "workers": 0}
    return caviar.Study(function, out=tmp_path / "study", **{**defaults, **settings})


def test_every_trial_becomes_a_row_with_what_it_printed(tmp_path):
    found = study(tmp_path)
    table = found.run(progress=False)
    assert len(table) == 16
    assert set(table["state"]) == {"finished", "failed"}
    failed = table[table["state"] == "failed"]
    assert (failed["error"] == "ValueError: x is large").all()
    assert failed["x"].min() > 0.8
    number, seed = table.loc[0, ["trial", "seed"]]
    assert f"seed {seed}" in (found.folder / "output" / f"{number:06d}.txt").read_text()


def test_the_network_trains_to_the_same_table_as_on_ray(tmp_path, ray_cluster, monkeypatch):
    here = caviar.Study("digits", trials=8, epochs=3, workers=0, out=tmp_path / "here", early_stopping="halving")
    here.run(progress=False)
    monkeypatch.undo()
    there = caviar.Study("digits", trials=8, epochs=3, workers=2, out=tmp_path / "there", early_stopping="halving")
    there.run(progress=False)
    for table, other in ((here.table, there.table), (here.history, there.history)):
        different = ["seconds", "worker"]
        assert table.drop(columns=different, errors="ignore").equals(other.drop(columns=different, errors="ignore"))


def test_halving_lets_paused_trials_go_on_where_they_were(tmp_path):
    table = study(tmp_path, early_stopping={"factor": 2, "first": 2}).run(progress=False)
    assert set(table.loc[table["state"] == "stopped", "epochs"]) == {2}
    assert set(table.loc[table["state"] == "finished", "epochs"]) == {4}


def test_what_runs_over_the_time_of_the_study_is_stopped(tmp_path):
    def slow(config):
        while True:
            time.sleep(0.05)
            yield {"loss": config["x"]}

    table = study(tmp_path, slow, trials=3, timeout=0.4).run(progress=False)
    assert list(table["state"]) == ["timed_out"]
    assert table.loc[0, "epochs"] > 1


def test_what_cannot_be_pickled_may_be_trained_here(tmp_path):
    lock = threading.Lock()

    def locked(config):
        with lock:
            return {"loss": config["x"]}

    assert set(study(tmp_path, locked).run(progress=False)["state"]) == {"finished"}
    with pytest.raises(caviar.InputError, match="cannot be sent to the trainers"):
        study(tmp_path / "other", locked, workers=2)


def test_an_exception_may_carry_a_last_report(tmp_path):
    class Spoilt(Exception):
        report = {"loss": float("nan"), "share": 0.5}  # noqa: RUF012

    def spoil(config):
        yield {"loss": 1.0}
        raise Spoilt("half of it failed")

    table = study(tmp_path, spoil, trials=2).run(progress=False)
    assert list(table["state"]) == ["failed", "failed"]
    assert list(table["error"]) == ["Spoilt: half of it failed"] * 2
    assert list(table["share"]) == [0.5, 0.5]
    assert list(table["epochs"]) == [2, 2]


def test_a_study_may_pause_at_the_first_failure_or_never(tmp_path):
    def fail(config):
        raise KeyError("always")

    with pytest.raises(caviar.PausedError, match="paused: 1 trials in a row") as pause:
        study(tmp_path / "first", fail).run(progress=False, failures=1)
    assert pause.value.last.error == "KeyError: 'always'"
    table = study(tmp_path / "never", fail).run(progress=False, failures=float("inf"))
    assert list(table["state"]) == ["failed"] * 16
