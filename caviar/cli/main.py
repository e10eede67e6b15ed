"""The entry point of the command line, and thin commands that start studies."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click
from click.core import ParameterSource

from caviar._version import VERSION
from caviar.cli.groups import InOrder
from caviar.cli.jobs import COMMANDS, follow, local_copy
from caviar.cli.options import (
    StudyOptions,
    jobs_address_option,
    ray_address_option,
    study_options,
    trial_timeout_option,
    workers_option,
)
from caviar.cli.panda import panda
from caviar.errors import CaviarError, InputError
from caviar.files import is_uri

if TYPE_CHECKING:
    from caviar.study.study import Study


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(VERSION, prog_name="caviar")
def cli() -> None:
    """Tune many networks at once: a coarse wave, the best cluster, finer waves around it.

    `caviar run` tunes the built-in network on handwritten digits. To tune it on your own data:
    caviar run --data my.csv --target label
    """


@cli.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a study.toml into FOLDER, for you to edit and run."""
    from caviar.study.file import write_template

    path = write_template(folder)
    click.echo(f"wrote {path}; edit it, then: caviar run {path}")


@cli.command()
@study_options
@click.option("--out", help="Study folder, or a URI (s3://...) to mirror it to. [default: runs/NAME-TIME]")
@ray_address_option
def run(file: Path | None, data: str, target: str | None, **options: Unpack[StudyOptions]) -> None:
    """Run a study on this machine and print its results.

    The TOML FILE that `caviar init` writes defines the study, or the options do; an option overrides the file.
    """
    _run(_study(file, data, target, options))


@cli.command()
@click.argument("folder")
@workers_option
@ray_address_option
@trial_timeout_option
def resume(folder: str, workers: int | str, address: str | None, trial_timeout: float | None) -> None:
    """Resume a study, whatever ended it.

    FOLDER is the study's folder, or the URI of its mirror. With --address http://... the study resumes on the cluster
    of that Jobs API.
    """
    from caviar.study.study import Study

    if address is None or not address.startswith("http"):
        _run(Study.open(folder, workers=workers, address=address, trial_timeout=trial_timeout))
        return
    from caviar.jobs.client import connect

    name = connect(address).submit(Study.open(folder, workers=workers, trial_timeout=trial_timeout))
    click.echo(f"{name} resumes on the cluster; follow it with: caviar logs {name} -f --address {address}")


@cli.command()
@click.argument("name")
@jobs_address_option
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file. [default: report.html in the folder]")
def report(name: str, address: str | None, out: Path | None) -> None:
    """Write an HTML report of a study.

    What mattered, where it zoomed in, whether to trust the winner, what failed: one file that opens offline.
    """
    from caviar.insight.report.report import report as write_report
    from caviar.records.outcome import Outcome

    click.echo(write_report(Outcome.read(local_copy(name, address)), out))


@cli.command()
@study_options
@click.option("--out", help="A URI (s3://...) to mirror the study to, so that it outlives the cluster's disks.")
@click.option("--address", envvar="RAY_API_SERVER_ADDRESS", help="Jobs API address, such as http://127.0.0.1:8265.")
@click.option("--wait", is_flag=True, help="Print the study's log until it ends.")
def submit(file: Path | None, data: str, target: str | None, wait: bool, **options: Unpack[StudyOptions]) -> None:
    """Send a study to a cluster and print its name there."""
    out, address = options["out"], options["address"]
    options["address"] = None  # that of a Ray cluster; the job knows its own
    if out is not None and not is_uri(out):
        raise InputError(f"--out must be a URI, since the cluster has its own folders, got {out!r}; try s3://...")
    if address is None:
        raise InputError("--address is required (or RAY_API_SERVER_ADDRESS); to run a study here try `caviar run`")
    from caviar.jobs.client import connect

    cluster = connect(address)
    name = cluster.submit(_study(file, data, target, options), options["name"])
    click.echo(f"{name} is on the cluster; follow it with: caviar logs {name} -f --address {address}", err=wait)
    if wait:
        follow(cluster, name)


for command in (*COMMANDS, panda):
    cli.add_command(command)


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--size", type=int, help="Trials of each search, or steps of each training. [default: by experiment]")
@click.option("--seeds", type=int, help="Number of repetitions. [default: by experiment]")
@click.option("--out", default="experiments", type=click.Path(path_type=Path), help="The folder to write to.")
def experiments(names: tuple[str, ...], size: int | None, seeds: int | None, out: Path) -> None:
    """Test the claims behind Caviar again.

    Each experiment writes a table and a picture, and prints its finding.

    \b
    The NAMEs, all by default:
    random-against-grid  Random finds a better point than a grid when few hyperparameters matter.
    learning-rate-scale  A linear scale spends 90% of the trials above 0.1.
    momentum-scale       1 - beta on a log scale explores windows of 10 to 1000 evenly.
    coarse-and-fine      A coarse wave and fine waves beat one wave of the same total.
    covariate-shift      Batch norm trains faster, because it reduces internal covariate shift.
    """
    from caviar.experiments.running import run_and_write

    for line in run_and_write(names, size=size, seeds=seeds, folder=out):
        click.echo(line)


def _study(file: Path | None, data: str, target: str | None, options: StudyOptions) -> "Study":
    """Make a study from a file, whose keys the command line may override, or from the options alone."""
    from caviar.data.loaders import load_csv
    from caviar.study.file import study_from_file
    from caviar.study.study import Study

    if file is not None:
        source = click.get_current_context().get_parameter_source
        settings = {"data": data, "target": target, **options}
        overrides = {name: value for name, value in settings.items() if source(name) is ParameterSource.COMMANDLINE}
        return study_from_file(file, **overrides)
    if target is None and data.endswith(".csv"):
        raise InputError(f"--target is required with --data {data}; pass the column to predict")
    return Study(data if target is None else load_csv(data, target=target), **options)


def _run(study: "Study") -> None:
    from caviar.insight.summary import print_summary

    try:
        study.run()
    except KeyboardInterrupt:
        count = len(study.outcome.results)
        click.echo(f"\nstopped: {count} trials are in {study.folder}; try: caviar resume {study.folder}", err=True)
        sys.exit(130)
    print_summary(study.outcome)


class _Lines(logging.Handler):
    """Print each message as a line, warnings to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=record.levelno >= logging.WARNING)


@contextlib.contextmanager
def _show_messages() -> Iterator[None]:
    """Print what Caviar logs: with rich on a terminal, else as plain lines."""
    handler: logging.Handler = _Lines()
    if sys.stdout.isatty():
        from rich.highlighter import NullHighlighter
        from rich.logging import RichHandler

        plain = NullHighlighter()
        handler = RichHandler(show_time=False, show_level=False, show_path=False, highlighter=plain, keywords=[])
    logger = logging.getLogger("caviar")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments` (default: this process's); a mistake prints one sentence and exits with 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # some consoles cannot show every character
    try:
        with _show_messages():
            cli(arguments, standalone_mode=False)
    except CaviarError as error:
        click.echo(f"caviar: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("caviar: stopped", err=True)
        sys.exit(130)
