"""The curve of a Panda: training and validation loss over epochs on a log scale, as text and as a picture.

Both charts have the same axes. The picture is SVG, without a script.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from caviar.panda.state import HistoryRow

_Rows = Sequence[HistoryRow]
_LINES = {"train_loss": (".", "#8a94a6"), "val_loss": ("o", "#e07b39")}  # in text, and in the picture
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 680, 230, 56, 86, 10, 26  # the picture and its margins in pixels


@dataclass(frozen=True)
class _Axes:
    """The ranges of epochs and losses in a chart, and the position and size of its area."""

    first: int
    last: int
    low: float
    high: float
    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, rows: _Rows, left: float, top: float, width: float, height: float) -> "_Axes | None":
        """Return the axes that show all rows; None for fewer than two epochs, or if no loss is above 0."""
        epochs = [row.epoch for row in rows]
        losses = [row.metrics[name] for row in rows for name in _LINES if _drawable(row, name)]
        if not losses or min(epochs) == max(epochs):
            return None
        return cls(min(epochs), max(epochs), min(losses), max(losses), left, top, width, height)

    def x(self, epoch: float) -> float:
        return self.left + (epoch - self.first) / (self.last - self.first) * self.width

    def y(self, loss: float) -> float:
        high, low = math.log(self.high), math.log(self.low)  # a quotient of losses may be beyond the floats
        return self.top + (high - math.log(loss)) / ((high - low) or 1.0) * self.height


def text_chart(rows: _Rows, width: int = 80, height: int = 12) -> list[str]:
    """Return training (.) and validation loss (o) over epochs as lines of text; [] for fewer than two epochs.

    >>> rows = [HistoryRow(e, 0, {"train_loss": 1 / e, "val_loss": 2 / e}, {}) for e in range(1, 5)]
    >>> print("\\n".join(line.rstrip() for line in text_chart(rows, width=20, height=4)))
          2 |o
            |.  o
            |   .  o  o
       0.25 |      .  .
            +----------
             1        4
              . train_loss   o val_loss
    """
    columns = max(1, min(width - 10, 3 * len(rows) - 2))
    axes = _Axes.of(rows, 0, 0, columns - 1, height - 1)
    if axes is None:
        return []
    grid = [[" "] * columns for _ in range(height)]
    for name, (mark, _) in _LINES.items():
        for row in rows:
            if _drawable(row, name):
                grid[round(axes.y(row.metrics[name]))][round(axes.x(row.epoch))] = mark
    labels = {0: _label(axes.high), height - 1: _label(axes.low)}
    lines = [f"{labels.get(i, ''):>7} |{''.join(line)}" for i, line in enumerate(grid)]
    first, last = str(axes.first), str(axes.last)
    legend = "   ".join(f"{mark} {name}" for name, (mark, _) in _LINES.items())
    epochs = " " * 9 + first + last.rjust(columns - len(first))
    return [*lines, " " * 8 + "+" + "-" * columns, epochs, " " * 10 + legend]


def _label(loss: float) -> str:
    """Return a loss in at most 7 characters, so that the axis stays straight."""
    return next(text for digits in (3, 2, 1) if len(text := f"{loss:.{digits}g}") <= 7)


def svg_chart(history: _Rows, marks: Sequence[int] = ()) -> str:
    """Return both losses over epochs as an SVG picture, with abandoned epochs faint and a line at each mark."""
    rows = [row for row in history if row.epoch > 0 and all(_drawable(row, name) for name in _LINES)]
    axes = _Axes.of(rows, _LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)
    if axes is None:
        return ""
    xs = [f"{axes.x(epoch):.1f}" for epoch in sorted(set(marks)) if axes.first <= epoch <= axes.last]
    verticals = (f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke-dasharray="2 4"/>' for x in xs)
    lineage = [row for row in rows if not row.abandoned]
    lines = [
        _polylines(axes, [row for row in rows if row.abandoned and row.branch == branch], 0.3)
        for branch in sorted({row.branch for row in rows if row.abandoned})
    ]
    label = f"Training and validation loss from epoch {axes.first} to {axes.last}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" style="max-width:100%" role="img" '
        f'aria-label="{label}" font-family="system-ui, sans-serif" font-size="12" fill="gray">'
        f'<g stroke="gray" opacity="0.5">{"".join(verticals)}</g>{_scales(axes)}{"".join(lines)}'
        f"{_polylines(axes, lineage, 1.0)}{_names(axes, (lineage or rows)[-1])}</svg>"
    )


def _polylines(axes: _Axes, rows: _Rows, opacity: float) -> str:
    lines = []
    for name, (_, colour) in _LINES.items():
        points = " ".join(f"{axes.x(row.epoch):.1f},{axes.y(row.metrics[name]):.1f}" for row in rows)
        style = f'fill="none" stroke="{colour}" stroke-width="2" opacity="{opacity}"'
        lines.append(f'<polyline points="{points}" {style}/>')
    return "".join(lines)


def _scales(axes: _Axes) -> str:
    """Return the labels: three losses on the left, and the epochs below."""
    losses = (axes.low, math.sqrt(axes.low) * math.sqrt(axes.high), axes.high)
    epochs = ((axes.first, axes.first), (axes.last, axes.last), ((axes.first + axes.last) / 2, "epoch"))
    return "".join(
        f'<text x="{_LEFT - 8}" y="{axes.y(loss) + 4:.1f}" text-anchor="end">{loss:.2g}</text>' for loss in losses
    ) + "".join(
        f'<text x="{axes.x(epoch):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{text}</text>' for epoch, text in epochs
    )


def _names(axes: _Axes, last: HistoryRow) -> str:
    """Return the name of each line at its end, so that the names do not overlap."""
    heights = {name: axes.y(last.metrics[name]) + 4 for name in _LINES}
    upper, lower = sorted(heights, key=heights.__getitem__)
    heights[lower] = min(max(heights[lower], heights[upper] + 14), _HEIGHT - _BOTTOM)  # above the epochs
    heights[upper] = min(heights[upper], heights[lower] - 14)
    x = f"{axes.x(last.epoch) + 6:.1f}"
    return "".join(f'<text x="{x}" y="{heights[name]:.1f}" fill="{_LINES[name][1]}">{name}</text>' for name in _LINES)


def _drawable(row: HistoryRow, name: str) -> bool:
    return math.isfinite(row.metrics[name]) and row.metrics[name] > 0
