"""The commands as a person runs them, each a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def caviar(*arguments, cwd=None):
    command = [sys.executable, "-m", "caviar", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)


def test_run_prints_what_it_found_and_writes_the_tables(tmp_path):
    done = caviar("run", "--trials", 8, "--waves", 2, "--epochs", 2, "--workers", 2, "--out", tmp_path / "s")
    assert done.returncode == 0, done.stderr
    for words in ("ten best", "whole space", "coarse", "fine", "results.csv", "8/8 trials", "learning_rate"):
        assert words in done.stdout.replace("learning rate", "learning_rate")
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 8
    assert {path.name for path in (tmp_path / "s").iterdir()} >= {"results.csv", "history.csv", "waves.csv"}


def test_ctrl_c_ends_cleanly_and_resume_goes_on(tmp_path):
    command = [sys.executable, "-m", "caviar", "run", "--trials", "600", "--workers", "1", "--out", str(tmp_path / "s")]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "s" / "journal.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (journal.exists() and journal.read_text().count('"state"') > 2):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "caviar resume" in err
    finished = len(pd.read_csv(tmp_path / "s" / "results.csv"))
    assert 2 < finished < 600


def test_init_writes_a_study_that_runs(tmp_path):
    assert caviar("init", cwd=tmp_path).returncode == 0
    options = ("--trials", 4, "--waves", 1, "--epochs", 1, "--workers", 1, "--out", "s")
    done = caviar("run", "study.toml", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 4
    assert "is there already" in caviar("init", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--trials", "0"], "trials=0"),
        (["run", "--trials", "4", "--waves", "9"], "9"),
        (["run", "--data", "missing.csv", "--target", "label"], "missing.csv"),
        (["run", "--data", "missing.csv"], "--target"),
        (["run", "--data", "nothing"], "digits"),
        (["run", "--address", "127.0.0.1:1"], "nothing answers"),
        (["run", "--waves", "few"], "--waves few"),
        (["run", "--workers", "few"], "--workers few"),
        (["run", "--out", "/dev/null/x"], "/dev/null"),
        (["resume", "nowhere"], "holds no study"),
        (["run", "--trails", "3"], "--trails"),
        (["run", "nothing.toml"], "caviar init"),
        (["run", "--confirm", "3"], "confirm="),
        (["run", "--early-stopping", "halfing"], "did you mean 'halving'"),
        (["rum"], "rum"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path, arguments, words):
    done = caviar(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
