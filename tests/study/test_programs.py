"""Studies of programs: from study.toml, resumed, and refused with one sentence."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError, PausedError
from caviar.study.file import NAME, study_from_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")

SHELL = """
for epoch in 1 2 3; do
    echo "{\\"loss\\": $1, \\"epoch_\\": $epoch}" >> "$CAVIAR_REPORT"
done
"""
PYTHON = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float)
parser.add_argument("--beta", type=float, default=2.0)
arguments = parser.parse_args()
print("training")
print(json.dumps({"loss": arguments.x + arguments.beta}))
"""
STUDY = """
command = "{command}"
metric = "loss"
mode = "min"
trials = 6
waves = 2
workers = 0

[space]
x = {{ uniform = [0.0, 1.0] }}
"""
SPACE = caviar.Space(x=caviar.uniform(0.0, 1.0))
SETTINGS = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 6, "waves": 2, "workers": 0}


def write(folder, script, command):
    (folder / "script").write_text(script)
    (folder / NAME).write_text(STUDY.format(command=command))
    return folder / NAME


def test_a_study_of_a_file_equals_that_of_python_and_opens_again(tmp_path, monkeypatch):
    path = write(tmp_path, SHELL, "sh script {x}")
    monkeypatch.chdir(tmp_path.parent)  # it runs in the folder of study.toml, wherever it is started
    table = study_from_file(path, out=tmp_path / "a").run(progress=False)
    assert list(table["state"]) == ["finished"] * 6
    assert table["loss"].equals(table["x"])
    assert set(table["epochs"]) == {3}
    again = caviar.Study(caviar.program("sh script {x}", tmp_path), **SETTINGS, out=tmp_path / "b").run(progress=False)
    pd.testing.assert_series_equal(again["loss"], table["loss"])
    opened = caviar.Study.open(tmp_path / "a", workers=0)
    assert opened.target.function == caviar.program("sh script {x}", tmp_path)
    assert opened.settings.name == "script"


def test_a_hyperparameter_that_is_not_active_is_not_passed(tmp_path):
    (tmp_path / "script").write_text(PYTHON)
    space = caviar.Space(x=caviar.choice({1: caviar.Space(beta=caviar.uniform(0, 1)), 2: None}))
    program = caviar.program(f"{sys.executable} script --x {{x}} --beta {{beta}}", tmp_path)
    table = caviar.Study(program, **{**SETTINGS, "space": space}, out=tmp_path / "a").run(progress=False)
    assert set(table["x"]) == {1, 2}
    assert table["loss"].equals(table["x"] + table["beta"].fillna(2.0))


def test_values_of_numpy_reach_it_as_numbers(tmp_path):
    space = caviar.Space(x=[np.int64(3)], n=caviar.randint(1, 9), kind=[dict, 1])
    program = caviar.program("sh script {config}", tmp_path)
    (tmp_path / "script").write_text('printf "%s\n" "$CAVIAR_CONFIG" "$1"; echo "{\\"loss\\": 1}"\n')
    study = caviar.Study(program, **{**SETTINGS, "space": space}, out=tmp_path / "a")
    study.enqueue({"x": np.int64(3), "n": np.int64(4), "kind": dict})
    study.run(progress=False)
    line = '{"x": 3, "n": 4, "kind": "<class \'dict\'>"}\n'
    assert (tmp_path / "a" / "output" / "000000.txt").read_text().startswith(2 * line)


def test_a_study_that_was_killed_goes_on_to_the_same_table(tmp_path, monkeypatch):
    for name, delay in (("killed", 0.3), ("whole", 0)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, f"sleep {delay}\n{SHELL}", "sh script {x}")
    driver = subprocess.Popen([sys.executable, "-m", "caviar", "run", NAME, "--out", "a"], cwd=tmp_path / "killed")
    journal = tmp_path / "killed" / "a" / "journal.jsonl"
    while not journal.exists() or journal.read_bytes().count(b'"event":"trial"') < 2:
        assert driver.poll() is None
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    ended = len(caviar.Outcome.read(tmp_path / "killed" / "a").results)
    assert 2 <= ended < 6
    monkeypatch.chdir(tmp_path)
    assert main(["resume", "killed/a", "--workers", "0"]) in (0, None)
    assert main(["run", f"whole/{NAME}", "--out", "whole/a"]) in (0, None)
    tables = [caviar.Outcome.read(tmp_path / name / "a").table for name in ("killed", "whole")]
    pd.testing.assert_frame_equal(*(table.drop(columns=["seconds", "began", "ended", "worker"]) for table in tables))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program {x}", "no program 'no-such-program'"),
        ("./script {x}", "chmod"),
        ("sh script {y}", "{y} that is not a hyperparameter"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_starts(tmp_path, monkeypatch, capsys, command, words):
    write(tmp_path, SHELL, command)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as error:
        main(["run", NAME, "--out", "a"])
    assert error.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words in line
    assert not (tmp_path / "a" / "journal.jsonl").exists()


def test_a_program_that_is_gone_is_one_sentence(tmp_path):
    (tmp_path / "there").mkdir()
    caviar.Study(caviar.program("true {x}", tmp_path / "there"), **SETTINGS, out=tmp_path / "a").run(progress=False)
    journal = tmp_path / "a" / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))
    (tmp_path / "there").rmdir()
    assert len(caviar.Outcome.read(tmp_path / "a").results) == 0
    with pytest.raises(InputError, match=r"there is no folder .*there"):
        caviar.Study.open(tmp_path / "a", workers=0).run(progress=False)


