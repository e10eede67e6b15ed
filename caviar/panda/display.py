"""What a person sees of a Panda: its curve and the end of its diary, as text in a terminal and as HTML in a notebook.

Both charts show training and validation loss over epochs on a log scale, on the same axes. The HTML holds an SVG
picture and no script; what people wrote is escaped.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from rich.console import Console
from rich.live import Live
from rich.text import Text

from caviar.panda.state import DiaryEntry, HistoryRow, Snapshot

Rows = Sequence[HistoryRow]
MARKS = {"train_loss": ".", "val_loss": "o"}
COLOURS = {"train_loss": "#8a94a6", "val_loss": "#e07b39"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 680, 230, 56, 86, 10, 26  # pixels of the picture, and of its margins
DIARY = ("epoch", "by", "action", "details", "reason")
LATEST = 5  # entries of the diary


def watch(name: str, look: Callable[[], Snapshot], interval: float = 0.5) -> None:
    """Show a Panda until it has nothing left to do; Ctrl-C ends watching, not training.

    Args:
        name: of the Panda.
        look: returns how it is now.
        interval: seconds between two looks.
    """
    console = Console()
    with contextlib.suppress(KeyboardInterrupt):
        if console.is_jupyter:
            _watch_in_notebook(name, _looks(look, interval))
        elif console.is_terminal:
            _watch_in_terminal(name, _looks(look, interval), console)
        else:
            _watch_in_lines(name, _looks(look, interval))


def _looks(look: Callable[[], Snapshot], interval: float) -> Iterator[Snapshot]:
    """Yield how a Panda is, until it has nothing left to do."""
    while True:
        snapshot = look()
        yield snapshot
        if not snapshot.status.busy:
            return
        time.sleep(interval)


def _watch_in_terminal(name: str, looks: Iterable[Snapshot], console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for snapshot in looks:
            live.update(Text(panda_text(name, snapshot, console.width)), refresh=True)


def _watch_in_notebook(name: str, looks: Iterable[Snapshot]) -> None:
    from IPython.display import HTML, display

    output = None
    for snapshot in looks:
        page = HTML(panda_html(name, snapshot))
        if output is None:
            output = display(page, display_id=True)
        else:
            output.update(page)


def _watch_in_lines(name: str, looks: Iterable[Snapshot]) -> None:
    printed = 0
    for snapshot in looks:
        for row in snapshot.history[printed:]:
            print(_epoch_line(row), flush=True)
        printed = len(snapshot.history)
    print(f"{name} is {snapshot.status.state} at epoch {snapshot.status.epoch}", flush=True)


def panda_text(name: str, snapshot: Snapshot, width: int = 80) -> str:
    """Return a Panda as lines of text: how it is, its curve, its latest interventions."""
    status, rows = snapshot.status, [row for row in snapshot.history if not row.abandoned]
    head = f"{name} · {status.state} · epoch {status.epoch} · {status.epochs_remaining} epochs left"
    latest = [f"  epoch {entry.epoch} {entry.by}: {entry.action} {entry.details}" for entry in snapshot.diary[-3:]]
    return "\n".join([head, *map(_epoch_line, rows[-1:]), *text_chart(rows, min(width, 100)), *latest])


def panda_html(name: str, snapshot: Snapshot) -> str:
    """Return a Panda as HTML: how it is, its curve, its latest interventions."""
    status, diary = snapshot.status, [entry for entry in snapshot.diary if entry.action != "train"]
    remaining = f", {status.epochs_remaining} to go" if status.epochs_remaining else ""
    head = f"<p><b>{escape(name)}</b> is {escape(status.state)} at epoch {status.epoch}{remaining}.</p>"
    return head + svg_chart(snapshot.history, [entry.epoch for entry in diary]) + _diary_html(diary)


@dataclass(frozen=True)
class Axes:
    """The ranges of epochs and losses; `x` and `y` are shares of the chart, from its left and from its top."""

    first: int
    last: int
    low: float
    high: float

    @classmethod
    def of(cls, rows: Rows) -> "Axes | None":
        """Return the axes that show all rows; None for fewer than two epochs, or without a loss above 0."""
        epochs = [row.epoch for row in rows]
        losses = [row.metrics[name] for row in rows for name in MARKS if _drawable(row, name)]
        if not losses or min(epochs) == max(epochs):
            return None
        return cls(min(epochs), max(epochs), min(losses), max(losses))

    def x(self, epoch: float) -> float:
        """Return where an epoch is, in [0, 1]."""
        return (epoch - self.first) / (self.last - self.first)

    def y(self, loss: float) -> float:
        """Return where a loss is, in [0, 1]."""
        return math.log(self.high / loss) / (math.log(self.high / self.low) or 1.0)


def text_chart(rows: Rows, width: int = 80, height: int = 12) -> list[str]:
    """Return training (.) and validation loss (o) over epochs as lines of text; [] of fewer than two epochs.

    >>> rows = [HistoryRow(e, 0, {"train_loss": 1 / e, "val_loss": 2 / e}, {}) for e in range(1, 5)]
    >>> print("\\n".join(line.rstrip() for line in text_chart(rows, width=20, height=4)))
          2 |o
            |.  o
            |   .  o  o
       0.25 |      .  .
            +----------
             1        4
    """
    axes = Axes.of(rows)
    if axes is None:
        return []
    columns = min(width - 10, 3 * len(rows) - 2)
    grid = [[" "] * columns for _ in range(height)]
    for name, mark in MARKS.items():
        for row in rows:
            if _drawable(row, name):
                grid[round(axes.y(row.metrics[name]) * (height - 1))][round(axes.x(row.epoch) * (columns - 1))] = mark
    labels = {0: f"{axes.high:7.3g}", height - 1: f"{axes.low:7.3g}"}
    lines = [f"{labels.get(i, ''):>7} |{''.join(line)}" for i, line in enumerate(grid)]
    first, last = str(axes.first), str(axes.last)
    return [*lines, " " * 8 + "+" + "-" * columns, " " * 9 + first + last.rjust(columns - len(first))]


def svg_chart(history: Rows, marks: Sequence[int] = ()) -> str:
    """Return training and validation loss over epochs as an SVG picture; "" of fewer than two epochs.

    Args:
        history: all epochs; abandoned ones are drawn faintly.
        marks: epochs of interventions, drawn as vertical lines.
    """
    rows = [row for row in history if row.epoch > 0 and all(_drawable(row, name) for name in COLOURS)]
    axes = Axes.of(rows)
    if axes is None:
        return ""
    verticals = "".join(
        f'<line x1="{_x(axes, epoch):.1f}" x2="{_x(axes, epoch):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
        'stroke-dasharray="2 4"/>'
        for epoch in sorted(set(marks))
        if axes.first <= epoch <= axes.last
    )
    lineage = [row for row in rows if not row.abandoned]
    branches = sorted({row.branch for row in rows if row.abandoned})
    lines = "".join(
        _polylines(axes, [row for row in rows if row.abandoned and row.branch == branch], 0.3) for branch in branches
    )
    lines += _polylines(axes, lineage, 1.0)
    label = f"Training and validation loss from epoch {axes.first} to {axes.last}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%" role="img" aria-label="{label}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="gray"><g stroke="gray" opacity="0.5">{verticals}</g>'
        f"{_scales(axes)}{lines}{_names(axes, (lineage or rows)[-1])}</svg>"
    )


def _x(axes: Axes, epoch: float) -> float:
    return LEFT + axes.x(epoch) * (WIDTH - LEFT - RIGHT)


def _y(axes: Axes, loss: float) -> float:
    return TOP + axes.y(loss) * (HEIGHT - TOP - BOTTOM)


def _polylines(axes: Axes, rows: Rows, opacity: float) -> str:
    points = {
        name: " ".join(f"{_x(axes, row.epoch):.1f},{_y(axes, row.metrics[name]):.1f}" for row in rows)
        for name in COLOURS
    }
    return "".join(
        f'<polyline points="{points[name]}" fill="none" stroke="{colour}" stroke-width="2" opacity="{opacity}"/>'
        for name, colour in COLOURS.items()
    )


def _scales(axes: Axes) -> str:
    """Return three losses at the left, and the epochs below."""
    losses = (axes.low, math.sqrt(axes.low * axes.high), axes.high)
    epochs = ((axes.first, axes.first), (axes.last, axes.last), ((axes.first + axes.last) / 2, "epoch"))
    return "".join(
        f'<text x="{LEFT - 8}" y="{_y(axes, loss) + 4:.1f}" text-anchor="end">{loss:.2g}</text>' for loss in losses
    ) + "".join(
        f'<text x="{_x(axes, epoch):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{text}</text>' for epoch, text in epochs
    )


def _names(axes: Axes, last: HistoryRow) -> str:
    """Return the name of each line at its end, one below the other."""
    heights = {name: _y(axes, last.metrics[name]) + 4 for name in COLOURS}
    upper, lower = sorted(heights, key=lambda name: heights[name])
    heights[lower] = min(max(heights[lower], heights[upper] + 14), HEIGHT - BOTTOM)  # above the epochs
    heights[upper] = min(heights[upper], heights[lower] - 14)
    x = _x(axes, last.epoch) + 6
    return "".join(f'<text x="{x:.1f}" y="{y:.1f}" fill="{COLOURS[name]}">{name}</text>' for name, y in heights.items())


def _diary_html(diary: Sequence[DiaryEntry]) -> str:
    """Return the latest entries as a table; "" without entries."""
    if not diary:
        return ""
    style = 'style="text-align:left"'
    head = "".join(f"<th {style}>{name}</th>" for name in DIARY)
    rows = (
        "".join(f"<td {style}>{escape(str(getattr(entry, name)))}</td>" for name in DIARY) for entry in diary[-LATEST:]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _epoch_line(row: HistoryRow) -> str:
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in row.metrics.items())
    return f"epoch {row.epoch}: {metrics}, learning_rate {row.config['learning_rate']:.4g}"


def _drawable(row: HistoryRow, name: str) -> bool:
    return math.isfinite(row.metrics[name]) and row.metrics[name] > 0
