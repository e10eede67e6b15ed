"""What the `caviar panda ...` commands print."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from caviar.csv import to_csv

if TYPE_CHECKING:
    import pandas as pd

    from caviar.panda.panda import Panda
    from caviar.panda.state import PandaStatus

Entry = Mapping[str, Any]  # of a diary
Place = Mapping[str, str]  # name and folder of a Panda
Statuses = Mapping[str, "PandaStatus"]  # by name


def print_entries(entries: Sequence[Entry]) -> None:
    """Print entries of a diary, one per line."""
    for entry in entries:
        when = f"epoch {entry['epoch']}" + (f" step {entry['step']}" if entry["step"] else "")
        what = f"{entry['by']}: {entry['action']} {entry['details']}".rstrip()
        why = f" ({entry['reason']})" if entry["reason"] else ""
        effect = f" => {entry['effect']}" if entry["effect"] else ""
        click.echo(f"{entry['time']:%Y-%m-%d %H:%M:%S}  {when}  {what}{why}{effect}")


def print_copies(table: "pd.DataFrame") -> None:
    """Print the copies of a fork."""
    columns = ["copy", "kept", "learning_rate", "momentum", "train_loss", "val_loss"]
    click.echo(table[columns].to_string(index=False))


def print_csv(table: "pd.DataFrame") -> None:
    """Print a table as CSV."""
    click.echo(to_csv(table).decode(), nl=False)


def print_statuses(statuses: Statuses) -> None:
    """Print a line for each Panda."""
    for name, status in statuses.items():
        remaining = f"{status.epochs_remaining} epochs left"
        click.echo(f"{name}: {status.state} at epoch {status.epoch}, {remaining}, {status.folder}")


def status_data(statuses: Statuses) -> list[Mapping[str, object]]:
    """Return the status of each Panda as plain data, without what `history` and `diary` print."""
    plain = [{"name": name, **vars(status)} for name, status in statuses.items()]
    return [{key: value for key, value in status.items() if key not in ("history", "diary")} for status in plain]


def place(panda: "Panda") -> Place:
    """Return the name and the folder of a Panda."""
    return {"name": panda.name, "folder": panda.folder}


def sentence(text: str) -> Callable[[Place], None]:
    """Return a function that prints a sentence about a Panda, with its {name} and its {folder}."""
    return lambda place: click.echo(text.format(**place))
