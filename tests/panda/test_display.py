"""What a person sees of a Panda."""

import math
import xml.etree.ElementTree as xml

from caviar.panda.display import panda_html, panda_text, svg_chart, text_chart, watch
from caviar.panda.state import Activity, DiaryEntry, HistoryRow, PandaStatus, Snapshot

SCRIPT = "<script>alert(1)</script>"


def row(epoch, loss, *, branch=0, abandoned=False):
    metrics = {"train_loss": loss, "val_loss": 2 * loss}
    return HistoryRow(epoch, branch, metrics, {"learning_rate": 0.1}, abandoned=abandoned)


def entry(action, reason):
    return DiaryEntry("", 1, 0, "hand", action, SCRIPT, reason, 0)


def snapshot(history, diary=(), *, busy=False):
    state = Activity.TRAINING if busy else Activity.IDLE
    status = PandaStatus(state, busy, "", "digits", 2, 0, 3, {}, (), (0,), "here", "host:1")
    return Snapshot(status, tuple(history), tuple(diary))


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


def test_what_people_wrote_is_escaped():
    page = panda_html("night", snapshot([row(1, 1.0), row(2, 0.5)], [entry("set", SCRIPT), entry("train", "unseen")]))
    assert SCRIPT not in page
    assert page.count("&lt;script&gt;") == 2
    assert "unseen" not in page
    assert "is idle at epoch 2, 3 to go" in page


def test_the_terminal_shows_the_curve_between_status_and_diary():
    lines = panda_text("night", snapshot([row(1, 1.0), row(2, 0.5)], [entry("set", "")])).splitlines()
    assert lines[0] == "night · idle · epoch 2 · 3 epochs left"
    assert lines[1] == "epoch 2: train_loss 0.5, val_loss 1, learning_rate 0.1"
    assert lines[-1].startswith("  epoch 1 hand: set")
    assert sum(line.count("o") for line in lines[2:-1]) == 2


def test_without_a_terminal_watching_prints_every_epoch_once(capsys):
    rows = [row(0, math.nan), row(1, 1.0), row(2, 0.5)]
    looks = iter([snapshot(rows[:2], busy=True), snapshot(rows[:2], busy=True), snapshot(rows)])
    watch("night", lambda: next(looks), interval=0.0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 0", "epoch 1", "epoch 2", "night is idle at epoch 2"]
