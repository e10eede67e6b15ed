"""`isolation="none"`: the function is called in its trainer, with the same reports and the same table."""

import asyncio
import os
import random
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

import caviar
from tests.fleet.processes.studies import SETTINGS, finished, run, study_of


def pure(config, seed):
    draw = random.Random(seed)
    for epoch in range(3):
        yield {"loss": config["x"] + draw.random() / (1 + epoch), "epoch": epoch}


def by_report(config, seed):
    for report in pure(config, seed):
        caviar.report(report)


def by_return(config, seed):
    *others, last = pure(config, seed)
    for report in others:
        caviar.report(report)
    return last


@pytest.mark.parametrize("function", [pure, by_report, by_return])
@pytest.mark.parametrize("early_stopping", [None, "halving"])
def test_the_table_is_that_of_isolated_trials(tmp_path, function, early_stopping):
    if early_stopping and function is not pure:
        pytest.skip("a function that is called in the trainer can only pause where it yields")
    tables = {}
    for isolation in ("process", "none"):
        settings = SETTINGS | {"early_stopping": early_stopping, "search": "random", "isolation": isolation}
        space = caviar.Space(x=caviar.uniform(0, 1))
        study = caviar.Study(
            function, space=space, trials=12, epochs=3, workers=0, out=tmp_path / isolation, **settings
        )
        tables[isolation] = study.run(progress=False).drop(columns=["began", "ended", "worker", "seconds"])
    assert set(tables["none"]["state"]) <= {"finished", "stopped"}
    pd.testing.assert_frame_equal(tables["process"], tables["none"], check_exact=True)


def test_reports_yields_and_returns_are_checked_and_counted(tmp_path):
    def train(config):
        assert caviar.report({"loss": 2.0, "x": 1.0, "text": "none"}).epoch == 1
        config["layers"] = [1]
        return {"loss": float(os.getpid()), "number": caviar.trial().number}

    study = study_of(train, tmp_path / "s", range(3), isolation="none")
    table = study.run(progress=False)
    assert finished(table)
    assert set(table["loss"]) == {os.getpid()}
    assert list(table["number"]) == list(table["trial"])
    assert list(study.history["loss"]) == [2.0, float(os.getpid())] * 3
    assert list(study.history["reported_x"].dropna()) == [1.0] * 3
    assert "text" not in study.history


def test_a_config_is_a_copy(tmp_path):
    def deepen(config):
        config["x"].append(9)
        return {"loss": float(len(config["x"]))}

    options = [[1], [2, 3]]
    table, _ = run(deepen, tmp_path / "s", options, isolation="none")
    assert list(table["loss"]) == [2.0, 3.0]
    assert options == [[1], [2, 3]]


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


ENDS = {
    "unprintable": (Unprintable, "Unprintable: its text raised RuntimeError"),
    "empty": (ValueError, "ValueError"),
    "exit": (SystemExit, "SystemExit"),
    "cancelled": (asyncio.CancelledError, "CancelledError"),
    "group": (
        lambda: BaseExceptionGroup("two", [asyncio.CancelledError()]),
        "BaseExceptionGroup: two (1 sub-exception)",
    ),
    "surrogate": (lambda: ValueError("caf\udce9"), "ValueError: caf\\udce9"),
    "stop": (caviar.Stop, "it reported nothing; the metric 'loss' is required"),
}


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_errors_are_the_same(tmp_path, isolation):
    def train(config):
        raise ENDS[config["x"]][0]()

    table, outputs = run(train, tmp_path / "s", list(ENDS), isolation=isolation)
    assert dict(zip(table["x"], table["error"], strict=True)) == {x: error for x, (_, error) in ENDS.items()}
    assert all("in train\n" in text for text in outputs[:-1])
    assert all("caviar/fleet" not in text for text in outputs)


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_function_may_exit_as_a_script_does(tmp_path, isolation):
    def train(config):
        caviar.report({"loss": 1.0})
        sys.exit(config["x"])

    table, _ = run(train, tmp_path / "s", [0, 3], isolation=isolation)
    assert list(table["state"]) == ["finished", "failed"]
    assert table["error"][1] == "SystemExit: 3"


def test_a_metric_that_diverges_ends_a_generator(tmp_path):
    def train(config):
        try:
            yield {"loss": float("nan")}
        finally:
            print("closed")

    _, outputs = run(train, tmp_path / "s", range(2), isolation="none")
    assert outputs == ["closed\n"] * 2


def test_checkpoints_are_kept(tmp_path):
    def train(config):
        file = caviar.trial().folder / "state"
        for epoch in range(3):
            file.write_text(str(epoch))
            caviar.report({"loss": 1.0}, checkpoint=file)
        return {"loss": float(caviar.trial().epoch)}

    table, _ = run(train, tmp_path / "s", range(2), isolation="none")
    assert list(table["loss"]) == [3.0, 3.0]


def test_a_debugger_stops_in_this_process(tmp_path):
    (tmp_path / "script.py").write_text(
        textwrap.dedent("""
            import caviar

            def train(config):
                secret = config["x"] + 40
                breakpoint()
                return {"loss": secret}

            settings = {"metric": "loss", "mode": "min", "trials": 1, "waves": 1, "workers": 0, "isolation": "none"}
            caviar.Study(train, space={"x": [2, 3]}, out="s", **settings).run(progress=False)
        """)
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONBREAKPOINT"}  # set by Ray
    commands = {"input": "p secret * 1000\nc\n", "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, **commands)
    assert "(Pdb) 42000" in done.stdout or "(Pdb) 43000" in done.stdout, done
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 1
