"""How a Panda is displayed: its tables, and its curve with the end of its diary, as text or as HTML.

The HTML has no script, and what people wrote is escaped.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

import pandas as pd
from rich.console import Console
from rich.live import Live
from rich.text import Text

from caviar.panda.charts import svg_chart, text_chart
from caviar.panda.state import DiaryEntry, HistoryRow, PandaStatus

_Rows = Sequence[HistoryRow]
_DIARY = ["time", "epoch", "step", "by", "action", "details", "reason", "effect", "branch"]
_WITHOUT_EFFECT = ("pause", "resume", "follow", "stop", "came back", "rule dropped")  # on the training
_EFFECT_EPOCHS = 3


def history_table(history: _Rows, *, abandoned: bool = False) -> pd.DataFrame:
    """Return one row per epoch from 1 on: those that led to the present state, or those that a rewind abandoned."""
    rows = [row.columns() for row in history if row.abandoned is abandoned and row.epoch > 0]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["epoch", "train_loss", "val_loss"])


def diary_table(diary: Sequence[DiaryEntry], history: _Rows) -> pd.DataFrame:
    """Return one row per intervention: when, at which epoch and step, by whom, what, why, and its effect."""
    rows = [{**vars(entry), "effect": _effect(entry, diary[i + 1 :], history)} for i, entry in enumerate(diary)]
    table = pd.DataFrame(rows, columns=_DIARY)
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return table


def fork_table(diary: Sequence[DiaryEntry]) -> pd.DataFrame:
    """Return the copies of the latest fork that has ended, one row each."""
    return pd.DataFrame(list(next((entry.copies for entry in reversed(diary) if entry.copies), ())))


def _effect(entry: DiaryEntry, later: Sequence[DiaryEntry], history: _Rows) -> str:
    """Return what an intervention did to the validation loss until the next one, over three epochs at most."""
    if entry.action in _WITHOUT_EFFECT:
        return ""
    last = min([entry.epoch + _EFFECT_EPOCHS, *(other.epoch for other in later if other.epoch > entry.epoch)])
    rows = [row for row in history if row.branch == entry.branch and entry.epoch < row.epoch <= last]
    if not rows:
        return ""
    before = "" if entry.val_loss is None else f"{entry.val_loss:.4g} -> "
    epochs = rows[-1].epoch - entry.epoch
    return f"val_loss {before}{rows[-1].val_loss:.4g} in {epochs} epoch{'s' * (epochs > 1)}"


def watch(name: str, look: Callable[[], PandaStatus], interval: float = 0.5) -> None:
    """Show a Panda until it has nothing left to do, updating every `interval` seconds; Ctrl-C only ends watching."""
    console, looks = Console(), _looks(look, interval)
    with contextlib.suppress(KeyboardInterrupt):
        if console.is_jupyter:
            _watch_in_notebook(name, looks)
        elif console.is_terminal:
            with Live(console=console, auto_refresh=False) as live:
                for status in looks:
                    live.update(Text(panda_text(name, status, console.width)), refresh=True)
        else:
            _watch_in_lines(name, looks)


def _looks(look: Callable[[], PandaStatus], interval: float) -> Iterator[PandaStatus]:
    while (status := look()).busy:
        yield status
        time.sleep(interval)
    yield status


def _watch_in_notebook(name: str, looks: Iterable[PandaStatus]) -> None:
    from IPython.display import HTML, display

    output = display(HTML(""), display_id=True)
    for status in looks:
        output.update(HTML(panda_html(name, status)))


def _watch_in_lines(name: str, looks: Iterable[PandaStatus]) -> None:
    printed = 0
    for status in looks:
        for row in status.history[printed:]:
            print(_epoch_line(row), flush=True)
        printed = len(status.history)
    print(f"{name} is {status.state} at epoch {status.epoch}", flush=True)


def panda_text(name: str, status: PandaStatus, width: int = 80) -> str:
    """Return a Panda as lines of text: its status, its curve, its latest interventions."""
    rows = [row for row in status.history if not row.abandoned]
    epoch = "" if rows else f", epoch {status.epoch}"  # the line below tells it; the present one may be further
    head = f"{name}: {status.state}{epoch}, {status.epochs_remaining} epochs left"
    latest = [f"  epoch {entry.epoch} {entry.by}: {entry.action} {entry.details}" for entry in status.diary[-3:]]
    return "\n".join([head, *map(_epoch_line, rows[-1:]), *text_chart(rows, min(width, 100)), *latest])


def panda_html(name: str, status: PandaStatus) -> str:
    """Return a Panda as HTML: its status, its curve, its latest interventions."""
    diary = [entry for entry in status.diary if entry.action != "train"]
    remaining = f", {status.epochs_remaining} to go" if status.epochs_remaining else ""
    head = f"<p><b>{escape(name)}</b> is {escape(status.state)} at epoch {status.epoch}{remaining}.</p>"
    return head + svg_chart(status.history, [entry.epoch for entry in diary]) + _diary_html(diary)


def _diary_html(diary: Sequence[DiaryEntry]) -> str:
    """Return the latest entries as a table; "" if there are none."""
    if not diary:
        return ""

    def row(tag: str, texts: Iterable[object]) -> str:
        cells = (f'<{tag} style="text-align:left">{escape(str(text))}</{tag}>' for text in texts)
        return f"<tr>{''.join(cells)}</tr>"

    columns = ("epoch", "by", "action", "details", "reason")
    body = "".join(row("td", (getattr(entry, name) for name in columns)) for entry in diary[-5:])
    return f"<table><thead>{row('th', columns)}</thead><tbody>{body}</tbody></table>"


def _epoch_line(row: HistoryRow) -> str:
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in row.metrics.items())
    return f"epoch {row.epoch}: {metrics}, learning_rate {row.config['learning_rate']:.4g}"
