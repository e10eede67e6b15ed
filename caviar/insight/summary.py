"""What the terminal shows when a study has ended: waves, the square, the ten best trials, the winner, what is next."""

import sys
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from caviar.data.source import SourceKind
from caviar.insight.formatting import format_range, format_share, format_value
from caviar.insight.report.tables import held_out_metric, ten_best, winner_sentence
from caviar.insight.report.unseen import unseen_sentence
from caviar.records.outcome import Outcome
from caviar.records.trial import TABLES, State

FILE_WIDTH = 140  # columns if standard output is not a terminal


def print_summary(outcome: Outcome, console: Console | None = None, *, name: str | None = None) -> None:
    """Print the waves, the last square next to the whole space, the ten best trials, the winner, and what is next.

    What matters most comes last, so that a small terminal still shows it.

    Args:
        outcome: of a study that has begun.
        console: where to print; standard output by default.
        name: of the study on a cluster, whose files the reader reaches by it; None: they are on this machine.
    """
    console = console or Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    if not outcome.results:
        console.print(Text(f"No trial has ended; go on with: caviar resume {outcome.folder}"), soft_wrap=True)
        return
    states = outcome.table["state"].value_counts()
    counts = ", ".join(f"{count} {str(state).replace('_', ' ')}" for state, count in states.items())
    trials = Text(f"{len(outcome.table)} trials", style="bold")
    console.print("\n", trials, Text(f" of {outcome.settings.name}: {counts}\n"), sep="")
    console.print(_waves_table(outcome.waves, outcome.settings.objective.metric), "", sep="\n")
    if outcome.begun[-1].wave > 1:  # the square of a single wave is the whole space
        console.print(_square_table(outcome.square))
    for sentence in filter(None, (*outcome.edges, outcome.stopped)):
        console.print(Text(f"  {sentence}"))
    console.print()
    if outcome.has_finished:
        _print_ten_best(outcome, console)
        console.print(Text(f"{winner_sentence(outcome)}\n"))
        if outcome.test:
            console.print(Text(f"{unseen_sentence(outcome.test)}\n"))
    else:
        console.print(Text(f"No trial finished. The first error: {outcome.results[0].error}\n"))
    for line in _next_steps(outcome, name):
        console.print(Text(line), soft_wrap=True)


def _next_steps(outcome: Outcome, name: str | None) -> Iterator[str]:
    """Yield where the tables are, and the commands that go on."""
    study = name or outcome.folder
    yield f"tables: caviar results {name}" if name else f"tables: {outcome.folder}/{{{','.join(TABLES)}}}.csv"
    if outcome.has_finished and outcome.settings.source.kind is SourceKind.TABLE:
        yield f"predict new rows with: caviar predict {study} new.csv"
    yield f"look closer with: caviar report {study}"


def _print_ten_best(outcome: Outcome, console: Console) -> None:
    """Print the ten best as a table, or as two lines each if the table is wider than the terminal."""
    title = f"The ten best trials: {'the confirmed ones, then ' if len(outcome.confirmation) else ''}by estimate"
    best = ten_best(outcome).drop(columns=["epochs", "seconds"])
    table = _table(title, {str(name): best[name] for name in best})
    if sum((column.width or 0) + 1 for column in table.columns) <= console.width + 1:
        console.print(table)
        return
    console.print(Text(title, style="italic"))
    metrics = [name for name in (outcome.settings.objective.metric, held_out_metric(outcome)) if name]
    for result in outcome.ranking[:10]:
        values = ", ".join(f"{name} {format_value(result.metrics.get(name))}" for name in metrics)
        config = ", ".join(f"{name} {format_value(value)}" for name, value in result.config.items())
        console.print(Text(f"  trial {result.trial} of wave {result.wave}: {values}"))
        console.print(Padding(Text(config), (0, 0, 0, 4)))
    console.print()


def _square_table(square: pd.DataFrame) -> Table:
    sides = square.to_dict("records")
    columns = {
        "hyperparameter": [side["name"] for side in sides],
        "square": [side["options"] or format_range(side["low"], side["high"]) for side in sides],
        "whole space": ["" if s["options"] else format_range(s["space_low"], s["space_high"]) for s in sides],
        "share": [format_share(side["share"]) for side in sides],
    }
    return _table("The square of the last wave, and the whole space", columns)


def _waves_table(waves: pd.DataFrame, metric: str) -> Table:
    shares = zip(waves["square_share"], waves["kind"], strict=True)
    columns: dict[str, Iterable[object]] = {name: waves[name] for name in ("wave", "kind", "trials", State.FINISHED)}
    columns |= {f"{name} {metric}": waves[name] for name in ("best", "median")}
    columns["share"] = ["" if kind == "confirm" else format_share(share) for share, kind in shares]
    return _table("The waves, and their shares of the space", columns)


def _table(title: str, columns: Mapping[str, Iterable[object]]) -> Table:
    """Return a light table; headings break at every word, so that six hyperparameters fit in 80 columns."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    cells = {name.replace("_", " "): [format_value(value) for value in values] for name, values in columns.items()}
    for heading, column in cells.items():
        width = max(map(len, (*heading.split(), *column)))
        table.add_column(Text(heading), justify="left" if heading == "hyperparameter" else "right", width=width)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, row))
    return table
