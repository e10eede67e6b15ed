"""A study that a script has started is resumed from the command line, wherever its code is now."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from caviar.cli.main import main

ROOT = Path(__file__).parents[2]
SCRIPT = """
import caviar
from shapes_beside import bowl

def train(config, seed):
    return {"loss": bowl(config["x"])}

space = {"x": caviar.uniform(0, 1)}
study = caviar.Study(train, space=space, metric="loss", mode="min", trials=8, waves=2, workers=0, out="runs/a")
study.run(progress=False)
"""


@pytest.fixture
def project(tmp_path, monkeypatch, imports):
    """A project whose script was interrupted after three trials; another folder is the working folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a_tuning_script.py").write_text(SCRIPT)
    (folder / "shapes_beside.py").write_text("def bowl(x):\n    return (x - 0.3) ** 2\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, folder / "a_tuning_script.py"], cwd=folder, env=environment, check=True)
    (folder / "runs" / "a" / "results.csv").rename(folder / "whole.csv")
    journal = folder / "runs" / "a" / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:5]))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def losses(path):
    return pd.read_csv(path)[["trial", "x", "loss"]]


def test_a_script_is_resumed_from_another_folder(project, capsys):
    main(["resume", str(project / "runs" / "a"), "--workers", "0"])
    captured = capsys.readouterr()
    assert "8/8 trials" in captured.out
    assert "has changed" not in captured.err
    pd.testing.assert_frame_equal(losses(project / "runs" / "a" / "results.csv"), losses(project / "whole.csv"))


def test_a_changed_script_is_said(project, capsys):
    (project / "shapes_beside.py").write_text("def bowl(x):\n    return (x - 0.4) ** 2\n")
    main(["resume", str(project / "runs" / "a"), "--workers", "0"])
    assert "a_tuning_script:train, or what it uses, has changed since the study in" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--trainable", "--data"])
def test_a_project_that_was_moved_is_where_its_user_says(project, capsys, monkeypatch, option):
    new = project.rename(project.with_name("new"))
    with pytest.raises(SystemExit) as end:
        main(["resume", str(new / "runs" / "a"), "--workers", "0"])
    assert end.value.code == 2
    assert "there is no a_tuning_script in" in capsys.readouterr().err
    monkeypatch.chdir(new)
    main(["resume", "runs/a", "--workers", "0", option, "a_tuning_script.py:train"])
    pd.testing.assert_frame_equal(losses("runs/a/results.csv"), losses("whole.csv"))
    assert "has changed" not in capsys.readouterr().err
