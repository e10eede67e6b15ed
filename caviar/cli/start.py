"""Thin commands that start or continue studies, here or on a cluster."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import click
from click.core import ParameterSource

from caviar._checks import check_integer
from caviar._interface import setting
from caviar.cli.completion import complete_folder
from caviar.cli.jobs import follow
from caviar.cli.options import (
    StudyOptions,
    TableOptions,
    jobs_address_option,
    ray_address_option,
    study_options,
    trial_timeout_option,
    workers_option,
)
from caviar.cli.output import prints
from caviar.cli.results import outcome_data
from caviar.errors import ClusterError, InputError
from caviar.files import is_uri
from caviar.fleet.address import JOBS_VARIABLE, VARIABLE, is_jobs_api

if TYPE_CHECKING:
    from caviar.records.cost import CostForecast
    from caviar.records.outcome import Outcome
    from caviar.study.study import Study


_PLACE = "Where the study's table, function (my_module:train, train.py:train) or program's folder is now."


class Submitted(NamedTuple):
    """A study that is on a cluster: its name there, and the address of the Jobs API."""

    name: str
    address: str


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Write a study.toml into FOLDER, for you to edit and run.

    Editors complete and check it by the study.schema.json beside it.
    """
    from caviar.study.file import write_template
    from caviar.study.schema import NAME as SCHEMA

    path = write_template(folder)
    click.echo(f"wrote {path}, which editors complete by {SCHEMA} beside it; edit it, then: caviar run {path}")


def _print_outcome(outcome: "Outcome | CostForecast | Submitted") -> None:
    from caviar.insight.summary import print_summary
    from caviar.records.cost import CostForecast

    if isinstance(outcome, CostForecast):
        click.echo(outcome)
    elif not isinstance(outcome, Submitted):  # which has been announced
        print_summary(outcome)


def _plain(outcome: "Outcome | CostForecast | Submitted") -> object:
    from caviar.records.cost import CostForecast

    if isinstance(outcome, CostForecast):
        return asdict(outcome)
    return outcome._asdict() if isinstance(outcome, Submitted) else outcome_data(outcome)


def _is_failure(outcome: "Outcome | CostForecast | Submitted") -> bool:
    from caviar.records.outcome import Outcome

    return isinstance(outcome, Outcome) and not outcome.has_finished


@click.command()
@study_options
@click.option("--out", help="Study folder, or a URI (s3://...) to mirror it to. [default: runs/NAME-TIME]")
@ray_address_option
@click.option("--dry-run", is_flag=True, help="Measure for a moment, and print what the study will cost.")
@click.option(
    "--price", metavar="MONEY|FILE", help="For --dry-run: price of a trainer's hour, or a TOML file of instances."
)
@prints(_print_outcome, _plain, _is_failure)
def run(
    file: Path | None,
    data: str,
    target: str | None,
    dry_run: bool,
    price: str | None,
    **options: Unpack[StudyOptions],
) -> "Outcome | CostForecast":
    """Run a study from this machine and print its results.

    The TOML FILE that `caviar init` writes defines the study, or the options do; an option overrides the file. To tune
    the built-in network on your own data: caviar run --data my.csv --target label
    """
    if price is not None and not dry_run:
        raise InputError(f"--price is for a forecast, got --price {price} without --dry-run; add it")
    study = _study(file, data, target, options)
    return study.forecast(_price(price)) if dry_run else _run(study)


def _price(text: str | None) -> float | str | None:
    """Return a price as a number, or the name of a file."""
    try:
        return text if text is None else float(text)
    except ValueError:
        return text


