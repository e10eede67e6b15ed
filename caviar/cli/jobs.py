"""Thin commands for existing studies, on a cluster or on this machine: how they are doing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caviar._secrets import hide_secrets
from caviar.cli.completion import complete_study
from caviar.cli.options import jobs_address_option
from caviar.cli.output import prints
from caviar.errors import InputError, printable
from caviar.files import is_uri

if TYPE_CHECKING:
    from caviar.jobs.client import Cluster
    from caviar.jobs.local import LocalJobs
    from caviar.jobs.status import JobStatus


def backend(address: str | None, name: str = "") -> "Cluster | LocalJobs":
    """Return the cluster at an address, or else this machine, which also reads studies at URIs."""
    if address and not is_uri(name):
        from caviar.jobs.client import connect

        return connect(address)
    from caviar.jobs.local import LocalJobs

    return LocalJobs()


def local_copy(name: str, address: str | None, *, models: bool = False) -> Path:
    """Return the folder of a study; one on a cluster is first copied to `runs/NAME`, with its `models` if asked for."""
    from caviar.jobs.local import RUNS, LocalJobs

    jobs = backend(address, name)
    return jobs.folder(name) if isinstance(jobs, LocalJobs) else jobs.fetch(name, RUNS / name, models=models)


def follow(cluster: "Cluster", name: str) -> None:
    """Print a study's log until it ends; raises InputError if it did not finish."""
    from caviar.jobs.status import JobState

    for piece in cluster.logs(name, follow=True):
        click.echo(piece, nl=False)
    status = cluster.wait(name)
    if status.state is not JobState.FINISHED:
        raise InputError(f"{name} {status.state}: {status.progress or 'see its logs'}")


def study_command(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument NAME and the option --address to a command."""
    return click.argument("name", shell_complete=complete_study)(jobs_address_option(command))


def _print(statuses: "JobStatus | Sequence[JobStatus]") -> None:
    for status in statuses if isinstance(statuses, Sequence) else [statuses]:
        since = "" if status.since is None else f", since {status.since:%Y-%m-%d %H:%M} UTC"
        folder = f"in {status.folder}" if Path(status.folder) not in (Path(), Path("runs", status.name)) else ""
        click.echo(
            printable("; ".join(filter(None, [f"{status.name}: {status.state}{since}", status.progress, folder])))
        )


def _plain(statuses: "JobStatus | Sequence[JobStatus]") -> object:
    if isinstance(statuses, Sequence):
        return list(map(_plain, statuses))
    since = None if statuses.since is None else statuses.since.replace(microsecond=0)
    return {**vars(statuses), "since": since}


def _all(address: str | None) -> "Sequence[JobStatus]":
    statuses = backend(address).studies()
    if not statuses:
        earlier = "; those of an earlier head are in the folders that `caviar status` named"
        click.echo(f"no studies {f'on {hide_secrets(address)} yet{earlier}' if address else 'in runs yet'}", err=True)
    return statuses


@click.command("list")
@jobs_address_option
@prints(_print, _plain)
def list_studies(address: str | None) -> "Sequence[JobStatus]":
    """List the studies on this machine or on a cluster."""
    return _all(address)


@click.command()
@click.argument("name", required=False, shell_complete=complete_study)
@jobs_address_option
@prints(_print, _plain)
def status(name: str | None, address: str | None) -> "JobStatus | Sequence[JobStatus]":
    """Show the status of one or all studies."""
    return _all(address) if name is None else backend(address, name).status(name)


@click.command()
@study_command
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the study ends.")
def logs(name: str, address: str | None, follow: bool) -> None:
    """Print a study's log."""
    for piece in backend(address, name).logs(name, follow):
        click.echo(piece, nl=False)


@click.command()
@study_command
@prints(_print, _plain)
def stop(name: str, address: str | None) -> "JobStatus":
    """Stop a study, and show its status once it has; what has finished is kept."""
    jobs = backend(address, name)
    jobs.stop(name)
    return jobs.status(name)
