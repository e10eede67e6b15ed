"""The commands that start studies, as a user runs them."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest

import caviar_tune
from caviar import Study
from caviar.cli.main import cli, main
from caviar.cli.options import TableOptions
from caviar.errors import ClusterError

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMANDS = ["init", "run", "resume", "watch", "report", "best", "diagnose", "explain", "compare", "predict", "verify"]
COMMANDS += ["submit", "status", "list", "logs", "stop", "results", "panda", "experiments", "completion"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def run(*options):
    main(["run", "--workers", "0", "--out", "s", *map(str, options)])


def test_run_prints_its_results_and_writes_the_tables(tmp_path, capsys):
    run("--trials", 8, "--waves", 2, "--epochs", 2)
    output = capsys.readouterr().out.replace("learning rate", "learning_rate")
    for words in ("ten best", "whole space", "coarse", "fine", "tables: s/{results,", "8/8 trials", "learning_rate"):
        assert words in output
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 8
    assert {path.name for path in (tmp_path / "s").iterdir()} >= {"results.csv", "history.csv", "waves.csv"}


INTERRUPTED = """
from pathlib import Path

def train(config, seed):
    calls = Path("calls")
    calls.write_text(calls.read_text() + "." if calls.exists() else ".")
    if len(calls.read_text()) == 6:
        raise KeyboardInterrupt  # as Ctrl-C does
    return {"loss": config["x"]}
"""
STUDY = 'trainable = "{}:train"\nmetric = "loss"\nmode = "min"\n[space]\nx = {{ uniform = [0.0, 1.0] }}\n'


@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_study_without_a_finished_trial_exits_with_1(tmp_path, capsys, form):
    (tmp_path / "failing_module.py").write_text("def train(config):\n    raise ValueError(str(config))\n")
    (tmp_path / "study.toml").write_text(STUDY.format("failing_module"))
    with pytest.raises(SystemExit) as end:
        run("study.toml", "--trials", "4", "--workers", "0", *form)
    assert end.value.code == 1
    shown = capsys.readouterr().out
    assert json.loads(shown)["best"] is None if form else "No trial finished. The first error: ValueError" in shown


def test_ctrl_c_stops_cleanly_and_resume_continues(tmp_path, capsys):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    isolated = 'isolation = "none"\n[space]'  # so that the exception is this process's
    (tmp_path / "study.toml").write_text(STUDY.format("interrupted").replace("[space]", isolated))
    with pytest.raises(SystemExit) as end:
        run("study.toml", "--trials", 8, "--waves", 1)
    assert end.value.code == 130
    assert "stopped: 5 trials are in s; try: caviar resume s" in capsys.readouterr().err
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 5
    main(["resume", "s", "--workers", "0"])
    assert "8/8 trials" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 8


def test_a_lost_cluster_is_a_sentence_and_the_command_that_goes_on(monkeypatch, capsys):
    run("--trials", 4, "--waves", 1, "--epochs", 1)

    def lose(study, *args, **options):
        raise ClusterError("the head has not answered for 45 s")

    monkeypatch.setattr(Study, "run", lose)
    with pytest.raises(SystemExit) as end:
        main(["resume", "s", "--workers", "0"])
    assert end.value.code == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-2] == "stopped: 4 trials are in s; try: caviar resume s"
    assert told[-1] == "caviar: the head has not answered for 45 s"


def test_init_writes_a_study_that_runs(tmp_path, capsys):
    main(["init"])
    assert "caviar run study.toml" in capsys.readouterr().out
    run("study.toml", "--trials", 4, "--waves", 1, "--epochs", 1)
    assert len(pd.read_csv(tmp_path / "s" / "results.csv")) == 4
    with pytest.raises(SystemExit) as end:
        main(["init"])
    assert end.value.code == 2
    assert "study.toml" in capsys.readouterr().err


def test_messages_are_plain_lines_and_warnings_go_to_standard_error(tmp_path, capsys):
    (tmp_path / "talking.py").write_text(
        "import logging\nlogger = logging.getLogger('caviar')\nlogger.info('a message')\nlogger.warning('a warning')\n"
        "def train(config, seed):\n    return {'loss': config['x']}\n"
    )
    (tmp_path / "study.toml").write_text(STUDY.format("talking"))
    run("study.toml", "--trials", 4, "--waves", 1)
    output = capsys.readouterr()
    assert "a message" in output.out.splitlines()
    assert "a warning" in output.err.splitlines()
    assert "a warning" not in output.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--trials", "0"], "trials"),
        (["run", "--trials", "4", "--waves", "9"], "9"),
        (["run", "--data", "missing.csv", "--target", "label"], "missing.csv"),
        (["run", "--data", "missing.csv"], "--target"),
        (["run", "--data", "nothing"], "digits"),
        (["run", "--address", "127.0.0.1:1"], "nothing answers"),
        (["run", "--waves", "few"], "number or the sizes of the waves, got 'few'; try --waves 3 or --waves 64,32,32"),
        (["run", "--workers", "few"], "--workers must be 'auto' or an integer >= 0, got 'few'; try --workers 4"),
        (["run", "--out", "/dev/null/x"], "/dev/null"),
        (["resume", "nowhere"], "nowhere"),
        (["run", "--trails", "3"], "--trails"),
        (["run", "nothing.toml"], "caviar init"),
        (["run", "--confirm", "3"], "--confirm must be 'auto', 'no' or TOP,REPLICATES, got '3'; try --confirm 3,4"),
        (["run", "--early-stopping", "halfing"], "did you mean 'halving'"),
        (["submit"], "--address must be that of a cluster's Jobs API; try --address http://127.0.0.1:8265"),
        (["submit", "--address", "local"], "or `caviar run` to run the study here"),
        (["submit", "--address", "http://127.0.0.1:1"], "no Jobs API answers"),
        (["submit", "--address", "http://127.0.0.1:1", "--out", "runs/first"], "--out must be a URI"),
        (["rum"], "rum"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path, capsys, arguments, words):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be deleted there")
@pytest.mark.parametrize("command", ["init", "run", "list", "results s"])
def test_a_current_folder_that_has_been_deleted_is_named(tmp_path, monkeypatch, capsys, command):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit) as end:
        main(command.split())
    assert end.value.code == 2
    assert capsys.readouterr().err == "caviar: the current folder has been deleted; go to another one\n"


@pytest.mark.usefixtures("imports")
def test_the_traceback_of_a_users_module_is_printed_without_our_frames(tmp_path, capsys):
    (tmp_path / "broken_module.py").write_text("SCALE = 1\nRATE = SCALE / 0\n")
    (tmp_path / "study.toml").write_text(STUDY.format("broken_module"))
    with pytest.raises(SystemExit):
        run("study.toml")
    first, *traceback, sentence = capsys.readouterr().err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert [line for line in traceback if line.startswith("  File")] == [
        f'  File "{tmp_path / "broken_module.py"}", line 2, in <module>'
    ]
    assert sentence == "caviar: broken_module cannot be imported: ZeroDivisionError: division by zero"


LOST = """
import atexit, time
from caviar.cli.main import cli, main
from caviar.errors import HeadLostError

