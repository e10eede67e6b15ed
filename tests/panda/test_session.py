"""The life of a Panda without Ray: what it comes to does not depend on how it was cut up or how often it died."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError, StorageError
from caviar.files import open_store
from caviar.model.training import Training
from caviar.panda.checkpoints import Checkpoints, read_data, write_data
from caviar.panda.commands import obey
from caviar.panda.rules import rules_of
from caviar.panda.session import begin, wake
from caviar.panda.tables import diary_table, fork_table, history_table
from tests.panda.rules import Breaks, HalveAt

DIGITS = caviar.load_digits()
identities = map(str, itertools.count())


def tell(life, command, **arguments):
    obey(life, next(identities), command, {**({} if command == "train" else {"reason": ""}), **arguments})


def live(life, seconds=1.0):
    while life.working:
        life.advance(seconds)
    return life


def born(folder, config=None, **settings):
    return begin(open_store(folder), DIGITS, {"learning_rate": 0.01, "hidden_units": 16, **(config or {})}, **settings)


def awake(folder):
    return wake(open_store(folder))


def numbers(life):
    """All that is to be the same to the bit: every epoch, and the arrays."""
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in life.memory.history]
    return json.dumps(rows), {name: array.tobytes() for name, array in life.training.state().items()}


def actions(life):
    return [entry["action"] for entry in life.memory.diary]


def test_it_trains_as_a_training_does_and_shows_no_test_metrics(tmp_path):
    life = born(tmp_path, seed=3, horizon=3)
    tell(life, "train", epochs=3)
    live(life)
    training = Training([life.card["config"]], [3], DIGITS, 3)
    reports = [training.epoch()[0] for _ in range(3)]
    assert [row["val_loss"] for row in life.memory.history[1:]] == [report["val_loss"] for report in reports]
    assert "test_loss" in reports[-1]
    assert not [name for row in life.memory.history for name in row if name.startswith("test_")]


@settings(deadline=None, max_examples=6)
@given(deaths=st.sets(st.integers(0, 120), max_size=4), seconds=st.sampled_from([1e-9, 0.003, 1.0]))
def test_a_life_is_the_same_however_it_is_cut_up_and_wherever_it_dies(tmp_path_factory, deaths, seconds):
    def through(folder, deaths, seconds):
        life = born(folder, {"dropout": 0.1}, rules=rules_of(["careful", HalveAt(3)]))
        tell(life, "train", epochs=2)
        live(life)
        tell(life, "set", changes={"learning_rate": 100.0})
        tell(life, "train", epochs=4)
        turns = itertools.count()
        while life.working:
            life.advance(seconds)
            if next(turns) in deaths:
                life = awake(folder)  # as after kill -9: nothing but the folder is left
        return life

    cut = through(tmp_path_factory.mktemp("cut"), deaths, seconds)
    whole = through(tmp_path_factory.mktemp("whole"), set(), 1.0)
    assert numbers(cut) == numbers(whole)
    kept = [action for action in actions(cut) if action != "came back"]
    assert kept == actions(whole)
    assert "rewind, set" in kept


def test_a_command_takes_effect_at_the_next_step_and_is_on_disk_when_it_is_done(tmp_path):
    life = born(tmp_path)
    tell(life, "train", epochs=2)
    life.advance(1e-9)
    step = life.memory.step
    assert step > 0
    tell(life, "set", changes={"learning_rate": 0.5, "batch_size": 32, "dropout": 0.2}, reason="on purpose")
    again = awake(tmp_path)
    assert again.config["learning_rate"] == 0.5
    assert again.memory.step == step
    entry = again.memory.diary[-1]
    assert (entry["by"], entry["action"], entry["reason"], entry["step"]) == ("hand", "set", "on purpose", step)
    assert entry["details"] == "learning_rate 0.01 -> 0.5, batch_size 64 -> 32, dropout 0 -> 0.2"
    assert numbers(live(again)) == numbers(live(life))


def test_a_command_that_is_heard_twice_is_done_once(tmp_path):
    life = born(tmp_path)
    obey(life, "x", "train", {"epochs": 1})
    obey(life, "x", "train", {"epochs": 1})
    obey(awake(tmp_path), "x", "train", {"epochs": 1})
    assert awake(tmp_path).memory.left == 1


def test_rewind_goes_back_and_keeps_the_abandoned_branch(tmp_path):
    life = born(tmp_path)
    tell(life, "train", epochs=3)
    live(life)
    first = numbers(life)
    tell(life, "set", changes={"learning_rate": 0.03})
    tell(life, "rewind", epoch=1)
    assert life.config["learning_rate"] == 0.01
    assert life.state == "idle"
    tell(life, "train", epochs=2)
    live(life)
    assert numbers(life)[1]["parameters"] == first[1]["parameters"]
    history = history_table(life.memory.history)
    abandoned = history_table(life.memory.history, abandoned=True)
    assert list(history["epoch"]) == [1, 2, 3]
    assert list(history["branch"]) == [0, 1, 1]
    assert list(abandoned["epoch"]) == [2, 3]
    assert "leaving epochs 2..3 of branch 0 behind" in life.memory.diary[-2]["details"]
    assert sorted(map(int, life.memory.epochs)) == [0, 1, 2, 3]


def test_the_latest_the_first_and_the_best_epoch_can_be_rewound_to(tmp_path, monkeypatch):
    monkeypatch.setattr("caviar.panda.session.KEPT_EPOCHS", 2)
    life = born(tmp_path, {"learning_rate": 0.3}, checkpoint_epochs=2)
    tell(life, "train", epochs=9)
    live(life)
    best = life.memory.best["epoch"]
    expected = {0, 6, 8, best} if best % 2 == 0 else {0, 6, 8}
    assert set(map(int, life.memory.epochs)) == expected
    assert len(Checkpoints(open_store(tmp_path)).numbers()) <= 6
    tell(life, "rewind", epoch=6)
    assert life.epoch == 6


def test_divergence_without_rules_stops_and_says_what_to_do(tmp_path):
    life = born(tmp_path, {"optimizer": "momentum", "batch_norm": False})
    tell(life, "train", epochs=1)
    live(life)
    tell(life, "set", changes={"learning_rate": 1e30})
    tell(life, "train", epochs=5)
    live(life)
    assert life.state == "diverged"
    for command, arguments in (("train", {"epochs": 1}), ("set", {"changes": {"momentum": 0.5}})):
        with pytest.raises(InputError, match=r"diverged in epoch 2; rewind to one of 0\.\.1"):
            tell(life, command, **arguments)
    life = awake(tmp_path)
    assert life.state == "diverged"
    tell(life, "rewind", epoch=1)
    live(life)
    assert life.state == "idle"
    assert life.epoch == 1 + 4  # the epoch that was lost is not made up for


def test_a_torn_checkpoint_falls_back_to_the_one_before_and_the_diary_says_so(tmp_path):
    life = born(tmp_path)
    tell(life, "train", epochs=3)
    live(life)
    whole = numbers(life)
    tell(life, "set", changes={"learning_rate": 0.5})
    files = sorted((tmp_path / "checkpoints").glob("*.npz"))
    content = bytearray(files[-1].read_bytes())
    content[len(content) // 2] ^= 1
    files[-1].write_bytes(content)
    files[-2].write_bytes(files[-2].read_bytes()[:1000])
    again = awake(tmp_path)
    assert again.epoch < 3
    back = next(entry for entry in again.memory.diary if entry["action"] == "fell back")
    assert files[-1].name in back["reason"]
    assert files[-2].name in back["reason"]
    assert "set" in actions(again)  # what was done since is not in force any more, but not forgotten
    assert "no longer in force: set" in back["details"]
    assert numbers(live(again)) == whole
    for file in (tmp_path / "checkpoints").glob("*.npz"):
        file.write_bytes(b"")
    with pytest.raises(StorageError, match="none of the"):
        awake(tmp_path)


def test_a_rule_falls_back_over_a_torn_checkpoint(tmp_path):
    life = born(tmp_path, rules=rules_of("divergence"))
    tell(life, "train", epochs=3)
    live(life)
    tell(life, "set", changes={"learning_rate": 1000.0})
    number = life.memory.epochs["3"]
    (tmp_path / "checkpoints" / f"{number:08d}.npz").write_bytes(b"torn")
    tell(life, "train", epochs=1)
    live(life)
    assert life.epoch == 2
    assert [entry["action"] for entry in life.memory.diary[-2:]] == ["fell back", "rewind, set"]


def test_a_rule_that_fails_is_switched_off_and_the_training_goes_on(tmp_path):
    life = born(tmp_path, rules=[Breaks(), HalveAt(1)])
    tell(life, "train", epochs=2)
    live(life)
    assert life.epoch == 2
    assert life.memory.diary[1]["reason"] == "KeyError: 'oops'"
    assert list(history_table(life.memory.history)["learning_rate"]) == [0.01, 0.005]
    assert [type(rule) for rule in awake(tmp_path).rules] == [HalveAt]


def test_a_fork_keeps_the_best_copy_and_its_first_copy_is_the_panda_itself(tmp_path):
    life = born(tmp_path / "fork")
    tell(life, "train", epochs=1)
    live(life)
    alone = born(tmp_path / "alone")
    tell(alone, "train", epochs=3)
    live(alone)
    tell(life, "fork", n=5, around=4.0, epochs=2)
    life.advance(1e-9)
    with pytest.raises(InputError, match="fork is in training"):
        tell(life, "rewind", epoch=0)
    life = awake(tmp_path / "fork")  # a fork that is interrupted begins again
    live(life)
    copies = fork_table(life.memory.diary)
    assert copies["val_loss"][0] == alone.memory.history[-1]["val_loss"]
    assert copies["learning_rate"].between(0.01 / 4, 0.01 * 4).all()
    assert copies["learning_rate"].nunique() == 5
    best = copies["val_loss"].idxmin()
    assert list(copies["kept"]) == [index == best for index in range(5)]
    assert life.config["learning_rate"] == copies["learning_rate"][best]
    assert [row["epoch"] for row in life.memory.history] == [0, 1, 2, 3]
    assert life.memory.history[-1]["val_loss"] == copies["val_loss"][best]
    assert awake(tmp_path / "fork").config == life.config
    tell(life, "fork", n=2, around=caviar.Space(weight_decay=caviar.loguniform(1e-4, 1e-2)), epochs=1)
    assert "weight_decay" in life.memory.fork["changes"][1]


def test_the_diary_tells_what_came_of_an_intervention(tmp_path):
    life = born(tmp_path)
    tell(life, "train", epochs=2)
    live(life)
    tell(life, "set", changes={"learning_rate": 0.001})
    tell(life, "pause", reason="dinner")
    tell(life, "train", epochs=4)
    live(life)
    losses = [row["val_loss"] for row in life.memory.history]
    diary = diary_table(life.memory.diary, life.memory.history)
    assert diary["effect"][1] == f"val_loss {losses[2]:.4g} -> {losses[5]:.4g} in 3 epochs"
    assert diary["effect"][0] == f"val_loss {losses[0]:.4g} -> {losses[2]:.4g} in 2 epochs"  # from the untrained one
    assert diary["effect"][2] == ""  # a pause changes nothing
    assert diary["time"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("set", {"changes": {"hidden_units": 3}}, "hidden_units is fixed .* may change is learning_rate"),
        ("set", {"changes": {"learning_rat": 3}}, "did you mean 'learning_rate'"),
        ("set", {"changes": {"beta1": 0.8}}, "did you mean 'momentum'"),
        ("set", {"changes": {"momentum": 0.5, "learning_rate": -1}}, "learning_rate=-1"),
        ("set", {"changes": {}}, "nothing to set"),
        ("train", {"epochs": 0}, "epochs=0"),
        ("rewind", {"epoch": 9}, "epoch 9 has no checkpoint to go back to; rewind to one of 0"),
        ("fork", {"n": 1, "around": 2.0, "epochs": 1}, "n=1"),
        ("fork", {"n": 3, "around": 1.0, "epochs": 1}, "around=1.0"),
        ("fork", {"n": 3, "around": caviar.Space(hidden_units=caviar.randint(1, 9)), "epochs": 1}, "'hidden_units'"),
        ("fork", {"n": 3, "around": caviar.Space(momentum=0.9), "epochs": 1}, "nothing varies"),
        ("fork", {"n": 3, "around": 2.0, "epochs": 0}, "epochs=0"),
        ("follow", {"rules": [{"rule": "nowhere:Rule", "settings": {}}]}, "nowhere:Rule"),
    ],
)
def test_a_command_that_cannot_be_is_one_sentence_and_changes_nothing(tmp_path, command, arguments, words):
    life = born(tmp_path)
    before = numbers(life), dict(life.config), actions(life)
    with pytest.raises(InputError, match=words) as error:
        tell(life, command, **arguments)
    assert "\n" not in str(error.value)
    assert (numbers(life), dict(life.config), actions(life)) == before
    assert life.memory.heard == []


def test_data_come_back_as_they_were_written(tmp_path):
    random = np.random.default_rng(0)
    for y in (random.normal(size=80), np.array(["cat", "dog"] * 40), np.arange(80) % 2 == 0):
        dataset = caviar.from_arrays(random.normal(size=(80, 3)), y, name="own")
        write_data(open_store(tmp_path), dataset)
        assert read_data(open_store(tmp_path)).fingerprint() == dataset.fingerprint()
        assert read_data(open_store(tmp_path)).classes == dataset.classes
        assert read_data(open_store(tmp_path)).target_scale == dataset.target_scale


def test_it_lives_at_a_uri_as_in_a_folder(tmp_path):
    pytest.importorskip("fsspec")
    lives = [born("memory://pandas/one"), born(tmp_path)]
    for life in lives:
        tell(life, "train", epochs=3)
        live(life)
        tell(life, "rewind", epoch=1)
    for life in (awake("memory://pandas/one"), awake(tmp_path)):
        tell(life, "train", epochs=2)
        live(life)
    there, here = awake("memory://pandas/one"), awake(tmp_path)
    assert numbers(there) == numbers(here)
    assert actions(there) == actions(here)
    there.place.write("checkpoints/99999999.npz", b"torn")
    assert "fell back" in actions(awake("memory://pandas/one"))
    with pytest.raises(InputError, match="nosuch://"):
        born("nosuch://bucket")
