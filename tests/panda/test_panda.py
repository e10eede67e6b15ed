"""Pandas on a real Ray: an evening with one, its deaths, and what is refused."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import ray

import caviar
from caviar.errors import ClusterError, InputError, StorageError
from caviar.files import open_store
from caviar.panda.checkpoints import PandaFiles, PandaSettings
from caviar.panda.client import PandaClient
from caviar.panda.commands import Stop, Train
from caviar.panda.interpreter import advance, handle
from caviar.panda.local_ray import panda_names
from caviar.panda.session import begin
from tests.faults.processes import freeze, thaw
from tests.panda.own_rules import HalveAt

pytestmark = pytest.mark.usefixtures("ray_cluster")

CONFIG = {"learning_rate": 0.01, "hidden_units": 16}


@pytest.fixture
def start(tmp_path):
    """Start Pandas, and stop those that are still running at the end."""
    started = []

    def start_one(name, **settings):
        settings = {"data": "digits", "config": CONFIG, "folder": tmp_path / name, **settings}
        started.append(caviar.Panda(settings.pop("data"), name=name, **settings))
        return started[-1]

    yield start_one
    for panda in started:
        if panda.name in panda_names():
            caviar.Panda.attach(panda.name).stop()


def process_of(panda):
    return int(panda.status.process.split(":")[1])


def kill(panda):
    """Kill the process of a Panda as a dying machine would; return its ID."""
    process = process_of(panda)
    os.kill(process, signal.SIGKILL)
    return process


def until(condition):
    """Wait for something that must happen."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


ELSEWHERE = """
import sys, caviar
assert caviar.panda.Rule
panda = caviar.Panda.attach(sys.argv[1], address=sys.argv[2])
panda.set(momentum=0.8, reason="from elsewhere")
panda.train(epochs=2)
print(len(panda.history), panda.status.process)
"""


def test_an_evening_with_a_panda(start):
    panda = start("night-shift", seed=4)
    assert list(panda.train(epochs=3)["epoch"]) == [1, 2, 3]
    panda.set(learning_rate=0.02, reason="it looked slow")
    panda.follow("divergence")
    panda.set(learning_rate=500.0, reason="on purpose")
    panda.train(epochs=12)
    assert panda.status.state == "idle"
    history = panda.history
    assert history["learning_rate"].iloc[-1] < 10
    digits = caviar.load_digits()
    right = panda.model().model.classify(digits.val_x) == digits.val_y
    assert right.mean() == history["val_accuracy"].iloc[-1]
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert panda.abandoned["learning_rate"].iloc[0] == 500.0

    diary = panda.diary
    rules = (diary["by"] == "RewindOnDivergence").sum()
    assert rules >= 3
    assert list(diary["action"]) == ["train", "set", "follow", "set", "train", *["rewind, set"] * rules]
    assert list(diary["reason"])[1] == "it looked slow"
    assert diary["time"].is_monotonic_increasing
    assert diary["reason"].str.contains("ran away").sum() == rules
    panda.stop()
    with pytest.raises(ClusterError, match="is not running, but its folder remains"):
        panda.train(epochs=1)
    with pytest.raises(InputError, match="no Panda named 'night-shift' is running"):
        caviar.Panda.attach("night-shift")
    awake = caviar.Panda.wake("night-shift", folder=panda.folder)
    assert awake.history.equals(history)
    assert list(awake.diary["action"])[-2:] == ["stop", "came back"]
    awake.stop()


def test_no_command_takes_effect_between_a_stop_and_the_end_of_the_process(start):
    panda = start("stopping")
    history = panda.train(epochs=1)
    client = PandaClient.find("stopping")
    client.send(Stop())
    with pytest.raises(ClusterError, match="is not running, but its folder remains"):
        client.send(Train(1))
    attached = caviar.Panda.attach("stopping")
    panda.stop()
    remedy = f"caviar.Panda.wake('stopping', folder={panda.folder!r})"
    with pytest.raises(ClusterError, match=re.escape(remedy)):
        attached.train(epochs=1)
    awake = caviar.Panda.wake("stopping", folder=panda.folder)
    assert awake.history.equals(history)
    assert list(awake.diary["action"]) == ["train", "stop", "stop", "came back"]
    awake.stop()


@pytest.mark.slow
def test_a_panda_lives_on_when_its_process_dies_and_others_attach_to_it(start):
    panda = start("shared")
    history = panda.train(epochs=2)
    before = kill(panda)
    until(lambda: process_of(panda) != before)
    assert panda.history.equals(history)
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", ELSEWHERE, "shared", address]
    other = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert other.returncode == 0, other.stderr
    assert other.stdout.split() == ["4", panda.status.process]
    assert list(panda.diary["action"]) == ["train", "came back", "set", "train"]


