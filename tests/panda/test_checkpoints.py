"""The files of a Panda: what is stored becomes objects again, and never chooses code that runs."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import caviar
from caviar.errors import InputError, StorageError
from caviar.files import open_store
from caviar.model.trained.schema import Schema
from caviar.panda import session
from caviar.panda.checkpoints import PandaFiles, PandaSettings, last_model
from caviar.panda.plain import rule_from_plain, rule_to_plain, state_from_json, state_to_json
from caviar.panda.rules import BUILT_IN, LowerOnPlateau
from caviar.panda.state import DiaryEntry, ForkPlan, HistoryRow, PandaState
from tests.panda.own_rules import HalveAt
from tests.panda.sessions import actions, begin, run, train, wake


def files(folder):
    return PandaFiles(open_store(folder))


@pytest.mark.parametrize(
    "y",
    [np.linspace(0.0, 1.0, 80), np.array(["cat", "dog"] * 40), np.arange(80) % 2 == 0],
    ids=["reals", "str", "bool"],
)
def test_data_come_back_as_they_were_written(tmp_path, y):
    dataset = caviar.from_arrays(np.random.default_rng(0).normal(size=(80, 3)), y, name="own")
    files(tmp_path).write_data(dataset)
    again = files(tmp_path).read_data()
    assert again.fingerprint() == dataset.fingerprint()
    for name in ("name", "classes", "target_mean", "target_scale", "source"):
        assert getattr(again, name) == getattr(dataset, name)


def test_settings_come_back_as_they_were_written(tmp_path):
    settings = PandaSettings({"learning_rate": 0.1}, seed=3, horizon=5, checkpoint_seconds=1.5)
    files(tmp_path).write_settings(settings, caviar.load_digits())
    assert files(tmp_path).read_settings() == settings


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "horizon": 0}', b'{"format": 1, "sing": 0}'])
def test_settings_that_cannot_be_read_are_a_storage_error(tmp_path, content):
    (tmp_path / "panda.json").write_bytes(content)
    with pytest.raises(StorageError, match="there is no Panda in"):
        files(tmp_path).read_settings()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"config": {"learning_rate": -1}}, "learning_rate"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"horizon": 0}, "horizon must be an integer >= 1, got 0"),
        ({"checkpoint_epochs": True}, "checkpoint_epochs must be an integer >= 1, got True"),
        ({"checkpoint_seconds": 0}, "checkpoint_seconds must be a number of seconds > 0"),
    ],
)
def test_invalid_settings_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        PandaSettings(**settings)


def test_checkpoints_are_numbered_newest_first_and_other_files_are_left_alone(tmp_path):
    panda = files(tmp_path)
    for number in (1, 10, 2):
        panda.write_checkpoint(number, {"parameters": np.ones(3)}, b"{}")
    (tmp_path / "checkpoints" / "notes.npz").write_bytes(b"")
    assert panda.checkpoints() == [10, 2, 1]
    arrays, state = panda.read_checkpoint(10)
    assert arrays["parameters"].tolist() == [1.0, 1.0, 1.0]
    assert state == b"{}"
    panda.remove_checkpoint(10)
    assert panda.checkpoints() == [2, 1]


def test_a_checkpoint_with_a_pickle_is_damaged(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    np.savez(tmp_path / "checkpoints" / "00000001.npz", panda=np.array([{}], dtype=object))
    with pytest.raises(StorageError, match="is damaged"):
        files(tmp_path).read_checkpoint(1)


FORMAT_1 = {  # as the first format wrote it; it must remain readable forever
    "format": 1,
    "epochs_remaining": 2,
    "step": 3,
    "paused": False,
    "rules_pending": True,
    "branch": 1,
    "restarts": 4,
    "rules": [{"rule": "LowerOnPlateau", "settings": {"patience": 3, "factor": 0.5, "min_fall": 0.01}}],
    "fork": {"changes": [{}, {"momentum": 0.5}], "epochs": 5, "was_paused": True},
    "history": [
        {
            "epoch": 1,
            "branch": 0,
            "metrics": {"train_loss": 0.5, "val_loss": 0.25},
            "config": {"learning_rate": 0.1, "clip_norm": math.inf},
            "seconds": 1.5,
            "abandoned": True,
        }
    ],
    "diary": [
        {
            "time": "2026-01-01T00:00:00.000+00:00",
            "epoch": 1,
            "step": 0,
            "by": "hand",
            "action": "train",
            "details": "3 epochs",
            "reason": "",
            "branch": 0,
            "val_loss": None,
            "copies": [{"copy": 0}],
        }
    ],
    "checkpoints": {"0": 0, "1": 7},
    "handled_ids": ["a"],
}
STATE_1 = PandaState(
    epochs_remaining=2,
    step=3,
    rules_pending=True,
    branch=1,
    restarts=4,
    rules=(LowerOnPlateau(patience=3),),
    fork=ForkPlan(({}, {"momentum": 0.5}), 5, was_paused=True),
    history=(
        HistoryRow(
            1,
            0,
            {"train_loss": 0.5, "val_loss": 0.25},
            {"learning_rate": 0.1, "clip_norm": math.inf},
            1.5,
            abandoned=True,
        ),
    ),
    diary=(
        DiaryEntry("2026-01-01T00:00:00.000+00:00", 1, 0, "hand", "train", "3 epochs", "", 0, None, ({"copy": 0},)),
    ),
    checkpoints={0: 0, 1: 7},
    handled_ids=("a",),
)


def test_a_state_of_the_first_format_is_read():
    assert state_from_json(json.dumps(FORMAT_1).encode()) == (STATE_1, ())


def test_a_state_is_written_as_the_format_says():
    assert json.loads(state_to_json(STATE_1)) == FORMAT_1


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 2},
        {"step": "0"},
        {"epochs_remaining": -1},
        {"history": [{"epoch": 1}]},
        {"rules": ["os:system"]},
        {"fork": [1]},
        {"unknown": 1},
        {"diary": 3},
    ],
)
def test_an_invalid_state_is_a_storage_error(damage):
    with pytest.raises(StorageError):
        state_from_json(json.dumps(FORMAT_1 | damage).encode())
    with pytest.raises(StorageError):
        state_from_json(b"[]")


@pytest.mark.parametrize("rule", [*BUILT_IN["careful"], LowerOnPlateau(patience=7)])
def test_a_rule_of_caviar_comes_back_from_its_plain_data(rule):
    assert rule_from_plain(json.loads(json.dumps(rule_to_plain(rule)))) == rule


def test_a_users_own_rule_is_compared_and_never_made():
    plain = json.loads(json.dumps(rule_to_plain(HalveAt(3))))
    held = HalveAt(3)
    assert rule_from_plain(plain, [HalveAt(2), held]) is held
    assert rule_from_plain(plain, [HalveAt(2)]) is None
    assert rule_from_plain(plain) is None


HOSTILE_RULES = [
    {"rule": "subprocess:Popen", "settings": {"args": ["touch", "PROOF"]}},
    {"rule": "os:system", "settings": {"command": "touch PROOF"}},
    {"rule": "os:system", "settings": "touch PROOF"},
    {"rule": "builtins:exec", "settings": {"source": "open('PROOF', 'w')"}},
    {"rule": "caviar.panda.panda:Panda", "settings": {"data": "digits", "name": "PROOF"}},
    {"rule": "caviar.panda.rules:LowerOnPlateau", "settings": {}},
    {"rule": "LowerOnPlateau", "settings": {"patience": "3"}},
    {"rule": "LowerOnPlateau", "settings": {"patience": [3]}},
    {"rule": "LowerOnPlateau", "settings": {"patience": True}},
    {"rule": "LowerOnPlateau", "settings": {"patience": 3.5}},
    {"rule": "LowerOnPlateau", "settings": {"factor": math.nan}},
    {"rule": "LowerOnPlateau", "settings": {"__class__": 3}},
    {"rule": "LowerOnPlateau", "settings": ["patience"]},
    {"rule": "LowerOnPlateau"},
    {"rule": ["LowerOnPlateau"], "settings": {}},
    {"rule": None, "settings": None},
    {},
]


@pytest.mark.parametrize("hostile", HOSTILE_RULES, ids=lambda plain: str(plain)[:60])
def test_a_hostile_checkpoint_runs_nothing_and_the_diary_names_the_rule(tmp_path, monkeypatch, hostile):
    panda = begin(tmp_path / "panda")
    text = json.dumps(json.loads(state_to_json(panda.state)) | {"rules": [hostile, rule_to_plain(LowerOnPlateau())]})
    text = text.replace("PROOF", str(tmp_path / "proof"))
    panda.files.write_checkpoint(99, panda.training.state(), text.encode())
    monkeypatch.chdir(tmp_path)
    woken = wake(tmp_path / "panda", [HalveAt(3)])
    assert woken.state.rules == (LowerOnPlateau(),)
    entry = next(entry for entry in woken.state.diary if entry.action == "rule dropped")
    assert entry.details.startswith(str(hostile.get("rule")))
    assert "Panda.follow" in entry.reason
    train(woken, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["panda"]
    assert "rule dropped" not in actions(run(wake(tmp_path / "panda")))[2:]


def test_the_last_checkpoint_is_a_model_that_takes_raw_rows(tmp_path):
    x = np.random.default_rng(0).normal(size=(200, 3)) * 5 + 100
    data = replace(caviar.from_arrays(x, x[:, 0] > 100), target="tall")
    panda = session.begin(files(tmp_path), data, PandaSettings(seed=3))
    panda.training.epoch()
    panda.save(rewindable=True)
    model = last_model(files(tmp_path))
    assert model.schema == Schema.of(data)  # preparation and target are among its files
    np.testing.assert_array_equal(
        model.predict(model.schema.prepare(x)), panda.training.predict(0, model.schema.prepare(x))
    )
    assert (model.networks[0].origin.epochs, model.networks[0].origin.seed) == (1, 3)
    panda.training.stop(0)
    panda.save(rewindable=False)
    with pytest.raises(InputError, match="has diverged; rewind it"):
        last_model(files(tmp_path))


def test_weights_of_rows_come_back(tmp_path):
    data = replace(caviar.from_arrays([[0.0], [1.0]] * 20, ["no", "yes"] * 20), train_weights=np.ones(28))
    files(tmp_path).write_data(data)
    assert files(tmp_path).read_data().fingerprint() == data.fingerprint()
    assert files(tmp_path).read_data().val_weights is None
