"""What a person reads when a study has ended: the ten best, the square, the waves, and where the files are."""

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

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
        console.print(_ten_best(study))
        luckiest = max if study.settings.mode == "max" else min
        value = luckiest(r.metrics[metric] for r in study.ranking)
        how = _confirmed(study) if len(study.confirmation) else "Chosen by estimate, not by luck"
        console.print(f"{how}; the {luckiest.__name__}imum seen: {metric} {value:.4g}\n", highlight=False)
    console.print(_square(study.square))
    for sentence in study.edges:
        console.print(f"  {sentence}", markup=False, highlight=False)
    console.print(_waves(study.waves, metric))
    for name in ("results", "history", "waves", "confirmation"):
        console.print(f"  {study.folder / f'{name}.csv'}", highlight=False, soft_wrap=True)


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
    ranking = study.ranking[:10]
    metric = study.settings.metric
    held_out = metric.replace("val_", "test_")
    metrics = [metric, *([held_out] if held_out != metric and held_out in ranking[0].metrics else [])]
    table = Table(title="The ten best trials", title_justify="left")
    for name in ("trial", "wave", *study.settings.space.names, *metrics):
        table.add_column(str(name).replace("_", " "), justify="right")
    for result in ranking:
        values = [result.config.get(name) for name in study.settings.space.names]
        values += [result.metrics.get(name) for name in metrics]
        table.add_row(str(result.trial), str(result.wave), *map(_short, values))
    return table


def _square(square: pd.DataFrame) -> Table:
    table = Table(title="The square of the last wave, and the whole space", title_justify="left")
    for name in ("hyperparameter", "square", "whole space", "share"):
        table.add_column(name, justify="left" if name == "hyperparameter" else "right")
    for row in square.to_dict("records"):
        if row["options"]:
            table.add_row(row["name"], row["options"], "", f"{row['share']:.0%}")
        else:
            inner = f"{_short(row['low'])} .. {_short(row['high'])}"
            outer = f"{_short(row['space_low'])} .. {_short(row['space_high'])}"
            table.add_row(row["name"], inner, outer, f"{row['share']:.0%}")
    return table


def _waves(waves: pd.DataFrame, metric: str) -> Table:
    table = Table(title="The waves", title_justify="left")
    for name in ("wave", "kind", "trials", "finished", f"best {metric}", f"median {metric}", "share of the space"):
        table.add_column(name.replace("_", " "), justify="right")
    for row in waves.to_dict("records"):
        shown = [row["wave"], row["kind"], row["trials"], row["finished"], row["best"], row["median"]]
        table.add_row(*map(_short, shown), f"{row['square_share']:.2g}")
    return table


def _short(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
