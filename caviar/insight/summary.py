"""What a person reads when a study has ended: the ten best, the square, the waves, and where the files are."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from caviar.study.study import Study


def print_summary(study: Study, console: Console | None = None) -> None:
    """Print the ten best trials, the last square next to the whole space, the waves, and the files.

    Args:
        study: one with at least one trial.
        console: where to; standard output if left out.
    """
    console = console or wide_console()
    metric = study.settings.metric
    states = study.table["state"].value_counts()
    counts = ", ".join(f"{count} {str(state).replace('_', ' ')}" for state, count in states.items())
    console.print(f"\n[bold]{len(study.results)} trials[/bold] of {study.settings.name}: {counts}\n", highlight=False)
    if "finished" not in states:
        console.print(f"No trial finished. The first error: {study.results[0].error}", markup=False)
    else:
        ten_best = _ten_best(study)
        if sum((column.width or 0) + 1 for column in ten_best.columns) <= console.width + 1:
            console.print(ten_best)
        else:
            _print_in_words(study, console)
        luckiest = max if study.settings.mode == "max" else min
        value = luckiest(r.metrics[metric] for r in study.ranking)
        how = _confirmed(study) if len(study.confirmation) else "Chosen by estimate, not by luck"
        console.print(f"{how}; the {luckiest.__name__}imum seen: {metric} {value:.4g}\n", highlight=False)
    console.print(_square(study.square))
    for sentence in study.edges:
        console.print(f"  {sentence}", markup=False, highlight=False)
    console.print()
    console.print(_waves(study.waves, metric))
    console.print()
    for name in ("results", "history", "waves", "confirmation"):
        console.print(f"  {study.folder / f'{name}.csv'}", highlight=False, soft_wrap=True)
    console.print(f"look closer with: caviar report {study.folder}", highlight=False, soft_wrap=True)


def wide_console() -> Console:
    """Standard output; where it is no terminal, wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _confirmed(study: Study) -> str:
    """What the confirming wave found."""
    winner = study.confirmation.iloc[0]
    return (
        f"Trial {winner['trial']:.0f} was confirmed with {winner['replicates']:.0f} fresh seeds: "
        f"{study.settings.metric} {winner['mean']:.4g} (95 %: {winner['low']:.4g} .. {winner['high']:.4g}), "
        f"the best of {len(study.confirmation)} with probability {winner['probability']:.0%}"
    )


def _ten_best(study: Study) -> Table:
    """The hyperparameters, the metric, and how the held-out data judge it; the rest is in the CSV."""
    ten = study.ranking[:10]
    columns: dict[str, list[Any]] = {"trial": [r.trial for r in ten], "wave": [r.wave for r in ten]}
    columns |= {name: [r.config.get(name) for r in ten] for name in study.settings.space.names}
    columns |= {name: [r.metrics.get(name) for r in ten] for name in _judged_by(study)}
    return _table(_title(study), columns)


def _print_in_words(study: Study, console: Console) -> None:
    """The ten best where their table is wider than the terminal: two lines each."""
    console.print(_title(study), style="italic", highlight=False)
    for result in study.ranking[:10]:
        reached = ", ".join(f"{name} {_short(result.metrics.get(name))}" for name in _judged_by(study))
        console.print(f"  trial {result.trial} of wave {result.wave}: {reached}", highlight=False)
        config = ", ".join(f"{name} {_short(value)}" for name, value in result.config.items())
        console.print(Padding(Text(config), (0, 0, 0, 4)))
    console.print()


def _title(study: Study) -> str:
    """What the order of the ten best is."""
    return f"The ten best trials: {'the confirmed ones, then ' if len(study.confirmation) else ''}by estimate"


def _judged_by(study: Study) -> list[str]:
    """The metric, and its like on the held-out data where there are any."""
    metric = study.settings.metric
    held_out = metric.replace("val_", "test_")
    return [metric, *([held_out] if held_out != metric and held_out in study.best.metrics else [])]


def _table(title: str, columns: Mapping[str, Sequence[Any]]) -> Table:
    """A light table, narrow enough for six hyperparameters on a terminal of 80 columns; only its heads are broken."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    shown = {name.replace("_", " "): [_short(value) for value in values] for name, values in columns.items()}
    for head, cells in shown.items():
        words = (*head.split(), *cells)
        table.add_column(head, justify="left" if head == "hyperparameter" else "right", width=max(map(len, words)))
    for row in zip(*shown.values(), strict=True):
        table.add_row(*row)
    return table


def _square(square: pd.DataFrame) -> Table:
    rows = square.to_dict("records")
    columns = {
        "hyperparameter": [row["name"] for row in rows],
        "square": [row["options"] or f"{_short(row['low'])} .. {_short(row['high'])}" for row in rows],
        "whole space": [
            "" if row["options"] else f"{_short(row['space_low'])} .. {_short(row['space_high'])}" for row in rows
        ],
        "share": [f"{row['share']:.0%}" for row in rows],
    }
    return _table("The square of the last wave, and the whole space", columns)


def _waves(waves: pd.DataFrame, metric: str) -> Table:
    columns = {name: list(waves[name]) for name in ("wave", "kind", "trials", "finished")}
    columns |= {f"{name} {metric}": list(waves[name]) for name in ("best", "median")}
    sampled = zip(waves["square_share"], waves["kind"] != "confirm", strict=True)
    columns["share"] = [f"{share:.2g}" if fresh else "" for share, fresh in sampled]
    return _table("The waves, and their shares of the space", columns)


def _short(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
