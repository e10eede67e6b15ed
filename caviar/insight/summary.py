"""What the terminal shows when a study has ended: the ten best trials, the square, the waves, and the files."""

from collections.abc import Iterable, Mapping

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from caviar.insight.formatting import format_value
from caviar.insight.report.tables import held_out_metric, ten_best
from caviar.records.outcome import Outcome
from caviar.records.trial import State

TABLES = ("results", "history", "waves", "confirmation")  # the CSV files in a study's folder
FILE_WIDTH = 140  # columns where standard output is not a terminal


def print_summary(outcome: Outcome, console: Console | None = None) -> None:
    """Print the ten best trials, the last square next to the whole space, the waves, and the files.

    Args:
        outcome: with at least one trial that ended.
        console: where to print; standard output by default.
    """
    console = console or _standard_output()
    states = outcome.table["state"].value_counts()
    counts = ", ".join(f"{count} {str(state).replace('_', ' ')}" for state, count in states.items())
    trials = f"[bold]{len(outcome.table)} trials[/bold] of "
    console.print("\n", trials, Text(outcome.settings.name), f": {counts}\n", sep="", highlight=False)
    if outcome.has_finished:
        _print_ten_best(outcome, console)
        console.print(f"{_winner(outcome)}\n", markup=False, highlight=False)
    else:
        console.print(f"No trial finished. The first error: {outcome.results[0].error}", markup=False)
    console.print(_square_table(outcome.square))
    for sentence in outcome.edges:
        console.print(f"  {sentence}", markup=False, highlight=False)
    console.print()
    console.print(_waves_table(outcome.waves, outcome.settings.objective.metric))
    console.print()
    for name in TABLES:
        console.print(f"  {outcome.folder / f'{name}.csv'}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"look closer with: caviar report {outcome.folder}", markup=False, highlight=False, soft_wrap=True)


def _standard_output() -> Console:
    """Return standard output; where it is not a terminal, wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=FILE_WIDTH)


def _print_ten_best(outcome: Outcome, console: Console) -> None:
    """Print the ten best as a table, or as two lines each where the table is wider than the terminal."""
    title = f"The ten best trials: {'the confirmed ones, then ' if len(outcome.confirmation) else ''}by estimate"
    best = ten_best(outcome).drop(columns=["epochs", "seconds"])
    table = _table(title, {str(name): best[name] for name in best})
    if sum((column.width or 0) + 1 for column in table.columns) <= console.width + 1:
        console.print(table)
        return
    console.print(title, style="italic", highlight=False)
    metrics = [name for name in (outcome.settings.objective.metric, held_out_metric(outcome)) if name]
    for result in outcome.ranking[:10]:
        values = ", ".join(f"{name} {format_value(result.metrics.get(name))}" for name in metrics)
        console.print(f"  trial {result.trial} of wave {result.wave}: {values}", markup=False, highlight=False)
        config = ", ".join(f"{name} {format_value(value)}" for name, value in result.config.items())
        console.print(Padding(Text(config), (0, 0, 0, 4)))
    console.print()


def _winner(outcome: Outcome) -> str:
    """Return how the winner was chosen, and the best single value for comparison."""
    objective, confirmation = outcome.settings.objective, outcome.confirmation
    value = objective.best(result.metrics[objective.metric] for result in outcome.ranking)
    single = f"the best single {objective.metric} was {value:.4g}"
    if not len(confirmation):
        return f"Trial {outcome.best.trial} has the best estimate, smoothed over similar trials; {single}"
    first = confirmation.iloc[0]
    return (
        f"Trial {first['trial']:.0f} was confirmed with {first['replicates']:.0f} fresh seeds: mean {objective.metric} "
        f"{first['mean']:.4g} (95% interval {first['low']:.4g} to {first['high']:.4g}), the best of "
        f"{len(confirmation)} with probability {first['probability']:.0%}; {single}"
    )


def _square_table(square: pd.DataFrame) -> Table:
    sides = square.to_dict("records")
    columns = {
        "hyperparameter": [side["name"] for side in sides],
        "square": [side["options"] or _range(side["low"], side["high"]) for side in sides],
        "whole space": ["" if side["options"] else _range(side["space_low"], side["space_high"]) for side in sides],
        "share": [f"{side['share']:.0%}" for side in sides],
    }
    return _table("The square of the last wave, and the whole space", columns)


def _waves_table(waves: pd.DataFrame, metric: str) -> Table:
    shares = zip(waves["square_share"], waves["kind"], strict=True)
    columns: dict[str, Iterable[object]] = {name: waves[name] for name in ("wave", "kind", "trials", State.FINISHED)}
    columns |= {f"{name} {metric}": waves[name] for name in ("best", "median")}
    columns["share"] = ["" if kind == "confirm" else f"{share:.2g}" for share, kind in shares]
    return _table("The waves, and their shares of the space", columns)


def _table(title: str, columns: Mapping[str, Iterable[object]]) -> Table:
    """Return a light table: six hyperparameters fit 80 terminal columns, because headings break at every word."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    cells = {name.replace("_", " "): [format_value(value) for value in values] for name, values in columns.items()}
    for heading, column in cells.items():
        width = max(map(len, (*heading.split(), *column)))
        table.add_column(escape(heading), justify="left" if heading == "hyperparameter" else "right", width=width)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(escape, row))
    return table


def _range(low: float, high: float) -> str:
    return f"{format_value(low)} .. {format_value(high)}"
