"""The `caviar panda ...` commands; each is a thin call to one method of a Panda."""

import contextlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caviar._checks import check_integer
from caviar.cli.groups import InOrder
from caviar.errors import InputError

if TYPE_CHECKING:  # imported when a command runs: Ray takes a second to load; `caviar --help` does without
    from caviar.panda.panda import Panda

Entry = Mapping[Hashable, object]  # of a diary


@click.group("panda", cls=InOrder, short_help="Babysit one model: tweak it, rewind it.")
def panda() -> None:
    """Babysit one model: tweak it as it trains, rewind it when it goes wrong."""


_address = click.option("--address", help="Ray cluster that it runs on. [default: the one for Pandas on this machine]")
_reason = click.option("--reason", default="", show_default=False, help="Reason for the diary.")


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    return lambda function: panda.command(name)(click.argument("name")(_address(function)))


@panda.command()
@click.argument("data", default="digits")
@click.option("--target", help="Column of the CSV file DATA to predict.")
@click.option("--name", help="Name of the Panda. [default: the name of its data]")
@click.option("--config", "study", type=click.Path(path_type=Path), help="Take the config of a trial of this study.")
@click.option("--best", is_flag=True, help="With --config: the study's best trial.")
@click.option("--trial", type=int, help="With --config: the number of the trial.")
@click.option("--epochs", default=100, help="Number of epochs to train first.")
@click.option("--seed", default=0, help="Seed of initial weights and shuffles.")
@click.option("--rules", default="none", help="careful, or some of divergence,nothing-helps,plateau,smooth.")
@click.option("--folder", help="Folder or URI for its checkpoints. [default: runs/pandas/NAME]")
@_address
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
) -> None:
    """Start a Panda that trains on DATA, a CSV file or the name of a built-in data set."""
    from caviar.data.loaders import load, load_csv
    from caviar.panda import Panda

    if target is None and data.endswith(".csv"):
        raise InputError(f"--target is required with {data}; pass the column to predict")
    if (study is None) != (trial is None and not best) or (best and trial is not None):
        raise InputError("pass --config FOLDER together with either --best or --trial NUMBER")
    check_integer("--epochs", epochs)
    dataset = load(data) if target is None else load_csv(data, target=target)
    config = None
    if study is not None:
        from caviar.records.outcome import Outcome

        config = Outcome.read(study).trial(trial).config
    started = Panda(dataset, config=config, name=name, seed=seed, rules=rules, folder=folder, address=address)
    started.train(epochs, wait=False)
    click.echo(f"{started.name} is training in {started.folder}; watch it with: caviar panda watch {started.name}")


@_command("watch")
def watch(name: str, address: str | None) -> None:
    """Show the curve of NAME as it grows; Ctrl-C ends watching, not training."""
    _attach(name, address).watch()


@_command("set")
@click.argument("changes", nargs=-1, required=True, metavar="HYPERPARAMETER=VALUE...")
@_reason
def change(name: str, changes: tuple[str, ...], address: str | None, reason: str) -> None:
    """Change hyperparameters of NAME from the next step on.

    For example learning_rate=0.003 momentum=0.95. These can change: learning_rate, momentum, beta2, epsilon,
    lr_decay, schedule, warmup, batch_size, weight_decay, clip_norm, dropout.
    """
    values = dict(map(_parse, changes))
    _intervene(name, address, lambda attached: attached.set(reason=reason, **values))


@_command("rewind")
@click.option("--epoch", type=int, required=True, help="Epoch to rewind to, one that has a checkpoint.")
@_reason
def rewind(name: str, address: str | None, epoch: int, reason: str) -> None:
    """Rewind NAME to a checkpoint."""
    _intervene(name, address, lambda attached: attached.rewind(epoch, reason=reason))


@_command("pause")
@_reason
def pause(name: str, address: str | None, reason: str) -> None:
    """Pause NAME."""
    _intervene(name, address, lambda attached: attached.pause(reason=reason))


@_command("resume")
@_reason
def resume(name: str, address: str | None, reason: str) -> None:
    """Resume NAME."""
    _intervene(name, address, lambda attached: attached.resume(reason=reason))


