"""The commands that ask about studies, on a cluster or on this machine; each is thin."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caviar.errors import InputError
from caviar.files import is_uri

if TYPE_CHECKING:
    from caviar.jobs.client import Cluster
    from caviar.jobs.local import Here
    from caviar.jobs.status import Status

address_option = click.option(
    "--address",
    envvar="RAY_API_SERVER_ADDRESS",
    help="Of a cluster's Jobs API, such as http://127.0.0.1:8265. [default: this machine]",
)


def _about(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command about one study."""
    return click.argument("name")(address_option(command))


def there(address: str | None, name: str = "") -> "Cluster | Here":
    """Where studies are: on the cluster at an address, or here, from where one at a URI is read too."""
    from caviar.jobs.client import connect
    from caviar.jobs.local import Here

    return connect(address) if address and not is_uri(name) else Here()


def fetched(name: str, address: str | None) -> Path:
    """The folder of a study: one on a cluster is first copied to `runs/NAME`."""
    from caviar.jobs.local import Here

    place = there(address, name)
    return place.folder(name) if isinstance(place, Here) else place.fetch(name, Path("runs") / name)


@click.command()
@click.argument("name", required=False)
@address_option
def status(name: str | None, address: str | None) -> None:
    """Say how a study is doing, or all of them."""
    if name is None:
        _tell_all(address)
    else:
        click.echo(_told(there(address, name).status(name)))


@click.command("list")
@address_option
def list_studies(address: str | None) -> None:
    """List the studies, here or on a cluster."""
    _tell_all(address)


@click.command()
@_about
@click.option("-f", "--follow", is_flag=True, help="Until the study has ended.")
def logs(name: str, address: str | None, follow: bool) -> None:
    """Print what a study has printed."""
    for piece in there(address, name).logs(name, follow):
        click.echo(piece, nl=False)


@click.command()
@_about
def stop(name: str, address: str | None) -> None:
    """End a study cleanly; what has finished is kept."""
    there(address, name).stop(name)


@click.command()
@_about
@click.option("--history", "file", flag_value="history.csv", help="The table of reports instead.")
@click.option("--waves", "file", flag_value="waves.csv", help="The table of waves instead.")
@click.option("--results", "file", flag_value="results.csv", default=True, hidden=True)
def results(name: str, address: str | None, file: str) -> None:
    """Print the table of a study so far, as CSV."""
    sys.stdout.buffer.write(there(address, name).file(name, file))


def follow(cluster: "Cluster", name: str) -> None:
    """Print what a study prints until it has ended; raises InputError if it failed."""
    for piece in cluster.logs(name, follow=True):
        click.echo(piece, nl=False)
    ended = cluster.wait(name)
    if ended.state != "finished":
        raise InputError(f"{name} {ended.state}: {ended.progress or 'see its logs'}")


def _tell_all(address: str | None) -> None:
    from caviar.jobs.local import RUNS

    studies = there(address).studies()
    for one in studies:
        click.echo(_told(one))
    if not studies:
        click.echo(f"no studies {f'on {address}' if address else f'in {RUNS}'} yet", err=True)


def _told(status: "Status") -> str:
    since = f", since {status.started:%Y-%m-%d %H:%M} UTC" if status.started is not None else ""
    return f"{status.name}: {status.state}{since}{'; ' if status.progress else ''}{status.progress}"


COMMANDS = (status, list_studies, logs, stop, results)
