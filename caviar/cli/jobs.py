"""Thin commands for existing studies, on a cluster or on this machine."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caviar.cli.options import jobs_address_option
from caviar.errors import InputError
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


def local_copy(name: str, address: str | None) -> Path:
    """Return the folder of a study; one on a cluster is first copied to `runs/NAME`."""
    from caviar.jobs.local import RUNS, LocalJobs

    jobs = backend(address, name)
    return jobs.folder(name) if isinstance(jobs, LocalJobs) else jobs.fetch(name, RUNS / name)


def follow(cluster: "Cluster", name: str) -> None:
    """Print a study's log until it ends; raises InputError if it did not finish."""
    from caviar.jobs.status import JobState

    for piece in cluster.logs(name, follow=True):
        click.echo(piece, nl=False)
    status = cluster.wait(name)
    if status.state is not JobState.FINISHED:
        raise InputError(f"{name} {status.state}: {status.progress or 'see its logs'}")


def _study_command(command: Callable[..., None]) -> Callable[..., None]:
    return click.argument("name")(jobs_address_option(command))


@click.command("list")
@jobs_address_option
def list_studies(address: str | None) -> None:
    """List the studies on this machine or on a cluster."""
    statuses = backend(address).studies()
    for status in statuses:
        _print(status)
    if not statuses:
        click.echo(f"no studies {f'on {address}' if address else 'in runs'} yet", err=True)


@click.command()
@click.argument("name", required=False)
@jobs_address_option
@click.pass_context
def status(context: click.Context, name: str | None, address: str | None) -> None:
    """Show the status of one or all studies."""
    if name is None:
        context.invoke(list_studies, address=address)
    else:
        _print(backend(address, name).status(name))


@click.command()
@_study_command
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the study ends.")
def logs(name: str, address: str | None, follow: bool) -> None:
    """Print a study's log."""
    for piece in backend(address, name).logs(name, follow):
        click.echo(piece, nl=False)


@click.command()
@_study_command
def stop(name: str, address: str | None) -> None:
    """Stop a study; what has finished is kept."""
    backend(address, name).stop(name)


@click.command()
@_study_command
@click.option("--history", "file", flag_value="history.csv", help="Print the table of epochs instead.")
@click.option("--waves", "file", flag_value="waves.csv", help="Print the table of waves instead.")
def results(name: str, address: str | None, file: str | None) -> None:
    """Print a study's table of results so far, as CSV."""
    sys.stdout.buffer.write(backend(address, name).file(name, file or "results.csv"))


def _print(status: "JobStatus") -> None:
    since = "" if status.started is None else f", since {status.started:%Y-%m-%d %H:%M} UTC"
    click.echo(f"{status.name}: {status.state}{since}{'; ' if status.progress else ''}{status.progress}")


COMMANDS = (status, list_studies, logs, stop, results)