@cli.command()
def lost():
    raise HeadLostError("the head is gone")

atexit.register(time.sleep, 300)  # as Ray waits
main(["lost"])
"""


def test_a_command_that_has_lost_its_head_does_not_wait_for_it():
    done = subprocess.run(
        [sys.executable, "-c", LOST], env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (2, "caviar: the head is gone\n")


def test_help_lists_the_commands_in_the_order_of_use(capsys):
    main(["--help"])
    text = capsys.readouterr().out
    lines = text.split("Commands:\n")[1].splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert names == COMMANDS[:-1]  # that for completion is hidden
    assert len(text.splitlines()) <= 24


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_for_every_option(name):
    command = cli.commands[name]
    assert command.get_short_help_str()
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert all(option.help for option in options if not option.hidden)


def test_help_imports_nothing_slow():
    program = (
        "import sys\nfrom caviar.cli.main import main\nfor name in ('run', 'status'):\n    main([name, '--help'])\n"
        "print('imported:', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    imported = done.stdout.split("imported: ")[1].split()
    assert not {"numpy", "pandas", "ray", "rich", "scipy"} & set(imported)


def test_the_defaults_of_run_are_those_of_study():
    options = cli.commands["run"].make_context("run", [], click.Context(cli, **cli.context_settings)).params
    parameters = inspect.signature(Study).parameters
    others = {"file", "target", "as_json", "dry_run", "price", *TableOptions.__annotations__}
    assert set(options) - set(parameters) == others
    assert all(options[name] is None for name in TableOptions.__annotations__)
    for name in set(options) & set(parameters):
        assert options[name] == parameters[name].default, name


def test_ctrl_c_while_the_command_is_imported_is_no_traceback(monkeypatch, capsys):
    class Interrupted:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "caviar.cli.main", Interrupted())
    with pytest.raises(SystemExit) as end:
        caviar_tune.main()
    assert (end.value.code, capsys.readouterr().err) == (130, "caviar: stopped\n")
