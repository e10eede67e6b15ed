"""How a Panda is displayed."""

import math
import xml.etree.ElementTree as xml

import pytest

from caviar.panda.charts import svg_chart, text_chart
from caviar.panda.commands import Pause, SetHyperparameters
from caviar.panda.display import diary_table, fork_table, history_table, panda_html, panda_text, watch
from caviar.panda.state import Activity, DiaryEntry, HistoryRow, PandaStatus
from tests.panda.sessions import begin, command, train

SCRIPT = "<script>alert(1)</script>"


def row(epoch, loss, *, branch=0, abandoned=False):
    metrics = {"train_loss": loss, "val_loss": 2 * loss}
    return HistoryRow(epoch, branch, metrics, {"learning_rate": 0.1}, abandoned=abandoned)


def entry(action, reason):
    return DiaryEntry("", 1, 0, "hand", action, SCRIPT, reason, 0)


def status(history, diary=(), *, busy=False):
    state = Activity.TRAINING if busy else Activity.IDLE
    return PandaStatus(
        state, busy, "", "digits", 2, 0, 3, {}, (), (0,), "runs/night", "host:1", tuple(history), tuple(diary)
    )


def test_every_epoch_is_drawn_and_abandoned_ones_faintly():
    rows = [row(1, 1.0), row(2, 0.5), row(3, 9.0, abandoned=True), row(3, 0.3, branch=1)]
    lines = xml.fromstring(svg_chart(rows)).iter("polyline")
    drawn = [(len(line.get("points").split()), float(line.get("opacity"))) for line in lines]
    assert drawn == [(1, 0.3)] * 2 + [(3, 1.0)] * 2


def test_names_stand_apart_and_above_the_epochs():
    texts = list(xml.fromstring(svg_chart([row(1, 1.0), row(30, 1e-3)])).iter("text"))
    heights = {text.text: float(text.get("y")) for text in texts}
    assert abs(heights["train_loss"] - heights["val_loss"]) >= 14
    assert max(heights["train_loss"], heights["val_loss"]) <= heights["30"] - 12


def test_too_few_or_broken_epochs_draw_nothing():
    for rows in ([], [row(1, 1.0)], [row(1, math.nan), row(2, math.inf)]):
        assert svg_chart(rows) == ""
        assert text_chart(rows) == []


@pytest.mark.parametrize("losses", [(8e307, 1e-308), (8e307, 8e307), (5e-324, 5e-324), (5e-324, 1.0)])
def test_the_largest_and_the_smallest_losses_are_drawn(losses):
    rows = [row(epoch, loss) for epoch, loss in enumerate(losses, 1)]
    assert sum(line.count("o") for line in text_chart(rows)[:-1]) == 2
    assert len(list(xml.fromstring(picture := svg_chart(rows)).iter("polyline"))) == 2
    assert "nan" not in picture
    assert "inf" not in picture


@pytest.mark.parametrize("width", [0, 10, 11])
def test_a_narrow_terminal_gets_a_narrow_chart(width):
    assert text_chart([row(1, 1.0), row(2, 0.5)], width)[0].endswith("o")


def test_what_people_wrote_is_escaped():
    page = panda_html("night", status([row(1, 1.0), row(2, 0.5)], [entry("set", SCRIPT), entry("train", "unseen")]))
    assert SCRIPT not in page
    assert page.count("&lt;script&gt;") == 2
    assert "unseen" not in page
    assert "is idle at epoch 2, 3 to go" in page


def test_the_terminal_shows_the_curve_between_status_and_diary():
    lines = panda_text("night", status([row(1, 1.0), row(2, 0.5)], [entry("set", "")])).splitlines()
    assert lines[0] == "night: idle, 3 epochs left"
    assert lines[1] == "epoch 2: train_loss 0.5, val_loss 1, learning_rate 0.1"
    assert lines[-1].startswith("  epoch 1 hand: set")
    assert sum(line.count("o") for line in lines[2:-2]) == 2
    assert lines[-2].split() == [".", "train_loss", "o", "val_loss"]


@pytest.mark.parametrize("loss", [1.234e-12, 9.999e-5, 12345.6, 0.5, 1.5e300])
def test_the_axis_is_straight_whatever_the_losses(loss):
    lines = text_chart([row(1, loss), row(2, loss / 2)])
    assert {line.index("|") for line in lines if "|" in line} == {8}


def test_without_a_terminal_watching_prints_every_epoch_once(capsys):
    rows = [row(0, math.nan), row(1, 1.0), row(2, 0.5)]
    looks = iter([status(rows[:2], busy=True), status(rows[:2], busy=True), status(rows)])
    watch("night", lambda: next(looks), interval=0.0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 0", "epoch 1", "epoch 2", "night is idle at epoch 2"]


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