def test_failures_are_rows_with_a_sentence_and_no_traceback_and_pause_the_study(tmp_path):
    path = write(tmp_path, "echo 'no data' >&2; exit 3\n", "sh script {x}")
    table = study_from_file(path, out=tmp_path / "a").run(progress=False)
    assert set(table["error"]) == {"exited with status 3: no data"}
    assert (tmp_path / "a" / "output" / "000000.txt").read_text() == "no data\n"
    with pytest.raises(PausedError, match="exited with status 3: no data"):
        study_from_file(path, out=tmp_path / "b").run(progress=False, failures=3)


@pytest.mark.parametrize(
    ("report", "state", "error"),
    [
        ('{\\"loss\\": NaN}', "diverged", "loss became nan in epoch 1"),
        (
            '{\\"loss\\": \\"0.3\\"}',
            "failed",
            "the metric must be a number, got loss='0.3'; convert it with float(...)",
        ),
        ('{\\"loss\\": {\\"val\\": 1}}', "failed", "the metric must be a number, got loss={'val': 1}"),
        ('{\\"other\\": 1}', "failed", "the report must contain the metric 'loss', got 'other'"),
        ('{\\"loss\\": 1, \\"x\\": 2}', "finished", ""),
        ('{\\"loss\\": 1, \\"checkpoint\\": 3}', "failed", "a checkpoint must be a path, got 3"),
        ('{\\"loss\\": 1, \\"checkpoint\\": null}', "finished", ""),
    ],
)
def test_a_report_is_checked_as_that_of_a_function(tmp_path, report, state, error):
    path = write(tmp_path, f'echo "{report}" >> "$CAVIAR_REPORT"\n', "sh script {x}")
    table = study_from_file(path, out=tmp_path / "a", trials=1, waves=1).run(progress=False)
    assert table["state"][0] == state
    assert table["error"][0].startswith(error)


def test_early_stopping_ends_the_worse_programs(tmp_path):
    script = """
for epoch in 1 2 3 4 5 6 7 8 9; do
    echo "{\\"loss\\": $1}" >> "$CAVIAR_REPORT"
    sleep 0.1
done
touch "ended-$CAVIAR_TRIAL"
"""
    path = write(tmp_path, script, "sh script {x}")
    stopping = caviar.Halving(factor=3, first=3, predicted=False)
    settings = {"trials": 9, "waves": 1, "epochs": 9, "early_stopping": stopping}
    table = study_from_file(path, out=tmp_path / "a", **settings).run(progress=False).sort_values("x")
    assert list(table["state"]) == ["finished"] * 3 + ["stopped"] * 6
    assert list(table["epochs"]) == [9] * 3 + [3] * 6
    assert {p.name for p in tmp_path.glob("ended-*")} == {f"ended-{trial}" for trial in table["trial"][:3]}


def test_a_time_limit_ends_a_program_and_what_it_started(tmp_path):
    path = write(tmp_path, "sleep 3 && touch late &\nsleep 60\n", "sh script {x}")
    table = study_from_file(path, out=tmp_path / "a", trials=1, waves=1, trial_timeout=0.5).run(progress=False)
    assert list(table["state"]) == ["timed_out"]
    time.sleep(3)
    assert not (tmp_path / "late").exists()


def test_a_python_program_may_call_report(tmp_path):
    script = """
import sys
import numpy as np
import caviar

for epoch in range(3):
    assert caviar.report({"loss": np.float32(sys.argv[1]), "note": "fine"}).epoch == epoch + 1
"""
    path = write(tmp_path, script, f"{sys.executable} script {{x}}")
    table = study_from_file(path, out=tmp_path / "a", trials=2, waves=1).run(progress=False)
    assert list(table["state"]) == ["finished"] * 2
    assert list(table["epochs"]) == [3] * 2


def test_a_journal_says_what_to_run(tmp_path):
    study = caviar.Study(caviar.program("true {x}", tmp_path), **SETTINGS, out=tmp_path / "a")
    study.run(progress=False)
    header = json.loads((tmp_path / "a" / "journal.jsonl").read_text().partition("\n")[0])
    assert header["settings"]["source"] == {"kind": "command", "path": str(tmp_path), "command": "true {x}"}
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    assert caviar.Outcome.read(tmp_path / "copy").settings == study.settings
    with pytest.raises(InputError, match="of other code"):
        caviar.Panda.from_trial(caviar.Outcome.read(tmp_path / "a"), 0)
