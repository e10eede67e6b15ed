"""The tables of a Panda."""

from caviar.panda.commands import Pause, SetHyperparameters
from caviar.panda.tables import diary_table, fork_table, history_table
from tests.panda.sessions import begin, command, train


def test_the_diary_tells_what_came_of_an_intervention(tmp_path):
    panda = train(begin(tmp_path), 2)
    command(panda, SetHyperparameters, {"learning_rate": 0.001})
    command(panda, Pause, reason="dinner")
    train(panda, 4)
    losses = [row.val_loss for row in panda.state.history]
    diary = diary_table(panda.state.diary, panda.state.history)
    assert list(diary) == ["time", "epoch", "step", "by", "action", "details", "reason", "effect", "branch"]
    assert diary["effect"][1] == f"val_loss {losses[2]:.4g} -> {losses[5]:.4g} in 3 epochs"
    assert diary["effect"][0] == f"val_loss {losses[0]:.4g} -> {losses[2]:.4g} in 2 epochs"  # from the untrained one
    assert diary["effect"][2] == ""  # a pause changes nothing
    assert diary["time"].is_monotonic_increasing


def test_tables_without_rows_have_their_columns():
    assert list(history_table([])) == ["epoch", "train_loss", "val_loss"]
    assert diary_table([], []).empty
    assert fork_table([]).empty


def test_the_history_begins_with_the_metrics_and_ends_with_the_branch(tmp_path):
    columns = list(history_table(train(begin(tmp_path), 1).state.history))
    assert columns[:4] == ["epoch", "train_loss", "val_loss", "val_accuracy"]
    assert columns[4] == "learning_rate"
    assert columns[-2:] == ["seconds", "branch"]
