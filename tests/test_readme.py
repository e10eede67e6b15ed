"""The README is correct: its commands and names exist, and its examples run (with fewer trials)."""

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

import caviar
from caviar.cli.main import cli
from caviar.study.file import study_from_file

README = (Path(__file__).parents[1] / "README.md").read_text()

COMMANDS = [
    line.strip().split("    #")[0].split(" && ")[-1].removeprefix(".venv/bin/")
    for line in README.splitlines()
    if re.match(r"( {4}|\$ )\S*caviar |.*&& \.venv/bin/caviar ", line)
]
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def blocks(language, heading):
    """Return the code blocks in a language in the section under a heading."""
    section = re.split(r"^#+ ", README.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_the_pytorch_loop_trains(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="the README's example needs PyTorch, which is not installed")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python", "Your own training code")
    names = {}
    exec("import caviar\n" + code.replace("trials=64", "trials=9, workers=2").replace("study.run()", ""), names)
    table = names["study"].run(progress=False)
    assert set(table["state"]) == {"finished", "stopped"}
    assert names["study"].best.metrics["val_loss"] < 1
    names["study"].settings.space.points([{"learning_rate": 0.01, "units": 64, "batch_size": 32}])  # of "Warm starts"


def test_the_file_runs(tmp_path):
    (file,), (module,) = blocks("toml", "From a file"), blocks("python", "From a file")
    (tmp_path / "study.toml").write_text(file)
    (tmp_path / "my_module.py").write_text(module)
    study = study_from_file(tmp_path / "study.toml", out=tmp_path / "s", workers=0)
    assert len(study.run(progress=False)) == 40
    assert study.best.metrics["loss"] < 10


def test_the_readme_has_commands_and_python():
    assert len(COMMANDS) > 4
    assert len(PYTHON) > 2


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists_and_has_its_options(line):
    command: click.Command = cli
    context = click.Context(cli)
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, info_name=name, parent=context)
    command.make_parser(context).parse_args(words)  # raises an error for an unknown option


@pytest.mark.parametrize("block", PYTHON)
def test_every_python_block_parses_and_its_names_exist(block):
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "caviar":
            assert hasattr(caviar, node.attr), f"caviar has no {node.attr}"
