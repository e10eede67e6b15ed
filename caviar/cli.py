"""The commands; each is thin and calls one function of the packages."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from caviar.errors import CaviarError, InputError
from caviar.panda.cli import panda
from caviar.service import commands, connect


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="caviar")
def cli() -> None:
    """Tune many networks at once: a coarse wave, the best cluster, a finer wave around it."""


for command in (*commands.COMMANDS, panda):
    cli.add_command(command)


def _placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where trials run."""
    for option in (
        click.option("--trial-timeout", type=float, help="Seconds after which a trial is ended."),
        click.option("--address", help="A Ray cluster: auto, host:6379 or ray://host:10001. [default: start Ray here]"),
        click.option("--workers", default="auto", help="How many trainers."),
    ):
        command = option(command)
    return command


def _defined(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a study is."""
    for option in (
        click.option("--name", help="Of the study. [default: that of its data]"),
        click.option("--search", default="coarse-to-fine", help="Or random, sobol, grid."),
        click.option("--epochs", default=20, help="How long each network trains."),
        click.option("--mode", type=click.Choice(["min", "max"]), help="[default: known for built-in metrics]"),
        click.option("--metric", help="What to optimise. [default: val_accuracy or val_rmse]"),
        click.option("--seed", default=0, help="The same seed gives the same table."),
        click.option("--waves", default="auto", help="How many waves, or their sizes: 3 or 64,32,32."),
        click.option("--trials", default=64, help="How many configurations to train."),
        click.option("--target", help="The column of the CSV file to predict."),
        click.option("--data", default="digits", help="A CSV file, or the name of a built-in data set."),
    ):
        command = option(command)
    return command


@cli.command()
@_defined
@click.option("--out", help="Its folder, or a URI (s3://...) to mirror it at. [default: runs/NAME-TIME]")
@_placed
def run(**settings: Any) -> None:
    """Run a study and print what it found."""
    _run(_study(**settings))


@cli.command()
@_defined
@commands.address_option
@click.option("--workers", default="auto", help="How many trainers.")
@click.option("--trial-timeout", type=float, help="Seconds after which a trial is ended.")
@click.option("--out", help="A URI (s3://...) to mirror it at, for clusters whose disks go with them.")
@click.option("--wait", is_flag=True, help="Follow the study until it has ended.")
def submit(address: str | None, name: str | None, wait: bool, **settings: Any) -> None:
    """Send a study to a cluster and print its name there."""
    if address is None:
        raise InputError("name the cluster's --address (or set RAY_API_SERVER_ADDRESS); `caviar run` runs a study here")
    cluster = connect(address)
    known = cluster.submit(_study(name=name, **settings), name)
    click.echo(f"{known} is on the cluster; follow it with: caviar logs {known} -f --address {address}", err=wait)
    if wait:
        commands.follow(cluster, known)


@cli.command()
@click.argument("folder")
@_placed
def resume(folder: str, workers: str, address: str | None, **placement: Any) -> None:
    """Go on with the study in FOLDER (or at a URI), whatever ended it; with --address http://... on that cluster."""
    from caviar.study.study import Study

    placement["workers"] = _count("workers", workers)
    if address is not None and address.startswith("http"):
        known = connect(address).submit(Study.open(folder, **placement))
        click.echo(f"{known} goes on; follow it with: caviar logs {known} -f --address {address}")
    else:
        _run(Study.open(folder, address=address, **placement))


def _study(data: str, target: str | None, waves: str, workers: str, **settings: Any) -> Any:
    """The study that the options describe."""
    from caviar.model.data import load_csv
    from caviar.study.study import Study

    if target is None and data.endswith(".csv"):
        raise InputError(f"--data {data} needs --target, the column to predict")
    source = data if target is None else load_csv(data, target=target)
    return Study(source, waves=_waves(waves), workers=_count("workers", workers), **settings)


@cli.command()
@click.argument("name")
@commands.address_option
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file. [default: report.html in its folder]")
def report(name: str, address: str | None, out: Path | None) -> None:
    """Write an HTML report of a study: what mattered, where it zoomed, how it ended."""
    from caviar.insight.report import report as write_report
    from caviar.study.study import Study

    click.echo(write_report(Study.read(commands.fetched(name, address)), out))


def _run(study: Any) -> None:
    from caviar.study.summary import print_summary

    try:
        study.run()
    except KeyboardInterrupt:
        done = len(study.results)
        click.echo(
            f"\nstopped: {done} trials are in {study.folder}; go on with: caviar resume {study.folder}", err=True
        )
        sys.exit(130)
    print_summary(study)


def _count(name: str, text: str) -> int | str:
    """A whole number, or "auto"."""
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise InputError(f"--{name} {text}: give a whole number or auto") from None


def _waves(text: str) -> int | str | list[int]:
    """A number of waves, their sizes, or a word."""
    parts = text.split(",")
    try:
        sizes = [int(part) for part in parts]
    except ValueError:
        if len(parts) == 1 and text in ("auto", "continuous"):
            return text
        raise InputError(f"--waves {text}: give a number (3), sizes (64,32,32) or auto") from None
    return sizes if len(sizes) > 1 else sizes[0]


def main() -> None:
    """The entry point: a user's mistake is one sentence and exit code 2, never a traceback."""
    try:
        cli(standalone_mode=False)
    except CaviarError as error:
        click.echo(f"caviar: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("caviar: stopped", err=True)
        sys.exit(130)
