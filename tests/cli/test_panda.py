"""`caviar panda ...` as a user runs it, on a Ray that outlives each command."""

import datetime
import json
import os
import subprocess
import sys

import pytest

import caviar
from caviar.cli.main import main


def panda(*arguments, home, **options):
    environment = {**os.environ, "HOME": str(home)}
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):  # as for a user who has never heard of them
        environment.pop(name, None)
    command = [sys.executable, "-m", "caviar", "panda", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False, **options)


@pytest.mark.slow
def test_a_panda_lives_on_between_commands_and_its_ray_ends_with_it(tmp_path):
    study = caviar.Study("digits", trials=2, waves=1, epochs=1, out=tmp_path / "study", workers=0)
    study.run(progress=False)

    def output(*arguments, code=0):
        done = panda(*arguments, home=tmp_path)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    try:
        folder = tmp_path / "night"
        started = ["--name", "night", "--config", study.folder, "--best", "--epochs", 2, "--folder", folder]
        assert "caviar panda watch night" in output("start", "digits", *started)
        output("set", "night", "learning_rate=0.003", "dropout=0.1", "--reason", "it overfits")
        assert "epoch 2: train_loss" in output("watch", "night")
        assert "hand: set learning_rate" in output("diary", "night")
        assert "hidden_units is fixed" in output("set", "night", "hidden_units=3", code=2)
        assert f"caviar panda wake night --folder {folder}" in output("stop", "night")
        assert not (tmp_path / ".caviar" / "ray.json").exists()
        assert "no Panda is running on this machine" in output("watch", "night", code=2)
    finally:
        home = tmp_path / ".caviar" / "ray.json"
        if home.exists():
            os.kill(json.loads(home.read_text())["process"], 15)


@pytest.mark.usefixtures("ray_cluster")
def test_every_command_that_prints_something_prints_it_as_json(tmp_path, monkeypatch, capsys):
    def printed(*arguments):
        main(["panda", *map(str, arguments), "--json"])
        return json.loads(capsys.readouterr().out)

    monkeypatch.chdir(tmp_path)
    place = {"name": "plain", "folder": str(tmp_path / "plain")}
    try:
        started = ["--name", "plain", "--epochs", 2, "--folder", place["folder"]]
        assert printed("start", "digits", *started) == place
        main(["panda", "watch", "plain"])
        capsys.readouterr()
        (change,) = printed("set", "plain", "learning_rate=0.003", "--reason", "it wobbles")
        assert (change["action"], change["reason"]) == ("set", "it wobbles")
        assert datetime.datetime.fromisoformat(change["time"]).utcoffset() == datetime.timedelta(0)
        assert printed("diary", "plain")[-1] == change
        assert [row["epoch"] for row in printed("history", "plain")] == [1, 2]
        assert sum(copy["kept"] for copy in printed("fork", "plain", "--copies", 2, "--epochs", 1)) == 1
        (status,) = [status for status in printed("list") if status["name"] == "plain"]
        assert (status["state"], status["epoch"], status["config"]["clip_norm"]) == ("idle", 3, None)
        assert printed("pause", "plain")[0]["action"] == "pause"
    finally:
        assert printed("stop", "plain") == place
    try:
        assert "came back" in [entry["action"] for entry in printed("wake", "plain", "--folder", place["folder"])]
    finally:
        printed("stop", "plain")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["start", "digit"], "digits"),
        (["start", "my.csv"], "--target"),
        (["start", "digits", "--rules", "plato"], "did you mean 'plateau'"),
        (["start", "digits", "--config", "runs/first"], "--best or --trial"),
        (["start", "digits", "--epochs", "0"], "--epochs must be an integer >= 1, got 0"),
        (["start", "digits", "--rules", "plateau,", "--seed", "-1"], "seed must be an integer >= 0, got -1"),
        (["set", "night", "learning_rate"], "learning_rate=0.003"),
        (["rewind", "night"], "--epoch"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments, words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["caviar", "panda", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert words in capsys.readouterr().err
