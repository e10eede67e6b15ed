"""Shell completion, by the same programs that a shell calls."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caviar.cli import panda, parsing
from caviar.cli.experiments import NAMES
from caviar.cli.main import main
from caviar.experiments.running import EXPERIMENTS
from caviar.panda.rules import BUILT_IN
from caviar.records.early_stopping import KINDS
from caviar.records.settings import SEARCHES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("runs/first/journal.jsonl", "runs/fast/journal.jsonl", "runs/pandas/night/panda.json", "runs/no/x"):
        Path(path).parent.mkdir(parents=True)
        Path(path).touch()


def offered(monkeypatch, capsys, *words):
    """Return what bash offers for the last word, as pairs of type and value."""
    monkeypatch.setenv("_CAVIAR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["caviar", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit):
        main([])
    return [tuple(line.split(",")) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sta"], ["status"]),
        (["status", "f"], ["fast", "first"]),
        (["best", "fi"], ["first"]),
        (["resume", "runs/fa"], ["runs/fast"]),
        (["panda", "watch", "n"], ["night"]),
        (["run", "--search", "s"], ["sobol"]),
        (["run", "--early-stopping", "a"], ["asha"]),
        (["submit", "--mode", "m"], ["min", "max"]),
        (["run", "--data", "dig"], ["digits"]),
        (["status", "--address", "l"], ["local"]),
        (["panda", "follow", "night", "care"], ["careful"]),
        (["experiments", "mom"], ["momentum-scale"]),
        (["completion", "z"], ["zsh"]),
    ],
)
def test_names_are_completed(monkeypatch, capsys, words, expected):
    assert [value for _, value in offered(monkeypatch, capsys, *words)] == expected


@pytest.mark.usefixtures("runs")
def test_paths_are_completed_where_no_name_fits(monkeypatch, capsys):
    assert offered(monkeypatch, capsys, "run", "--data", "my") == [("file", "my")]
    assert offered(monkeypatch, capsys, "report", "old/") == [("dir", "old/")]


def test_the_words_are_those_of_the_code():
    assert parsing.SEARCHES == SEARCHES
    assert set(parsing.EARLY_STOPPING) == set(KINDS)
    assert set(panda.RULES) == {*BUILT_IN, "none"}
    assert set(NAMES) == set(EXPERIMENTS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(capsys, shell):
    main(["completion", shell])
    assert f"_CAVIAR_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.usefixtures("runs")
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_with_the_script(tmp_path):
    caviar = tmp_path / "bin" / "caviar"
    caviar.parent.mkdir()
    caviar.write_text(f'#!/bin/sh\nexec {sys.executable} -m caviar "$@"\n')
    caviar.chmod(0o755)
    program = (
        'eval "$(caviar completion bash)"; COMP_WORDS=(caviar status f); COMP_CWORD=2; '
        '_caviar_completion caviar f status; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{caviar.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["fast", "first"], done.stderr


@pytest.mark.usefixtures("runs")
def test_completion_imports_nothing_slow(monkeypatch):
    program = (
        "import atexit, sys\natexit.register(lambda: print('imported:', *{n.split('.')[0] for n in sys.modules}))\n"
        "from caviar.cli.main import main\nmain([])"
    )
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "_CAVIAR_COMPLETE": "bash_complete",
        "COMP_WORDS": "caviar status ", "COMP_CWORD": "2",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    completed, _, imported = done.stdout.partition("imported: ")
    assert completed.split() == ["plain,fast", "plain,first"]
    assert not {"numpy", "pandas", "ray", "rich", "scipy"} & set(imported.split())
