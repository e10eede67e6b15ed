"""Caviar without what only Linux has, and in a locale that is not UTF-8: a study runs, is killed, resumes, reports."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import caviar
from caviar.study.file import study_from_file
from scripts.measure_code import modules

ROOT = Path(caviar.__file__).parent
# hides from Caviar's own modules what Windows lacks; other packages have their own code for Windows
WITHOUT_LINUX = """
import builtins, os

import_module = builtins.__import__

def import_(name, globals=None, *others, **named):
    if name in ("fcntl", "resource") and (globals or {}).get("__name__", "").startswith("caviar"):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return import_module(name, globals, *others, **named)

builtins.__import__ = import_
del os.fdatasync
"""
IMPORT_ALL = """
import importlib.util, pkgutil, caviar

left_out = {"caviar.__main__"} if importlib.util.find_spec("pyarrow") else {"caviar.__main__", "caviar.tune"}
names = [module.name for module in pkgutil.walk_packages(caviar.__path__, "caviar.")]
for name in names:
    if name not in left_out:
        __import__(name)
print(len(names))
"""
COMMANDS = """
import sys
from caviar.cli.main import main

for line in sys.argv[1:]:
    main(line.split())
"""
STUDY = """
trainable = "my_module:train"
metric = "loss"
mode = "min"
trials = 12
waves = 2
workers = 0
isolation = "none"
seed = 0

[space]
x = { uniform = [-2.0, 2.0] }
"""
TRAIN = """
import os, signal
from pathlib import Path

seeds, killed = [], Path(__file__).with_name("killed")

def train(config, seed):
    seeds.append(seed)
    if len(seeds) == 8 and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    print("alpha is \\u03b1, not \\udcff")
    if config["x"] > 1:
        raise ValueError("alpha is \\u03b1, not \\udcff")
    return {"loss": config["x"] ** 2}
"""


@pytest.fixture
def run(tmp_path):
    """A function that runs a program where a study is; its output is in a Windows encoding."""
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "my_module.py").write_text(TRAIN)

    def run(program, *arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT.parent), "PYTHONIOENCODING": "cp1252:strict"}
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=tmp_path, env=environment, capture_output=True
        )

    return run


def test_every_module_imports_without_what_only_linux_has(run):
    done = run(WITHOUT_LINUX + IMPORT_ALL)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) > 150


def test_a_study_is_killed_resumes_and_reports_without_what_only_linux_has(run, tmp_path):
    assert run(WITHOUT_LINUX + COMMANDS, "run study.toml --out first").returncode == -9
    done = run(WITHOUT_LINUX + COMMANDS, "status first", "resume first", "status first", "report first", "logs first")
    assert done.returncode == 0, done.stderr.decode()
    for words in (b"first: stopped", b"first: finished", rb"failed, \S+ s: ValueError: alpha is \\u03b1, not \\udcff"):
        assert re.search(words, done.stdout)
    assert (tmp_path / "first" / "report.html").stat().st_size > 0
    study_from_file(tmp_path / "study.toml", out=tmp_path / "whole").run(progress=False)
    tables = [pd.read_csv(tmp_path / name / "results.csv") for name in ("first", "whole")]
    assert set(tables[0]["state"]) == {"finished", "failed"}
    pd.testing.assert_frame_equal(
        *(table.drop(columns=["seconds", "began", "ended", "worker"]) for table in tables), check_exact=True
    )
    output, *_ = (tmp_path / "first" / "output").iterdir()
    assert output.read_text(encoding="utf-8").startswith("alpha is \u03b1, not \\udcff\n")


def test_a_message_that_a_console_cannot_show_does_not_end_a_study(run):
    done = run(
        """
import caviar

def train(config, seed):
    return {"\\u03b1": config["x"]}

space = caviar.Space(x=caviar.uniform(0, 1))
caviar.Study(train, space=space, metric="\\u03b1", mode="min", trials=2, waves=1, workers=0, out="study").run()
"""
    )
    assert done.returncode == 0, done.stderr.decode()
    assert rb"best \u03b1 0." in done.stdout


def test_text_files_name_their_encoding():
    for path in modules(ROOT):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in ("read_text", "write_text"):
                assert "encoding" in {keyword.arg for keyword in call.keywords}, f"{path}:{call.lineno}"


def test_tables_have_the_same_bytes_on_every_system(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "linesep", "\r\n")
    space = caviar.Space(x=caviar.uniform(0, 1))
    settings = {"metric": "loss", "mode": "min", "trials": 4, "waves": 1, "workers": 0, "out": tmp_path}
    caviar.Study(lambda config: {"loss": config["x"]}, space=space, **settings).run(progress=False)
    for name in ("results.csv", "history.csv", "waves.csv", "journal.jsonl"):
        assert b"\r" not in (tmp_path / name).read_bytes()