@pytest.mark.slow
def test_a_panda_killed_within_an_epoch_comes_back_and_ends_the_same_to_the_bit(start, tmp_path):
    config = {**CONFIG, "batch_size": 2, "dropout": 0.1}
    panda = start("victim", config=config, seed=1)
    panda.train(epochs=30, wait=False)
    deaths = set()
    while len(deaths) < 2:
        status = panda.status
        assert status.state == "training"
        if status.step > 0 and status.epoch > len(deaths):
            deaths.add(kill(panda))
    until(lambda: panda.status.state == "idle")
    undisturbed = begin(PandaFiles(open_store(tmp_path / "same")), caviar.load_digits(), PandaSettings(config, seed=1))
    handle(undisturbed, "x", Train(30))
    while undisturbed.busy:
        advance(undisturbed, 1.0)
    assert list(panda.diary["action"]) == ["train", "came back", "came back"]
    history = panda.history
    for name in ("train_loss", "val_loss", "val_accuracy"):
        assert list(history[name]) == [row.metrics[name] for row in undisturbed.state.history[1:]]
    panda.stop()
    panda = caviar.Panda.wake("victim", folder=panda.folder)
    assert len(panda.fork(3, epochs=1)) == 3
    panda.stop()


def test_it_executes_commands_while_it_trains(start):
    panda = start("listener", config={**CONFIG, "batch_size": 2})
    panda.train(epochs=50, wait=False)
    until(lambda: panda.status.step > 0)
    for rate in (0.02, 0.03):
        panda.set(learning_rate=rate)
        status = panda.status
        assert status.state == "training"
        assert status.config["learning_rate"] == rate
    panda.pause(reason="dinner")
    paused = panda.status
    assert paused.state == "paused"
    assert (panda.status.epoch, panda.status.step) == (paused.epoch, paused.step)
    panda.resume()
    assert panda.status.state == "training"
    panda.pause()
    assert (panda.diary["step"] > 0).any()


def test_it_says_what_stopped_it_and_tries_again_at_the_next_command(start, tmp_path):
    panda = start("troubled", config={**CONFIG, "batch_size": 2})
    panda.train(epochs=4, wait=False)
    checkpoints = tmp_path / "troubled" / "checkpoints"
    checkpoints.rename(tmp_path / "aside")
    checkpoints.write_bytes(b"no folder")
    until(lambda: panda.status.trouble)
    assert panda.status.state == "in trouble"
    with pytest.raises(StorageError, match="cannot write"):
        panda.fork(2, epochs=1)
    checkpoints.unlink()
    (tmp_path / "aside").rename(checkpoints)
    with pytest.raises(InputError, match="cannot rewind to epoch 99"):
        panda.rewind(99)
    until(lambda: panda.status.state == "idle")
    assert panda.status.epoch == 4


def test_watching_without_a_terminal_prints_a_line_an_epoch(start, capsys):
    panda = start("watched")
    panda.train(epochs=3, wait=False)
    panda.watch()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == ["epoch 0", "epoch 1", "epoch 2", "epoch 3"]
    assert lines[-1] == "watched is idle at epoch 3"


def test_a_panda_of_a_trial_trains_to_where_the_trial_ended(tmp_path, start):
    study = caviar.Study("digits", trials=4, waves=1, epochs=2, seed=5, workers=0, out=tmp_path / "study")
    study.run(progress=False)
    outcome = study.outcome
    panda = caviar.Panda.from_trial(outcome, folder=tmp_path / "panda")
    best = outcome.best
    assert panda.name == f"digits-{best.trial}"
    panda.train(epochs=1)
    assert panda.history["val_loss"][1] == best.metrics["val_loss"]
    assert len(panda.history) == 3
    panda.stop()
    with pytest.raises(InputError, match="no trial 99"):
        caviar.Panda.from_trial(outcome, 99)
    with pytest.raises(InputError, match="data must be those of the study"):
        caviar.Panda.from_trial(outcome, data=([[0.0], [1.0]] * 20, ["no", "yes"] * 20))


def test_a_trial_of_a_function_is_refused(tmp_path):
    study = caviar.Study(
        lambda config: {"loss": config["x"]},
        space=caviar.Space(x=caviar.uniform(0, 1)),
        metric="loss",
        mode="min",
        trials=2,
        waves=1,
        workers=0,
        out=tmp_path / "study",
    )
    study.run(progress=False)
    with pytest.raises(InputError, match="must be of the built-in network"):
        caviar.Panda.from_trial(study.outcome)


