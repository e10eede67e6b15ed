"""The `caviar panda ...` commands; each is a thin call to one method of a Panda."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caviar._checks import check_integer
from caviar.cli.completion import complete_panda, complete_words
from caviar.cli.groups import InOrder
from caviar.cli.options import ray_address_option
from caviar.cli.output import prints, records
from caviar.cli.panda_output import (
    Entry,
    Place,
    Statuses,
    place,
    print_copies,
    print_csv,
    print_entries,
    print_statuses,
    sentence,
    status_data,
)
from caviar.cli.parsing import parse_number
from caviar.errors import InputError

if TYPE_CHECKING:  # imported when a command runs: Ray takes a second to load; `caviar --help` does without
    import pandas as pd

    from caviar.panda.panda import Panda

_RULES_HELP = "careful (all of them), none, or some of divergence,nothing-helps,plateau,smooth"
RULES = ("careful", "none", "divergence", "nothing-helps", "plateau", "smooth")


@click.group("panda", cls=InOrder, short_help="Babysit one model: tweak it, rewind it.")
def panda() -> None:
    """Babysit one model: tweak it as it trains, rewind it when it goes wrong."""


_reason = click.option("--reason", default="", show_default=False, help="Reason for the diary.")


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    argument = click.argument("name", shell_complete=complete_panda)
    return lambda function: panda.command(name)(argument(ray_address_option(function)))


@panda.command()
@click.argument("data", default="digits", shell_complete=complete_words("digits", type="file"))
@click.option("--target", help="Column of the CSV file DATA to predict.")
@click.option("--name", help="Name of the Panda. [default: the name of its data]")
@click.option("--config", "study", type=click.Path(path_type=Path), help="Take the config of a trial of this study.")
@click.option("--best", is_flag=True, help="With --config: the study's best trial.")
@click.option("--trial", type=int, help="With --config: the number of the trial.")
@click.option("--epochs", default=100, help="Number of epochs to train first.")
@click.option("--seed", default=0, help="Seed of initial weights and shuffles.")
@click.option("--rules", default="none", help=f"{_RULES_HELP}.", shell_complete=complete_words(*RULES))
@click.option("--folder", help="Folder or URI for its checkpoints. [default: runs/pandas/NAME]")
@ray_address_option
@prints(sentence("{name} is training in {folder}; watch it with: caviar panda watch {name}"))
def start(
    data: str,
    target: str | None,
    name: str | None,
    study: Path | None,
    best: bool,
    trial: int | None,
    epochs: int,
    seed: int,
    rules: str,
    folder: str | None,
    address: str | None,
) -> Place:
    """Start a Panda.

    It trains on DATA, a CSV file or the name of a built-in data set.
    """
    from caviar.data.loaders import load
    from caviar.data.table import load_table
    from caviar.panda import Panda

    if target is None and data.endswith(".csv"):
        raise InputError(f"--target is required with {data}; pass the column to predict")
    if (study is None) != (trial is None and not best) or (best and trial is not None):
        raise InputError("pass --config FOLDER together with either --best or --trial NUMBER")
    check_integer("--epochs", epochs)
    dataset = load(data) if target is None else load_table(data, target=target)
    config = None
    if study is not None:
        from caviar.records.outcome import Outcome

        config = Outcome.read(study).trial(trial).config
    started = Panda(dataset, config=config, name=name, seed=seed, rules=rules, folder=folder, address=address)
    started.train(epochs, wait=False)
    return place(started)


@_command("watch")
def watch(name: str, address: str | None) -> None:
    """Show the curve of NAME as it grows.

    Ctrl-C ends watching, not training.
    """
    _attach(name, address).watch()


@_command("set")
@click.argument("changes", nargs=-1, required=True, metavar="HYPERPARAMETER=VALUE...")
@_reason
@prints(print_entries)
def change(name: str, changes: tuple[str, ...], address: str | None, reason: str) -> Sequence[Entry]:
    """Change hyperparameters of NAME from the next step on.

    For example learning_rate=0.003 momentum=0.95. These can change: learning_rate, momentum, beta2, epsilon,
    lr_decay, schedule, warmup, batch_size, weight_decay, clip_norm, dropout, label_smoothing.
    """
    values = dict(map(_parse, changes))
    return _intervene(name, address, lambda attached: attached.set(reason=reason, **values))


@_command("rewind")
@click.option("--epoch", type=int, required=True, help="Epoch to rewind to, one that has a checkpoint.")
@_reason
@prints(print_entries)
def rewind(name: str, address: str | None, epoch: int, reason: str) -> Sequence[Entry]:
    """Rewind NAME to a checkpoint."""
    return _intervene(name, address, lambda attached: attached.rewind(epoch, reason=reason))


@_command("pause")
@_reason
@prints(print_entries)
def pause(name: str, address: str | None, reason: str) -> Sequence[Entry]:
    """Pause NAME."""
    return _intervene(name, address, lambda attached: attached.pause(reason=reason))


@_command("resume")
@_reason
@prints(print_entries)
def resume(name: str, address: str | None, reason: str) -> Sequence[Entry]:
    """Resume NAME."""
    return _intervene(name, address, lambda attached: attached.resume(reason=reason))


@_command("train")
@click.option("--epochs", default=10, help="Number of epochs.")
@prints(print_entries)
def train(name: str, address: str | None, epochs: int) -> Sequence[Entry]:
    """Train NAME for more epochs."""
    return _intervene(name, address, lambda attached: attached.train(epochs, wait=False))


@_command("fork")
@click.option("--copies", default=8, help="Number of copies.")
@click.option("--around", default=2.0, help="Factor by which learning rate and momentum's window vary.")
@click.option("--epochs", default=5, help="Number of epochs before the best copy is kept.")
@prints(print_copies, records)
def fork(name: str, address: str | None, copies: int, around: float, epochs: int) -> "pd.DataFrame":
    """Train varied copies of NAME and continue as the best of them."""
    return _attach(name, address).fork(copies, around=around, epochs=epochs)


@_command("follow")
@click.argument("rules", shell_complete=complete_words(*RULES))
@prints(print_entries)
def follow(name: str, rules: str, address: str | None) -> Sequence[Entry]:
    """Let RULES tweak NAME.

    RULES is careful (all of them), none, or some of divergence,nothing-helps,plateau,smooth.
    """
    return _intervene(name, address, lambda attached: attached.follow(rules))


@_command("diary")
@prints(print_entries)
def diary(name: str, address: str | None) -> Sequence[Entry]:
    """Print every intervention on NAME, by hand or by rule."""
    return records(_attach(name, address).diary)


@_command("history")
@prints(print_csv, records)
def history(name: str, address: str | None) -> "pd.DataFrame":
    """Print one row per epoch of NAME, as CSV."""
    return _attach(name, address).history


@panda.command("list")
@ray_address_option
@prints(print_statuses, status_data)
def list_pandas(address: str | None) -> Statuses:
    """List the running Pandas."""
    from caviar.panda.local_ray import connect, panda_names

    connect(address)
    return {name: _attach(name, address).status for name in panda_names()}


@_command("stop")
@prints(sentence("{name} has stopped; continue with: caviar panda wake {name} --folder {folder}"))
def stop(name: str, address: str | None) -> Place:
    """Stop NAME; its checkpoints are kept."""
    stopped = _attach(name, address)
    stopped.stop()
    return place(stopped)


@_command("wake")
@click.option("--folder", help="Folder or URI of its checkpoints. [default: runs/pandas/NAME]")
@prints(print_entries)
def wake(name: str, folder: str | None, address: str | None) -> Sequence[Entry]:
    """Wake NAME from its last checkpoint."""
    from caviar.panda import Panda

    entries = records(Panda.wake(name, folder=folder, address=address).diary)
    while entries and entries[-1]["action"] != "came back":  # what rules have done since
        entries.pop()
    return list(takewhile(lambda entry: entry["by"] == "keeper", reversed(entries)))[::-1]


def _attach(name: str, address: str | None) -> "Panda":
    from caviar.panda import Panda

    return Panda.attach(name, address=address)


def _intervene(name: str, address: str | None, command: "Callable[[Panda], object]") -> Sequence[Entry]:
    """Give a command to NAME, and return its entry in the diary."""
    attached = _attach(name, address)
    command(attached)
    return [entry for entry in records(attached.diary) if entry["by"] == "hand"][-1:]


def _parse(change: str) -> tuple[str, int | float | str]:
    """Return the name and the value of a change on the command line."""
    name, equals, text = change.partition("=")
    if not equals:
        raise InputError(f"a change must be HYPERPARAMETER=VALUE, got {change!r}; try learning_rate=0.003")
    return name, text if (number := parse_number(text)) is None else number
