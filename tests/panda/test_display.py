"""What a notebook shows of a Panda."""

import math
import xml.etree.ElementTree as xml

from caviar.panda.notebook import curve, panda_html

EVIL = "<script>alert(1)</script>"


def row(epoch, loss, *, branch=0, abandoned=False):
    return {"epoch": epoch, "branch": branch, "abandoned": abandoned, "train_loss": loss, "val_loss": 2 * loss}


def test_every_epoch_is_drawn_and_what_was_left_behind_faintly():
    rows = [row(1, 1.0), row(2, 0.5), row(3, 9.0, abandoned=True), row(3, 0.3, branch=1)]
    lines = xml.fromstring(curve(rows)).iter("polyline")
    drawn = [(len(line.get("points").split()), float(line.get("opacity"))) for line in lines]
    assert drawn == [(1, 0.3)] * 2 + [(3, 1.0)] * 2


def test_names_stand_apart_and_above_the_epochs():
    texts = list(xml.fromstring(curve([row(1, 1.0), row(30, 1e-3)])).iter("text"))
    heights = {text.text: float(text.get("y")) for text in texts}
    assert abs(heights["train_loss"] - heights["val_loss"]) >= 14
    assert max(heights["train_loss"], heights["val_loss"]) <= heights["30"] - 12


def test_too_few_or_broken_epochs_draw_nothing():
    assert curve([row(1, 1.0)]) == ""
    assert curve([row(1, math.nan), row(2, math.inf)]) == ""


def test_what_people_wrote_is_text():
    entry = {"epoch": 1, "by": "hand", "action": "set", "details": EVIL, "reason": EVIL}
    story = {"history": [row(1, 1.0), row(2, 0.5)], "diary": [entry, entry | {"action": "train", "reason": "unseen"}]}
    page = panda_html("night", {"state": "training", "epoch": 2, "left": 3}, story)
    assert EVIL not in page
    assert page.count("&lt;script&gt;") == 2
    assert "unseen" not in page
    assert "is training at epoch 2, 3 to go" in page