@pytest.mark.slow
def test_own_rules_survive_a_death_of_the_process_and_no_checkpoint_chooses_them(start):
    panda = start("ruled", rules=[HalveAt(1)])
    for epoch in (2, 3):
        panda.follow([HalveAt(epoch), "plateau"])
    before = kill(panda)
    until(lambda: process_of(panda) != before)
    assert panda.status.rules[0] == repr(HalveAt(3))
    panda.train(epochs=3)
    assert list(panda.diary["action"])[-2:] == ["train", "set"]
    assert panda.history["learning_rate"].iloc[-1] == CONFIG["learning_rate"]
    panda.stop()

    woken = caviar.Panda.wake("ruled", folder=panda.folder)
    assert [rule.split("(")[0] for rule in woken.status.rules] == ["LowerOnPlateau"]
    assert list(woken.diary["action"])[-2:] == ["rule dropped", "came back"]
    woken.stop()
    woken = caviar.Panda.wake("ruled", folder=panda.folder, rules=HalveAt(9))
    assert woken.status.rules == (repr(HalveAt(9)),)
    assert list(woken.diary["action"])[-2:] == ["came back", "follow"]


def test_waking_a_hostile_checkpoint_starts_no_process(tmp_path):
    files = PandaFiles(open_store(tmp_path / "trap"))
    begin(files, caviar.load_digits(), PandaSettings(CONFIG))
    arrays, state = files.read_checkpoint(files.checkpoints()[0])
    hostile = {"rule": "subprocess:Popen", "settings": {"args": ["touch", str(tmp_path / "proof")]}}
    files.write_checkpoint(99, arrays, json.dumps(json.loads(state) | {"rules": [hostile]}).encode())
    woken = caviar.Panda.wake("trap", folder=tmp_path / "trap")
    woken.train(epochs=1)
    assert woken.status.rules == ()
    (entry,) = woken.diary[woken.diary["action"] == "rule dropped"].to_dict("records")
    assert entry["details"] == "subprocess:Popen is no longer followed"
    assert not (tmp_path / "proof").exists()
    woken.stop()


def test_a_panda_that_does_not_answer_is_given_up(start):
    panda = start("asleep")
    client = PandaClient("asleep", ray.get_actor("panda:asleep", namespace="caviar"), patience=1.0)
    frozen = freeze(process_of(panda))
    try:
        with pytest.raises(ClusterError, match="has not answered for 1 s"):
            client.status()
    finally:
        thaw(frozen)
    assert panda.status.busy is False


def test_what_is_refused_is_one_sentence(start, tmp_path):
    panda = start("only")
    for attempt, words in (
        (lambda: start("only", folder=tmp_path / "twin"), "a Panda named 'only' is already running"),
        (lambda: start("twin", folder=tmp_path / "only"), "already holds a Panda"),
        (lambda: start("a/b"), "'a/b'"),
        (lambda: start("new", config={"learning_rate": -1}), "learning_rate.*-1"),
        (lambda: start("new", rules="plato"), "did you mean 'plateau'"),
        (lambda: start("new", seed=-1), "seed must be an integer >= 0, got -1"),
        (lambda: start("new", horizon=0), "horizon must be an integer >= 1, got 0"),
        (lambda: start("new", data="digit"), "digits"),
        (lambda: caviar.Panda.wake("only", folder=panda.folder), "is already running"),
        (lambda: caviar.Panda.wake("twin", folder=panda.folder), "the Panda 'only' is running in .*; attach to it"),
        (lambda: panda.set(hidden_layers=3), "hidden_layers is fixed"),
        (lambda: panda.set(momentum=1), "momentum.*1"),
        (lambda: panda.rewind(7), "cannot rewind to epoch 7: it has no checkpoint"),
        (lambda: panda.train(epochs=0), "epochs must be an integer >= 1, got 0"),
    ):
        with pytest.raises(InputError, match=words) as error:
            attempt()
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="running: only"):
        caviar.Panda.attach("gone")
    with pytest.raises(StorageError, match="there is no Panda in"):
        caviar.Panda.wake("gone", folder=tmp_path / "gone")
    with pytest.raises(StorageError, match="cannot write"):
        start("new", folder="/dev/null/new")
    with pytest.raises(ClusterError, match="address must be that of the connected Ray"):
        caviar.Panda.attach("only", address="127.0.0.1:1")
    assert panda_names() == ["only"]
    assert list(panda.diary["action"]) == []
