"""The commands; each is thin and calls one function of the packages."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from caviar.cli import jobs as commands
from caviar.cli.groups import InOrder
from caviar.cli.panda import panda
from caviar.errors import CaviarError, InputError
from caviar.files import is_uri

DEFAULT = ParameterSource.DEFAULT


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="caviar")
def cli() -> None:
    """Tune many networks at once: a coarse wave, the best cluster, finer waves around it.

    `caviar run` tunes the built-in network on handwritten digits, as a first taste. For data of your own:
    caviar run --data my.csv --target label
    """


def _placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where trials run."""
    for option in (
        click.option("--trial-timeout", type=float, help="Seconds after which a trial is ended."),
        click.option("--address", help="A Ray cluster: auto, host:6379 or ray://host:10001. [default: start Ray here]"),
        click.option("--workers", default="auto", metavar="N|auto", help="How many trainers; 0: this process."),
    ):
        command = option(command)
    return command


def _defined(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a study is."""
    for option in (
        click.option("--name", help="Of the study. [default: that of its data]"),
        click.option("--timeout", type=float, help="Seconds after which the study ends what trains."),
        click.option("--confirm", default="auto", help="Train the best again: 3,4 (top, replicates), auto or no."),
        click.option("--early-stopping", help="halving or asha. [default: train all to the end]"),
        click.option("--search", default="coarse-to-fine", help="coarse-to-fine, random, sobol or grid."),
        click.option("--epochs", default=20, help="How long each network trains."),
        click.option(
            "--mode", type=click.Choice(["min", "max"]), help="What is better. [default: known for built-in metrics]"
        ),
        click.option("--metric", help="What to optimise. [default: val_accuracy or val_rmse]"),
        click.option("--seed", default=0, help="The same seed gives the same table."),
        click.option("--waves", default="auto", help="How many waves, their sizes (3 or 64,32,32), or continuous."),
        click.option("--trials", default=64, help="How many configurations to train."),
        click.option("--target", help="The column of the CSV file to predict."),
        click.option("--data", default="digits", help="A CSV file, or the name of a built-in data set."),
        click.argument("file", required=False, type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@cli.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a study.toml into FOLDER, to be edited and run."""
    from caviar.study.file import write_template

    path = write_template(folder)
    click.echo(f"wrote {path}; edit it, then: caviar run {path}")


@cli.command()
@_defined
@click.option("--out", help="Its folder, or a URI (s3://...) to mirror it at. [default: runs/NAME-TIME]")
@_placed
def run(**settings: Any) -> None:
    """Run a study here and print what it found.

    The study is that of the TOML FILE that `caviar init` writes, or of the options; given both, the options win.
    """
    _run(_study(**settings))


@cli.command()
@click.argument("folder")
@_placed
def resume(folder: str, workers: str, address: str | None, **placement: Any) -> None:
    """Go on with a study, whatever ended it.

    FOLDER is the study's, or the URI of its mirror; with --address http://... it goes on on that cluster.
    """
    from caviar.jobs import connect
    from caviar.study.study import Study

    placement["workers"] = _count("workers", workers)
    if address is not None and address.startswith("http"):
        known = connect(address).submit(Study.open(folder, **placement))
        click.echo(f"{known} goes on; follow it with: caviar logs {known} -f --address {address}")
    else:
        _run(Study.open(folder, address=address, **placement))


def _study(file: Path | None, data: str, target: str | None, **options: Any) -> Any:
    """The study of a file, with the options that were given instead of its own; or of the options alone."""
    from caviar.data.loaders import load_csv
    from caviar.study.file import study_of_file
    from caviar.study.study import Study

    settings = {**options, "data": data, "target": target}
    settings |= {"waves": _waves(options["waves"]), "confirm": _confirm(options["confirm"])}
    settings |= {"workers": _count("workers", options["workers"])}
    if file is not None:
        source = click.get_current_context().get_parameter_source
        return study_of_file(file, **{n: value for n, value in settings.items() if source(n) is not DEFAULT})
    if target is None and data.endswith(".csv"):
        raise InputError(f"--data {data} needs --target, the column to predict")
    del settings["target"]
    return Study(**{**settings, "data": data if target is None else load_csv(data, target=target)})


@cli.command()
@click.argument("name")
@commands.address_option
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file. [default: report.html in its folder]")
def report(name: str, address: str | None, out: Path | None) -> None:
    """Write an HTML report of a study.

    What mattered, where it zoomed, whether to trust the winner, what failed: one file that opens offline.
    """
    from caviar.insight.report.report import report as write_report
    from caviar.study.study import Study

    click.echo(write_report(Study.read(commands.fetched(name, address)), out))


@cli.command()
@_defined
@commands.address_option
@click.option("--workers", default="auto", metavar="N|auto", help="How many trainers.")
@click.option("--trial-timeout", type=float, help="Seconds after which a trial is ended.")
@click.option("--out", help="A URI (s3://...) to mirror it at, for clusters whose disks go with them.")
@click.option("--wait", is_flag=True, help="Follow the study until it has ended.")
def submit(address: str | None, name: str | None, wait: bool, **settings: Any) -> None:
    """Send a study to a cluster and print its name there."""
    from caviar.jobs import connect

    if settings["out"] is not None and not is_uri(settings["out"]):
        raise InputError(f"--out {settings['out']}: the cluster has folders of its own; give a URI, or leave it out")
    if address is None:
        raise InputError("name the cluster's --address (or set RAY_API_SERVER_ADDRESS); `caviar run` runs a study here")
    cluster = connect(address)
    known = cluster.submit(_study(name=name, **settings), name)
    click.echo(f"{known} is on the cluster; follow it with: caviar logs {known} -f --address {address}", err=wait)
    if wait:
        commands.follow(cluster, known)


for command in (*commands.COMMANDS, panda):
    cli.add_command(command)


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--size", type=int, help="Trials of each search, or steps of each training. [default: each its own]")
@click.option("--seeds", type=int, help="Repetitions. [default: each its own]")
@click.option("--out", default="experiments", type=click.Path(path_type=Path), help="The folder for what comes out.")
def experiments(names: tuple[str, ...], size: int | None, seeds: int | None, out: Path) -> None:
    """Run again the claims that Caviar stands on.

    A table and a picture each, and what was found.

    \b
    The NAMEs, all by default:
    random-against-grid  Random finds a better point than a grid when few hyperparameters matter.
    learning-rate-scale  A linear scale spends 90% of the trials above 0.1.
    momentum-scale       1 - beta on a log scale explores windows of 10 to 1000 evenly.
    coarse-and-fine      A coarse and fine waves beat one wave of the same total.
    covariate-shift      Batch norm trains faster, because it reduces internal covariate shift.
    """
    from caviar.experiments.running import run_and_write

    for line in run_and_write(names, size=size, seeds=seeds, folder=out):
        click.echo(line)


def _run(study: Any) -> None:
    from caviar.insight.summary import print_summary

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


def _confirm(text: str) -> Any:
    """(top, replicates), or a word."""
    if text in ("auto", "no"):
        return text == "auto" and text
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--confirm {text}: give two whole numbers (3,4), auto or no") from None


def _waves(text: str) -> int | str | list[int]:
    """A number of waves, their sizes, or a word."""
    parts = text.split(",")
    try:
        sizes = [int(part) for part in parts]
    except ValueError:
        if len(parts) == 1 and text in ("auto", "continuous"):
            return text
        raise InputError(f"--waves {text}: give a number (3), sizes (64,32,32), auto or continuous") from None
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
