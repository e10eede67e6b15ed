"""A Panda without Ray: its numbers do not depend on how training was sliced or how often it died."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.errors import InputError, StorageError
from caviar.files import open_store
from caviar.model.training import Training
from caviar.panda import session
from caviar.panda.checkpoints import PandaFiles, PandaSettings
from caviar.panda.commands import Rewind, SetHyperparameters, Train
from caviar.panda.interpreter import advance
from caviar.panda.rules import LowerOnPlateau, rules_of
from caviar.panda.state import Activity
from tests.panda.own_rules import HalveAt
from tests.panda.sessions import DIGITS, actions, begin, command, numbers, run, train, wake


def test_trains_like_a_training_and_hides_test_metrics(tmp_path):
    panda = train(begin(tmp_path, seed=3, horizon=3), 3)
    training = Training([panda.settings.config], [3], DIGITS, 3)
    reports = [training.epoch()[0] for _ in range(3)]
    assert [row.val_loss for row in panda.state.history[1:]] == [report["val_loss"] for report in reports]
    assert not [name for row in panda.state.history for name in row.columns() if name.startswith("test_")]


def test_weights_outlive_a_death(tmp_path):
    weights = {f"{part}_weights": np.linspace(0.5, 1.5, len(getattr(DIGITS, f"{part}_y"))) for part in ("train", "val")}
    data = replace(DIGITS, **weights)
    files = PandaFiles(open_store(tmp_path))
    panda = train(session.begin(files, data, PandaSettings({"label_smoothing": 0.1}, 3)), 1)
    assert wake(tmp_path).training.dataset.fingerprint() == data.fingerprint()
    training = Training([panda.settings.config], [3], data, panda.settings.horizon)
    losses = [training.epoch()[0]["val_loss"] for _ in range(2)]
    assert [row.val_loss for row in train(wake(tmp_path), 1).state.history[1:]] == losses


def live(folder, deaths=(), seconds=1.0):
    """Train a Panda in slices; it dies after some of them, and wakes again."""
    own_rules = [HalveAt(3)]
    panda = begin(folder, {"dropout": 0.1}, rules=rules_of(["careful", *own_rules]))
    train(panda, 2)
    command(panda, SetHyperparameters, {"learning_rate": 100.0})
    command(panda, Train, 4)
    slices = itertools.count()
    while panda.busy:
        advance(panda, seconds)
        if next(slices) in deaths:
            panda = wake(folder, own_rules)
    return panda


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return live(tmp_path_factory.mktemp("undisturbed"))


@settings(max_examples=6)
@given(deaths=st.sets(st.integers(0, 120), max_size=4), seconds=st.sampled_from([1e-9, 0.003, 1.0]))
def test_numbers_do_not_depend_on_slices_and_deaths(tmp_path_factory, undisturbed, deaths, seconds):
    cut = live(tmp_path_factory.mktemp("cut"), deaths, seconds)
    assert numbers(cut) == numbers(undisturbed)
    assert [action for action in actions(cut) if action != "came back"] == actions(undisturbed)
    assert "rewind, set" in actions(undisturbed)


def test_latest_first_and_best_epochs_can_be_rewound_to(tmp_path):
    panda = train(begin(tmp_path, {"learning_rate": 0.3}, checkpoint_epochs=2, rewindable_epochs=2), 9)
    best = panda.state.best_epoch
    assert set(panda.state.checkpoints) == ({0, 6, 8, best} if best % 2 == 0 else {0, 6, 8})
    assert len(panda.files.checkpoints()) <= 6
    command(panda, Rewind, 6)
    assert panda.epoch == 6


def test_divergence_without_rules_waits_for_a_rewind(tmp_path):
    panda = train(begin(tmp_path, {"optimizer": "momentum", "batch_norm": False}), 1)
    command(panda, SetHyperparameters, {"learning_rate": 1e30})
    train(panda, 5)
    assert panda.activity is Activity.DIVERGED
    for refused in (Train(1), SetHyperparameters({"momentum": 0.5})):
        with pytest.raises(InputError, match=r"diverged in epoch 2; rewind to one of 0\.\.1"):
            command(panda, refused)
    panda = wake(tmp_path)
    assert panda.activity is Activity.DIVERGED
    command(panda, Rewind, 1)
    assert run(panda).activity is Activity.IDLE
    assert panda.epoch == 1 + 4  # the lost epoch is not replaced


def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_the_diary_says_so(tmp_path):
    panda = train(begin(tmp_path), 3)
    whole = numbers(panda)
    command(panda, SetHyperparameters, {"learning_rate": 0.5})
    files = sorted((tmp_path / "checkpoints").glob("*.npz"))
    content = bytearray(files[-1].read_bytes())
    content[len(content) // 2] ^= 1
    files[-1].write_bytes(content)
    files[-2].write_bytes(files[-2].read_bytes()[:1000])
    again = wake(tmp_path)
    assert again.epoch < 3
    fallback = next(entry for entry in again.state.diary if entry.action == "fell back")
    assert files[-1].name in fallback.reason
    assert files[-2].name in fallback.reason
    assert "set" in actions(again)  # no longer in force, but not forgotten
    assert "no longer in force: set" in fallback.details
    assert numbers(run(again)) == whole
    for file in (tmp_path / "checkpoints").glob("*.npz"):
        file.write_bytes(b"")
    with pytest.raises(StorageError, match=r"no checkpoint in .* can be read"):
        wake(tmp_path)


def test_a_uri_holds_the_same_panda_as_a_folder(tmp_path):
    pytest.importorskip("fsspec")
    uri = "memory://pandas/one"
    for folder in (uri, tmp_path):
        command(train(begin(folder), 3), Rewind, 1)
        train(wake(folder), 2)
    remote, local = wake(uri), wake(tmp_path)
    assert numbers(remote) == numbers(local)
    assert actions(remote) == actions(local)
    remote.files.store.write("checkpoints/99999999.npz", b"damaged")
    assert "fell back" in actions(wake(uri))
    with pytest.raises(InputError, match="nosuch://"):
        begin("nosuch://bucket")


def test_a_users_own_rule_is_followed_again_only_if_it_is_passed(tmp_path):
    begin(tmp_path, rules=[HalveAt(1), LowerOnPlateau(patience=2)])
    assert wake(tmp_path, [HalveAt(1)]).state.rules == (HalveAt(1), LowerOnPlateau(patience=2))
    woken = wake(tmp_path, [HalveAt(2)])
    assert woken.state.rules == (LowerOnPlateau(patience=2),)
    entry = next(entry for entry in woken.state.diary if entry.action == "rule dropped")
    assert entry.details == "tests.panda.own_rules:HalveAt is no longer followed"
    assert "Panda.wake(rules=...)" in entry.reason
    assert actions(wake(tmp_path)).count("rule dropped") == 1


@pytest.mark.parametrize("reason", [5, None, b"it wobbles"])
def test_a_reason_that_no_checkpoint_could_hold_changes_nothing(tmp_path, reason):
    panda = train(begin(tmp_path), 1)
    with pytest.raises(InputError, match=r"reason must be text, got .*; try 'it wobbles'"):
        command(panda, SetHyperparameters, {"learning_rate": 0.003}, reason=reason)
    assert panda.config["learning_rate"] == 0.01
    train(panda, 1)
    assert wake(tmp_path).epoch == 2


@pytest.mark.parametrize("format_number", [0, 2, None])
def test_a_panda_of_another_format_is_refused(tmp_path, format_number):
    begin(tmp_path)
    card = tmp_path / "panda.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": format_number}))
    with pytest.raises(StorageError, match=f"must be 1, got {format_number}"):
        wake(tmp_path)
