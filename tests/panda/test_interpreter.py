"""Commands of people and verdicts of rules, on a Panda without Ray."""

import pytest

import caviar
from caviar.errors import InputError, StorageError
from caviar.files import LocalStore
from caviar.panda import session
from caviar.panda.checkpoints import PandaFiles, PandaSettings
from caviar.panda.commands import Follow, Fork, Pause, Resume, Rewind, SetHyperparameters, Train
from caviar.panda.display import fork_table, history_table
from caviar.panda.interpreter import advance, execute, handle
from caviar.panda.rules import rules_of
from caviar.panda.state import Activity
from tests.panda.own_rules import Breaks, HalveAt
from tests.panda.sessions import CONFIG, DIGITS, actions, begin, command, numbers, run, train, wake


def test_a_command_takes_effect_at_the_next_step_and_is_on_disk_when_it_is_done(tmp_path):
    panda = begin(tmp_path)
    command(panda, Train, 2)
    advance(panda, 1e-9)
    step = panda.state.step
    assert step > 0
    changes = {"learning_rate": 0.5, "batch_size": 32, "dropout": 0.2}
    command(panda, SetHyperparameters, changes, reason="on purpose")
    again = wake(tmp_path)
    assert again.config["learning_rate"] == 0.5
    assert again.state.step == step
    entry = again.state.diary[-1]
    assert (entry.by, entry.action, entry.reason, entry.step) == ("hand", "set", "on purpose", step)
    assert entry.details == "learning_rate 0.01 -> 0.5, batch_size 64 -> 32, dropout 0 -> 0.2"
    assert numbers(run(again)) == numbers(run(panda))


def test_a_command_that_is_sent_twice_is_executed_once(tmp_path):
    panda = begin(tmp_path)
    handle(panda, "x", Train(1))
    handle(panda, "x", Train(1))
    handle(wake(tmp_path), "x", Train(1))
    assert wake(tmp_path).state.epochs_remaining == 1


def test_several_commands_are_one_intervention(tmp_path):
    panda = train(begin(tmp_path), 2)
    execute(panda, Rewind(1, reason="both"), SetHyperparameters({"momentum": 0.5}), by="somebody")
    entry = wake(tmp_path).state.diary[-1]
    assert (entry.by, entry.action, entry.reason) == ("somebody", "rewind, set", "both")
    assert entry.details.endswith("; momentum 0.9 -> 0.5")


def test_a_pause_lasts_until_resume_or_train(tmp_path):
    panda = begin(tmp_path)
    command(panda, Train, 1)
    for end in (Resume(), Train(1)):
        command(panda, Pause)
        assert panda.activity is Activity.PAUSED
        assert not panda.busy
        command(panda, end)
        assert panda.activity is Activity.TRAINING


def test_a_rewind_keeps_the_abandoned_branch(tmp_path):
    panda = train(begin(tmp_path), 3)
    first = numbers(panda)
    command(panda, SetHyperparameters, {"learning_rate": 0.03})
    command(panda, Rewind, 1)
    assert panda.config["learning_rate"] == 0.01
    assert panda.activity is Activity.IDLE
    train(panda, 2)
    assert numbers(panda)[1]["parameters"] == first[1]["parameters"]
    history = history_table(panda.state.history)
    assert list(history["epoch"]) == [1, 2, 3]
    assert list(history["branch"]) == [0, 1, 1]
    assert list(history_table(panda.state.history, abandoned=True)["epoch"]) == [2, 3]
    assert "leaving epochs 2..3 of branch 0 behind" in panda.state.diary[-2].details
    assert sorted(panda.state.checkpoints) == [0, 1, 2, 3]


def test_a_rewind_to_a_damaged_checkpoint_is_refused_and_names_the_others(tmp_path):
    panda = train(begin(tmp_path), 2)
    (tmp_path / "checkpoints" / f"{panda.state.checkpoints[1]:08d}.npz").write_bytes(b"damaged")
    before = numbers(panda)
    with pytest.raises(InputError, match=r"cannot rewind to epoch 1: .* is damaged .*; rewind to one of 0, 2"):
        command(panda, Rewind, 1)
    assert numbers(panda) == before


def test_a_rule_falls_back_over_a_damaged_checkpoint(tmp_path):
    panda = train(begin(tmp_path, rules=rules_of("divergence")), 3)
    command(panda, SetHyperparameters, {"learning_rate": 1000.0})
    (tmp_path / "checkpoints" / f"{panda.state.checkpoints[3]:08d}.npz").write_bytes(b"damaged")
    train(panda, 1)
    assert panda.epoch == 2
    assert actions(panda)[-2:] == ["fell back", "rewind, set"]


