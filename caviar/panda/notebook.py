"""What a notebook shows of a Panda: how it is, its curve, and the latest of its diary; HTML and SVG, no script."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

Rows = Sequence[Mapping[str, Any]]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BELOW = 680, 230, 56, 86, 10, 26  # pixels of the picture, and of its margins
LINES = {"train_loss": "#8a94a6", "val_loss": "#e07b39"}
LATEST = 5  # entries of the diary
DIARY = ("epoch", "by", "action", "details", "reason")


def panda_html(name: str, status: Mapping[str, Any], story: Mapping[str, Rows]) -> str:
    """A Panda as HTML; what people wrote is escaped.

    Args:
        name: its name.
        status: `Panda.status`.
        story: its history and diary, as it remembers them.
    """
    left = f", {status['left']} to go" if status["left"] else ""
    head = f"<p><b>{escape(name)}</b> is {escape(status['state'])} at epoch {status['epoch']}{left}.</p>"
    interventions = [entry for entry in story["diary"] if entry["action"] != "train"]
    return head + curve(story["history"], [entry["epoch"] for entry in interventions]) + _latest(interventions)


def curve(history: Rows, marks: Sequence[int] = ()) -> str:
    """Training and validation loss over epochs on a log scale, as an SVG picture; "" of fewer than two epochs.

    Args:
        history: rows with epoch, branch, abandoned, train_loss and val_loss; abandoned ones are drawn faintly.
        marks: epochs of interventions, drawn as upright lines.
    """
    rows = [row for row in history if row["epoch"] > 0 and all(_positive(row[name]) for name in LINES)]
    if len({row["epoch"] for row in rows}) < 2:
        return ""
    axes = Axes.of(rows)
    upright = "".join(
        f'<line x1="{axes.x(m):.1f}" x2="{axes.x(m):.1f}" y1="{TOP}" y2="{HEIGHT - BELOW}" stroke-dasharray="2 4"/>'
        for m in sorted(set(marks))
        if axes.first <= m <= axes.last
    )
    present = [row for row in rows if not row["abandoned"]]
    abandoned = [row for row in rows if row["abandoned"]]
    branches = [[row for row in abandoned if row["branch"] == b] for b in sorted({row["branch"] for row in abandoned})]
    lines = "".join(_line(axes, branch, 0.3) for branch in branches) + _line(axes, present, 1.0)
    label = f"Training and validation loss from epoch {axes.first} to {axes.last}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%" role="img" aria-label="{label}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="gray"><g stroke="gray" opacity="0.5">{upright}</g>'
        f"{_scales(axes)}{lines}{_names(axes, present or rows)}</svg>"
    )


@dataclass(frozen=True)
class Axes:
    """Where epochs and losses are in the picture."""

    first: int
    last: int
    low: float
    high: float

    @classmethod
    def of(cls, rows: Rows) -> "Axes":
        epochs, losses = [row["epoch"] for row in rows], [row[name] for row in rows for name in LINES]
        return cls(min(epochs), max(epochs), min(losses), max(losses))

    def x(self, epoch: float) -> float:
        return LEFT + (epoch - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, loss: float) -> float:
        span = math.log(self.high / self.low) or 1.0
        return TOP + math.log(self.high / loss) / span * (HEIGHT - TOP - BELOW)


def _line(axes: Axes, rows: Rows, opacity: float) -> str:
    drawn = []
    for name, colour in LINES.items():
        places = " ".join(f"{axes.x(row['epoch']):.1f},{axes.y(row[name]):.1f}" for row in rows)
        drawn.append(
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2" opacity="{opacity}"/>'
        )
    return "".join(drawn)


def _scales(axes: Axes) -> str:
    """Three losses at the left, the epochs below."""
    losses = (axes.low, math.sqrt(axes.low * axes.high), axes.high)
    left = "".join(f'<text x="{LEFT - 8}" y="{axes.y(v) + 4:.1f}" text-anchor="end">{v:.2g}</text>' for v in losses)
    ends = "".join(
        f'<text x="{axes.x(epoch):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{text}</text>'
        for epoch, text in (
            (axes.first, axes.first),
            (axes.last, axes.last),
            ((axes.first + axes.last) / 2, "epoch"),
        )
    )
    return left + ends


def _names(axes: Axes, rows: Rows) -> str:
    """The name of each line at its end, not on top of each other."""
    ends = {name: axes.y(rows[-1][name]) + 4 for name in LINES}
    upper, lower = sorted(ends, key=lambda name: ends[name])
    ends[lower] = min(max(ends[lower], ends[upper] + 14), HEIGHT - BELOW)  # above the epochs
    ends[upper] = min(ends[upper], ends[lower] - 14)
    x = axes.x(rows[-1]["epoch"]) + 6
    return "".join(f'<text x="{x:.1f}" y="{y:.1f}" fill="{LINES[name]}">{name}</text>' for name, y in ends.items())


def _latest(diary: Rows) -> str:
    """The latest interventions as a table."""
    if not diary:
        return ""
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in DIARY)
    rows = (
        "".join(f'<td style="text-align:left">{escape(str(entry[name]))}</td>' for name in DIARY)
        for entry in diary[-LATEST:]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _positive(loss: float) -> bool:
    return math.isfinite(loss) and loss > 0