@click.command()
@click.argument("folder", shell_complete=complete_folder)
@click.option("--data", "--trainable", "data", metavar="PLACE", help=_PLACE)
@workers_option
@ray_address_option
@trial_timeout_option
@click.option("--extend", type=int, metavar="TRIALS", help="Extend a study that has ended by this many trials.")
@prints(_print_outcome, _plain, _is_failure)
def resume(
    folder: str,
    data: str | None,
    workers: int | str,
    address: str | None,
    trial_timeout: float | None,
    extend: int | None,
) -> "Outcome | Submitted":
    """Resume a study, whatever ended it.

    FOLDER is the study's folder, or the URI of its mirror. With --address http://... the study resumes on the cluster
    of that Jobs API.
    """
    from caviar.study.study import Study

    jobs_api = address or os.environ.get(VARIABLE)
    on_cluster = jobs_api is not None and is_jobs_api(jobs_api)
    study = Study.open(
        folder,
        data=data,
        workers=workers,
        address=None if on_cluster else address,
        trial_timeout=trial_timeout,
    )
    if extend is not None:
        study.extend(check_integer("--extend", extend))
    if jobs_api is None or not on_cluster:
        return _run(study)
    from caviar.jobs.client import connect

    name = connect(jobs_api).submit(study)
    click.echo(f"{name} resumes on the cluster; follow it with: caviar logs {name} -f --address {jobs_api}")
    return Submitted(name, jobs_api)


@click.command()
@study_options
@click.option("--out", help="A URI (s3://...) to mirror the study to, so that it outlives the cluster's disks.")
@jobs_address_option
@click.option("--wait", is_flag=True, help="Print the study's log until it ends.")
@prints(_print_outcome, _plain, _is_failure)
def submit(file: Path | None, data: str, target: str | None, wait: bool, **options: Unpack[StudyOptions]) -> Submitted:
    """Send a study to a cluster and print its name there."""
    out, address = options["out"], options["address"]
    options["address"] = None  # that of a Ray cluster; the job knows its own
    if out is not None and not is_uri(out):
        raise InputError(f"--out must be a URI, since the cluster has its own folders, got {out!r}; try s3://...")
    if address is None:
        raise InputError(
            "--address must be that of a cluster's Jobs API; try --address http://127.0.0.1:8265, "
            f"{JOBS_VARIABLE}=http://..., or `caviar run` to run the study here"
        )
    from caviar.jobs.client import connect
    from caviar.jobs.package import LOG_SUBDIR

    cluster = connect(address)
    name = cluster.submit(_study(file, data, target, options), options["name"])
    place = f"in logs/{LOG_SUBDIR}/{name} of its Ray session"
    follow_it = f"caviar logs {name} -f --address {address}"
    click.echo(f"{name} is on the cluster, {place}; follow it with: {follow_it}", err=wait)
    if wait:
        follow(cluster, name)
    return Submitted(name, address)


def _study(file: Path | None, data: str, target: str | None, options: StudyOptions) -> "Study":
    """Make a study from a file, whose keys the command line may override, or from the options alone."""
    from caviar.data.table import load_table
    from caviar.study.file import study_from_file
    from caviar.study.study import Study

    if file is not None:
        source = click.get_current_context().get_parameter_source
        values = {"data": data, "target": target, **options}
        overrides = {name: value for name, value in values.items() if source(name) is ParameterSource.COMMANDLINE}
        return study_from_file(file, **overrides)
    settings: dict[str, Any] = dict(options)
    table = {name: settings.pop(name) for name in TableOptions.__annotations__}
    if target is not None:
        return Study(load_table(data, target, **table), **settings)
    given = [name for name, value in table.items() if value is not None]
    if given or Path(data).suffix:
        option = setting(given[0]) if given else setting("data", data)
        raise InputError(f"--target is required with {option}; pass the column to predict")
    return Study(data, **settings)


def _run(study: "Study") -> "Outcome":
    try:
        study.run()
    except (KeyboardInterrupt, SystemExit) as end:
        click.echo(f"\n{_stopped(study)}", err=True)
        sys.exit(end.code if isinstance(end, SystemExit) else 130)
    except ClusterError:
        if study.outcome.results:
            click.echo(_stopped(study), err=True)
        raise
    return study.outcome


def _stopped(study: "Study") -> str:
    count = len(study.outcome.results)
    return f"stopped: {count} trials are in {study.folder}; try: caviar resume {study.folder}"