def test_a_rule_that_fails_is_switched_off_and_training_continues(tmp_path):
    panda = train(begin(tmp_path, rules=[Breaks(), HalveAt(1)]), 2)
    assert panda.epoch == 2
    assert panda.state.diary[1].reason == "KeyError: 'oops'"
    assert list(history_table(panda.state.history)["learning_rate"]) == [0.01, 0.005]
    assert wake(tmp_path, [Breaks(), HalveAt(1)]).state.rules == (HalveAt(1),)


def test_rules_that_died_before_they_looked_look_before_the_next_command(tmp_path):
    panda = begin(tmp_path, rules=[HalveAt(1)])
    command(panda, Train, 1)
    while panda.epoch == 0:
        panda.train(1.0)  # to the end of the epoch, and no further
    woken = wake(tmp_path, [HalveAt(1)])
    assert woken.busy
    command(woken, Pause)
    assert actions(woken)[-2:] == ["set", "pause"]
    assert woken.config["learning_rate"] == 0.005


def test_a_fork_keeps_the_best_copy_and_its_first_copy_is_the_panda_itself(tmp_path):
    panda = train(begin(tmp_path / "fork"), 1)
    alone = train(begin(tmp_path / "alone"), 3)
    command(panda, Fork, 5, around=4.0, epochs=2)
    advance(panda, 1e-9)
    with pytest.raises(InputError, match="fork is in training"):
        command(panda, Rewind, 0)
    panda = run(wake(tmp_path / "fork"))  # a fork that is interrupted begins again
    copies = fork_table(panda.state.diary)
    assert copies["val_loss"][0] == alone.state.history[-1].val_loss
    assert copies["learning_rate"].between(0.01 / 4, 0.01 * 4).all()
    assert copies["learning_rate"].nunique() == 5
    best = copies["val_loss"].idxmin()
    assert list(copies["kept"]) == [index == best for index in range(5)]
    assert panda.config["learning_rate"] == copies["learning_rate"][best]
    assert [row.epoch for row in panda.state.history] == [0, 1, 2, 3]
    assert panda.state.history[-1].val_loss == copies["val_loss"][best]
    assert wake(tmp_path / "fork").config == panda.config
    command(panda, Fork, 2, around=caviar.Space(weight_decay=caviar.loguniform(1e-4, 1e-2)), epochs=1)
    assert "weight_decay" in panda.state.fork.changes[1]


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (Rewind(9), "cannot rewind to epoch 9: it has no checkpoint; rewind to one of 0"),
        (Fork(3, caviar.Space(momentum=caviar.uniform(0.5, 2.0))), "momentum"),
    ],
)
def test_a_refused_command_is_one_sentence_and_changes_nothing(tmp_path, refused, words):
    panda = begin(tmp_path)
    before = numbers(panda), panda.state
    with pytest.raises(InputError, match=words) as error:
        command(panda, refused)
    assert "\n" not in str(error.value)
    assert (numbers(panda), panda.state) == before


class Disk(LocalStore):
    """A store that is full for a while."""

    full = False

    def write(self, name, content):
        if self.full:
            raise StorageError("the disk is full")
        super().write(name, content)


@pytest.mark.parametrize(
    "refused", [Train(2), SetHyperparameters({"momentum": 0.5}), Rewind(1), Follow(()), Fork(3)], ids=repr
)
def test_a_command_that_cannot_be_saved_changes_nothing_and_can_be_given_again(tmp_path, refused):
    disk = Disk(tmp_path)
    panda = train(session.begin(PandaFiles(disk), DIGITS, PandaSettings(CONFIG), rules_of("careful")), 2)
    before = numbers(panda), panda.state
    disk.full = True
    with pytest.raises(StorageError, match="full"):
        handle(panda, "x", refused)
    assert (numbers(panda), panda.state) == before
    disk.full = False
    handle(panda, "x", refused)
    assert len(actions(panda)) == 2
    woken = wake(tmp_path)
    assert (numbers(woken), woken.state.diary) == (numbers(panda), panda.state.diary)


def test_rules_whose_verdict_cannot_be_saved_look_again(tmp_path):
    disk = Disk(tmp_path)
    panda = session.begin(PandaFiles(disk), DIGITS, PandaSettings(CONFIG), [HalveAt(1)])
    command(panda, Train, 1)
    while panda.epoch == 0:
        panda.train(1.0)
    disk.full = True
    with pytest.raises(StorageError, match="full"):
        advance(panda, 1.0)
    disk.full = False
    assert run(panda).config["learning_rate"] == 0.005
    assert actions(panda) == ["train", "set"]


def test_rules_are_replaced_by_a_command(tmp_path):
    panda = begin(tmp_path, rules=rules_of("careful"))
    command(panda, Follow, (HalveAt(2),))
    assert panda.state.diary[-1].details == "HalveAt"
    command(panda, Follow, ())
    assert panda.state.diary[-1].details == "no rules"
    assert wake(tmp_path).state.rules == ()