@_command("train")
@click.option("--epochs", default=10, help="Number of epochs.")
def train(name: str, address: str | None, epochs: int) -> None:
    """Train NAME for more epochs."""
    _intervene(name, address, lambda attached: attached.train(epochs, wait=False))


@_command("fork")
@click.option("--copies", default=8, help="Number of copies.")
@click.option("--around", default=2.0, help="Factor by which learning rate and momentum's window vary.")
@click.option("--epochs", default=5, help="Number of epochs before the best copy is kept.")
def fork(name: str, address: str | None, copies: int, around: float, epochs: int) -> None:
    """Train varied copies of NAME and continue as the best of them."""
    table = _attach(name, address).fork(copies, around=around, epochs=epochs)
    columns = ["copy", "kept", "learning_rate", "momentum", "train_loss", "val_loss"]
    click.echo(table[columns].to_string(index=False))


@_command("follow")
@click.argument("rules")
def follow(name: str, rules: str, address: str | None) -> None:
    """Let RULES tweak NAME: careful (all of them), none, or some of divergence,nothing-helps,plateau,smooth."""
    _intervene(name, address, lambda attached: attached.follow(rules))


@_command("diary")
def diary(name: str, address: str | None) -> None:
    """Print every intervention on NAME, by hand or by rule."""
    _print(_attach(name, address).diary.to_dict("records"))


@_command("history")
def history(name: str, address: str | None) -> None:
    """Print one row per epoch of NAME, as CSV."""
    click.echo(_attach(name, address).history.to_csv(index=False), nl=False)


@panda.command("list")
@_address
def list_pandas(address: str | None) -> None:
    """List the running Pandas."""
    from caviar.panda.local_ray import connect, panda_names

    connect(address)
    for name in panda_names():
        status = _attach(name, address).status
        remaining = f"{status.epochs_remaining} epochs left"
        click.echo(f"{name}: {status.state} at epoch {status.epoch}, {remaining}, {status.folder}")


@_command("stop")
def stop(name: str, address: str | None) -> None:
    """Stop NAME; its checkpoints are kept."""
    stopped = _attach(name, address)
    stopped.stop()
    click.echo(f"{name} has stopped; continue with: caviar panda wake {name} --folder {stopped.folder}")


@_command("wake")
@click.option("--folder", help="Folder or URI of its checkpoints. [default: runs/pandas/NAME]")
def wake(name: str, folder: str | None, address: str | None) -> None:
    """Wake NAME from its last checkpoint."""
    from caviar.panda import Panda

    entries = Panda.wake(name, folder=folder, address=address).diary.to_dict("records")
    while entries and entries[-1]["action"] != "came back":  # what rules have done since
        entries.pop()
    _print(list(takewhile(lambda entry: entry["by"] == "keeper", reversed(entries)))[::-1])


def _attach(name: str, address: str | None) -> "Panda":
    from caviar.panda import Panda

    return Panda.attach(name, address=address)


def _intervene(name: str, address: str | None, command: "Callable[[Panda], object]") -> None:
    """Give a command to NAME, and print its entry in the diary."""
    attached = _attach(name, address)
    command(attached)
    _print([entry for entry in attached.diary.to_dict("records") if entry["by"] == "hand"][-1:])


def _print(entries: Iterable[Entry]) -> None:
    """Print entries of a diary, one per line."""
    for entry in entries:
        when = f"epoch {entry['epoch']}" + (f" step {entry['step']}" if entry["step"] else "")
        what = f"{entry['by']}: {entry['action']} {entry['details']}".rstrip()
        why = f" ({entry['reason']})" if entry["reason"] else ""
        effect = f" => {entry['effect']}" if entry["effect"] else ""
        click.echo(f"{entry['time']:%Y-%m-%d %H:%M:%S}  {when}  {what}{why}{effect}")


def _parse(change: str) -> tuple[str, int | float | str]:
    """Return the name and the value of a change on the command line."""
    name, equals, text = change.partition("=")
    if not equals:
        raise InputError(f"a change must be HYPERPARAMETER=VALUE, got {change!r}; try learning_rate=0.003")
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return name, kind(text)
    return name, text
