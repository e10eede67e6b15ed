"""`caviar experiments`: test the claims behind Caviar again."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caviar.cli.completion import complete_words
from caviar.cli.output import prints, records

if TYPE_CHECKING:
    from caviar.experiments.running import Written

NAMES = ("random-against-grid", "learning-rate-scale", "momentum-scale", "coarse-and-fine", "covariate-shift")


def _print(experiments: "Iterable[Written]") -> None:
    for written in experiments:
        click.echo("\n".join(written.lines))


def _plain(experiments: "Iterable[Written]") -> object:
    return [
        {
            "name": written.finding.name,
            "claim": written.finding.claim,
            "source": written.finding.source,
            "conclusions": written.finding.conclusions,
            "tables": {name: records(table) for name, table in written.finding.tables.items()},
            "files": [str(path) for path in written.files],
        }
        for written in experiments
    ]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=complete_words(*NAMES))
@click.option("--size", type=int, help="Trials of each search, or steps of each training. [default: by experiment]")
@click.option("--seeds", type=int, help="Number of repetitions. [default: by experiment]")
@click.option("--out", default="experiments", type=click.Path(path_type=Path), help="The folder to write to.")
@prints(_print, _plain)
def experiments(names: tuple[str, ...], size: int | None, seeds: int | None, out: Path) -> "Iterator[Written]":
    """Test the claims behind Caviar again.

    Each experiment writes a table and a picture, and prints its finding.

    \b
    The NAMEs, all by default:
    random-against-grid  Random beats a grid when few hyperparameters matter.
    learning-rate-scale  A linear scale spends 90% of the trials above 0.1.
    momentum-scale       1 - beta on a log scale explores all windows evenly.
    coarse-and-fine      A coarse wave and fine waves beat a single wave.
    covariate-shift      Batch norm trains faster by reducing covariate shift.
    """
    from caviar.experiments.running import run_and_write

    return run_and_write(names, size=size, seeds=seeds, folder=out)
