"""`--json`: what programs read on standard output, and nothing else there."""

import datetime
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import caviar
from caviar.cli.main import main
from caviar.cli.output import records, to_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(value=values)
def test_whatever_is_printed_is_valid_json(value):
    def refuse(constant):
        raise AssertionError(constant)

    json.loads(to_json(value), parse_constant=refuse)


def test_what_json_does_not_have_is_null_or_text():
    date = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    plain = {"a": math.inf, "b": [np.float64("nan"), np.int64(3)], "c": date, 4: {1}, "e": caviar.InputError("no")}
    assert json.loads(to_json(plain)) == {
        "a": None, "b": [None, 3], "c": "2026-01-02T00:00:00+00:00", "4": [1], "e": "no"
    }  # fmt: skip


def test_records_have_none_for_what_is_missing():
    table = pd.DataFrame({"x": [1.5, np.nan], "n": pd.array([1, None], dtype="Int64"), "t": [pd.NaT, pd.Timestamp(0)]})
    assert to_json(records(table)) == (
        '[{"x": 1.5, "n": 1, "t": null}, {"x": null, "n": null, "t": "1970-01-01T00:00:00"}]'
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a study in `runs`: confirmed, with an infinite constant and a trial that failed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def train(config, seed):
        if config["x"] > 0.9:
            raise ValueError("too large")
        return {"loss": config["x"] ** 2 + seed % 7 / 100, "always": math.pi}

    space = caviar.Space(x=caviar.uniform(-1, 1), kind=caviar.choice(["a", "=b"]), limit=math.inf)
    study = caviar.Study(
        train, space=space, metric="loss", mode="min", trials=24, workers=0, confirm=(2, 2), out="runs/first"
    )
    study.run(progress=False)
    return study


def printed(capsys, *arguments):
    """Return what a command prints as JSON."""
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def test_best_prints_the_winner(folder, capsys):
    best = printed(capsys, "best", "first")
    assert set(best) == {"trial", "config", "metrics", "confirmation", "test"}
    assert best["test"] is None
    assert best["trial"] == folder.best.trial
    assert best["config"] == {**folder.best.config, "limit": None}
    assert best["metrics"] == folder.best.metrics
    assert best["confirmation"] == {**folder.confirmation.iloc[0].to_dict()}
    main(["best", "first"])
    sentence, config = capsys.readouterr().out.split("\n\n")
    assert sentence.startswith(f"Trial {best['trial']} of wave")
    assert eval(config) == folder.best.config


def test_best_without_a_finished_trial_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def train(config, seed):
        raise ValueError

    study = caviar.Study(
        train, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min", trials=2, workers=0, out="runs/a"
    )
    study.run(progress=False)
    with pytest.raises(SystemExit):
        main(["best", "a", "--json"])
    output = capsys.readouterr()
    assert output.out == ""
    assert "no trial of runs/a has finished" in output.err


def test_status_and_list(folder, capsys):
    (status,) = printed(capsys, "list")
    assert status == printed(capsys, "status")[0] == printed(capsys, "status", "first")
    assert (status["name"], status["state"]) == ("first", "finished")
    assert re.fullmatch(r"28/28 trials, best loss \S+", status["progress"])
    assert datetime.datetime.fromisoformat(status["since"]).utcoffset() == datetime.timedelta(0)


def test_an_empty_list_is_json_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert printed(capsys, "list") == []


def test_results(folder, capsys):
    rows = printed(capsys, "results", "first")
    assert [row["trial"] for row in rows] == list(range(28))
    assert [row["loss"] for row in rows] == [None if math.isnan(x) else x for x in folder.table["loss"]]
    assert {row["confirms"] for row in rows} == {None, *map(int, folder.confirmation["trial"])}
    assert {row["limit"] for row in rows} == {None}
    assert len(printed(capsys, "results", "first", "--waves")) == len(folder.waves)
    assert len(printed(capsys, "results", "first", "--history")) == len(folder.history)


def test_run_and_resume_print_nothing_but_json(folder, capsys):
    del folder
    options = ["--trials", "4", "--epochs", "1", "--workers", "0", "--out", "runs/second"]
    main(["run", *options, "--json"])
    output = capsys.readouterr()
    summary = json.loads(output.out)
    assert (summary["name"], summary["metric"], summary["mode"]) == ("digits", "val_accuracy", "max")
    assert summary["states"] == {"finished": 4}
    assert summary["best"] == printed(capsys, "best", "second")
    test = summary["best"]["test"]
    assert test["low"] < test["metrics"]["test_accuracy"] < test["high"]
    assert sum(map(sum, test["confusion"])) == test["rows"]
    assert "sample" not in test
    main(["best", "second"])
    sentence = " ".join(capsys.readouterr().out.split("\n\n")[1].split())
    assert sentence.startswith(f"On {test['rows']} rows that no trial has seen: accuracy ")
    assert {side["name"] for side in summary["square"]} == set(summary["best"]["config"])
    assert [wave["trials"] for wave in summary["waves"]] == [4]
    assert "4/4 trials" in output.err
    assert printed(capsys, "resume", "runs/second", "--workers", "0") == summary


def test_experiments(tmp_path, capsys):
    arguments = ["momentum-scale", "--size", "16", "--seeds", "2", "--out", str(tmp_path)]
    (finding,) = printed(capsys, "experiments", *arguments)
    assert finding["name"] == "momentum-scale"
    assert finding["conclusions"]
    assert all(rows for rows in finding["tables"].values())
    assert str(tmp_path / "momentum-scale.csv") in finding["files"]


def test_a_damaged_study_is_listed_with_its_sentence_beside_the_others(folder, capsys):
    damaged = Path("runs", "damaged")
    damaged.mkdir()
    (damaged / "journal.jsonl").write_bytes(b"\xff\n")
    main(["list"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert any(line.startswith("damaged: unreadable") and "line 1 of" in line for line in lines)
    for command in ("status", "best", "report", "logs", "results", "predict"):
        with pytest.raises(SystemExit, match="2"):
            main([command, "damaged", *(["rows.csv"] if command == "predict" else [])])
        assert capsys.readouterr().err.startswith("caviar: ")


@pytest.mark.usefixtures("folder")
def test_the_name_of_a_study_steers_no_terminal(capsys):
    Path("runs", "first").rename(Path("runs", "clear\x1b[2J"))
    main(["list"])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(r"clear\x1b[2J: finished")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'a,b\n"1'])
def test_a_damaged_table_is_one_sentence(folder, capsys, content):
    (folder.folder / "results.csv").write_bytes(content)
    with pytest.raises(SystemExit, match="2"):
        main(["results", "first", "--json"])
    assert "the table is damaged" in capsys.readouterr().err


STREAMS = {
    "closed": (">&-", 0, ""),
    "all closed": ("<&- >&- 2>&-", 0, ""),
    "full disk": (">/dev/full", 2, "caviar: cannot write the output (No space left on device)"),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("case", STREAMS)
@pytest.mark.parametrize("command", ["status", "results"])
def test_output_that_nobody_can_write_is_no_traceback(command, case, folder):
    redirections, status, says = STREAMS[case]
    line = f'"$0" -m caviar {command} "$1" {redirections}'
    done = subprocess.run(["sh", "-c", line, sys.executable, "runs/first"], capture_output=True, text=True)
    assert done.returncode == status
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == bool(says)


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
def test_a_study_whose_streams_are_closed_writes_nothing_into_its_files_but_its_records(tmp_path):
    (tmp_path / "own.py").write_text("def train(config, seed):\n    print('hello')\n    return config['x']\n")
    (tmp_path / "study.toml").write_text(
        'trainable = "own:train"\nmetric = "loss"\nmode = "min"\ntrials = 3\nworkers = 0\nout = "first"\n'
        "[space]\nx = { uniform = [0, 1] }\n"
    )
    line = '"$0" -m caviar run study.toml <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", line, sys.executable], cwd=tmp_path).returncode == 0
    assert len(pd.read_csv(tmp_path / "first" / "results.csv")) == 3
