"""What a person sees who watches a Panda: its curve on a terminal or in a notebook, plain lines elsewhere."""

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from caviar.panda.panda import Panda

Rows = Sequence[Mapping[str, Any]]
LOOK_SECONDS = 0.5
HEIGHT = 12


def watch(panda: "Panda") -> None:
    """Show a Panda until it has nothing left to do; Ctrl-C ends the watching."""
    console = Console()
    with contextlib.suppress(KeyboardInterrupt):
        if console.is_jupyter:
            _page(panda)
        elif console.is_terminal:
            _curve(panda, console)
        else:
            _lines(panda)


def _curve(panda: "Panda", console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            status, story = panda.status, panda._line.ask("story")
            live.update(Text(picture(panda.name, status, story, console.width)), refresh=True)
            if status["state"] not in ("training", "forking"):
                return
            time.sleep(LOOK_SECONDS)


def _page(panda: "Panda") -> None:
    from IPython.display import HTML, display

    place = None
    while True:
        status, page = panda.status, HTML(panda._repr_html_())
        if place is None:
            place = display(page, display_id=True)
        else:
            place.update(page)
        if status["state"] not in ("training", "forking"):
            return
        time.sleep(LOOK_SECONDS)


def _lines(panda: "Panda") -> None:
    shown = -1
    while True:
        status, story = panda.status, panda._line.ask("story")
        for row in story["history"][max(shown, 0) :]:
            print(_line(row), flush=True)
        shown = len(story["history"])
        if status["state"] not in ("training", "forking"):
            print(f"{panda.name} is {status['state']} at epoch {status['epoch']}", flush=True)
            return
        time.sleep(LOOK_SECONDS)


def picture(name: str, status: Mapping[str, Any], story: Mapping[str, Rows], width: int = 80) -> str:
    """The curve with a head line above and the latest interventions below."""
    rows = [row for row in story["history"] if not row["abandoned"]]
    head = f"{name} · {status['state']} · epoch {status['epoch']} · {status['left']} epochs left"
    latest = [
        f"  epoch {entry['epoch']} {entry['by']}: {entry['action']} {entry['details']}" for entry in story["diary"][-3:]
    ]
    return "\n".join([head, *([_line(rows[-1])] if rows else []), *chart(rows, min(width, 100)), *latest])


def chart(rows: Rows, width: int = 80, height: int = HEIGHT) -> list[str]:
    """Training (.) and validation loss (o) over epochs on a log scale, as lines of text.

    >>> rows = [{"epoch": e, "train_loss": 1 / e, "val_loss": 2 / e} for e in range(1, 5)]
    >>> print("\\n".join(line.rstrip() for line in chart(rows, width=20, height=4)))
          2 |o
            |.  o
            |   .  o  o
       0.25 |      .  .
            +----------
             1        4
    """
    series = {"train_loss": ".", "val_loss": "o"}
    values = [row[name] for row in rows for name in series if math.isfinite(row[name]) and row[name] > 0]
    if not values or len(rows) < 2:
        return []
    low, high = math.log(min(values)), math.log(max(values))
    columns = min(width - 10, 3 * len(rows) - 2)
    grid = [[" "] * columns for _ in range(height)]
    for name, mark in series.items():
        for i, row in enumerate(rows):
            if math.isfinite(row[name]) and row[name] > 0:
                share = (high - math.log(row[name])) / (high - low or 1.0)
                grid[round(share * (height - 1))][round(i * (columns - 1) / (len(rows) - 1))] = mark
    edges = {0: f"{math.exp(high):7.3g}", height - 1: f"{math.exp(low):7.3g}"}
    first, last = str(rows[0]["epoch"]), str(rows[-1]["epoch"])
    lines = [f"{edges.get(i, ''):>7} |{''.join(line)}" for i, line in enumerate(grid)]
    return [*lines, " " * 8 + "+" + "-" * columns, " " * 9 + first + last.rjust(columns - len(first))]


def _line(row: Mapping[str, Any]) -> str:
    """An epoch in a line."""
    measured = ", ".join(f"{name} {row[name]:.4g}" for name in row if name.startswith(("train_", "val_")))
    return f"epoch {row['epoch']}: {measured}, learning_rate {row['learning_rate']:.4g}"
