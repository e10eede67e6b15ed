"""`--address` and its environment variables: what each command joins, and what it says about forms it cannot use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caviar.cli.main import cli, main

ROOT = Path(__file__).parents[2]
JOBS_COMMANDS = (["status", "first"], ["list"], ["logs", "first"], ["stop", "first"], ["results", "first"])
JOBS_COMMANDS += (["best", "first"], ["report", "first"], ["submit"])
PANDA_COMMANDS = (["panda", "list"], ["panda", "watch", "night"], ["panda", "start", "digits"])


@pytest.fixture
def disconnected(monkeypatch):
    """As in a new process; another test may have connected this one to Ray."""
    monkeypatch.setattr("ray.is_initialized", lambda: False)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def refusal(capsys, *arguments):
    """Return what a refused command writes to standard error."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert "\n" not in error.strip()
    return error


def commands(group=cli):
    """Yield every command, with those of its groups."""
    for command in group.commands.values():
        yield command
        if hasattr(command, "commands"):
            yield from commands(command)


def test_address_has_one_text_in_all_commands():
    texts = {
        option.help.partition(" [env var")[0]
        for command in commands()
        for option in command.params
        if option.name == "address"
    }
    assert texts == {"Ray cluster: http://HOST:8265, ray://HOST:10001, HOST:6379 or auto; local: this machine."}


@pytest.mark.parametrize("command", JOBS_COMMANDS)
@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("ray://10.0.0.1:10001", "http://10.0.0.1:8265"),
        ("10.0.0.1:6379", "http://10.0.0.1:8265"),
        ("auto", "http://127.0.0.1:8265"),
    ],
)
def test_commands_that_ask_the_jobs_api_name_its_address_for_any_other(capsys, command, address, remedy):
    error = refusal(capsys, *command, "--address", address)
    assert f"must begin with http:// and have a port, got '{address}'; try '{remedy}'" in error


@pytest.mark.usefixtures("disconnected")
@pytest.mark.parametrize("command", [["run", "--trials", "2"], *PANDA_COMMANDS])
def test_commands_that_drive_from_here_name_another_way_for_the_jobs_api(capsys, monkeypatch, command):
    remedy = "try 'ray://10.0.0.1:10001', or send a study there with `caviar submit`"
    assert remedy in refusal(capsys, *command, "--address", "http://10.0.0.1:8265")
    monkeypatch.setenv("RAY_ADDRESS", "http://10.0.0.1:8265")
    error = refusal(capsys, *command)
    assert "RAY_ADDRESS must be the address of Ray itself" in error
    assert remedy in error


@pytest.mark.usefixtures("disconnected")
@pytest.mark.parametrize("command", [["run", "--trials", "2", "--out", "first"], *PANDA_COMMANDS])
def test_a_ray_address_that_does_not_answer_is_one_sentence_that_names_the_variable(capsys, monkeypatch, command):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    error = refusal(capsys, *command)
    assert "nothing answers at the Ray address 127.0.0.1:1 (RAY_ADDRESS)" in error
    assert "check RAY_ADDRESS, or choose the address 'local'" in error
    assert not Path("first").exists()


def test_commands_that_ask_the_jobs_api_use_an_http_ray_address_and_their_own_variable_first(capsys, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # not that of a Jobs API
    assert "no study named 'first'" in refusal(capsys, "status", "first")
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:1")
    assert "no Jobs API answers at http://127.0.0.1:1" in refusal(capsys, "status", "first")
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:2")
    assert "no Jobs API answers at http://127.0.0.1:2" in refusal(capsys, "status", "first")
    for command in ("status", "logs", "stop", "results", "best", "report"):
        assert "no study named 'first'" in refusal(capsys, command, "first", "--address", "local")
    main(["list", "--address", "local"])
    assert "no studies in runs" in capsys.readouterr().err


@pytest.mark.usefixtures("disconnected")
def test_local_reaches_no_cluster(monkeypatch, capsys):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert "no Panda is running on this machine" in refusal(capsys, "panda", "list", "--address", "local")
    main(["run", "--trials", "2", "--epochs", "1", "--workers", "0"])  # without Ray
    assert "2/2 trials" in capsys.readouterr().out


def test_resume_with_an_http_address_submits(monkeypatch, capsys):
    main(["run", "--trials", "2", "--epochs", "1", "--workers", "0", "--out", "first"])
    assert "no Jobs API answers" in refusal(capsys, "resume", "first", "--address", "http://127.0.0.1:1")
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:2")
    assert "no Jobs API answers at http://127.0.0.1:2" in refusal(capsys, "resume", "first")


def caviar(*arguments, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "caviar", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)


def test_run_joins_ray_address_and_says_so(ray_cluster):
    address = ray_cluster.get_runtime_context().gcs_address
    done = caviar("run", "--trials", "4", "--epochs", "1", "--json", RAY_ADDRESS=address)
    assert f"joins the Ray cluster at {address} (RAY_ADDRESS)" in done.stderr.splitlines()
    assert json.loads(done.stdout)["states"] == {"finished": 4}


@pytest.mark.slow
def test_local_starts_a_temporary_ray_nevertheless():
    done = caviar("run", "--trials", "2", "--epochs", "1", "--address", "local", RAY_ADDRESS="127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert "2/2 trials" in done.stdout
    assert "RAY_ADDRESS" not in done.stdout + done.stderr
