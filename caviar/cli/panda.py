"""The commands `caviar panda ...`; each is thin and calls one method of a Panda."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caviar.cli.groups import InOrder
from caviar.errors import InputError

if TYPE_CHECKING:
    from caviar.panda.panda import Panda


@click.group("panda", cls=InOrder, short_help="Babysit one model: tweak it, rewind it.")
def panda() -> None:
    """Babysit one model: tweak it as it trains, rewind it when it goes wrong."""


def _command(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command about the Panda NAME."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorate in (_address, click.argument("name"), panda.command(name)):
            function = decorate(function)
        return function

    return decorated


_address = click.option("--address", help="Of the Ray that it lives on. [default: the one for Pandas on this machine]")
_reason = click.option("--reason", default="", show_default=False, help="For the diary.")


@panda.command()
@click.argument("data", default="digits")
@click.option("--target", help="The column of the CSV file DATA to predict.")
@click.option("--name", help="What to call it. [default: the name of its data]")
@click.option("--config", "study", type=click.Path(path_type=Path), help="Of a trial of the study in this folder.")
@click.option("--best", is_flag=True, help="With --config: the study's best trial.")
@click.option("--trial", type=int, help="With --config: the number of the trial.")
@click.option("--epochs", default=100, help="How long to train at first.")
@click.option("--seed", default=0, help="Of initial weights and shuffles.")
@click.option("--rules", default="none", help="careful, or some of divergence,nothing-helps,plateau,smooth.")
@click.option("--folder", help="For its checkpoints, or a URI. [default: runs/pandas/NAME]")
@_address
def start(
    data: str, target: str | None, study: Path | None, best: bool, trial: int | None, epochs: int, **settings: Any
) -> None:
    """Start a Panda and let it train.

    DATA is a CSV file, or the name of a built-in data set.
    """
    from caviar.data.loaders import load, load_csv
    from caviar.panda import Panda
    from caviar.study.study import Study

    if target is None and data.endswith(".csv"):
        raise InputError(f"{data} needs --target, the column to predict")
    if (study is None) != (trial is None and not best) or (best and trial is not None):
        raise InputError("--config FOLDER takes a study's trial: add either --best or --trial NUMBER to it")
    if epochs < 1:
        raise InputError(f"--epochs {epochs}: it is a whole number of at least 1")
    dataset = load(data) if target is None else load_csv(data, target=target)
    config = None if study is None else Study.read(study).trial(None if best else trial).config
    started = Panda(dataset, config=config, **settings)
    started.train(epochs, wait=False)
    click.echo(f"{started.name} trains in {started.folder}; see it with: caviar panda watch {started.name}")


@_command("watch")
def watch(name: str, address: str | None) -> None:
    """Show the curve of NAME as it grows.

    Ctrl-C ends watching, not training.
    """
    _attached(name, address).watch()


@_command("set")
@click.argument("changes", nargs=-1, required=True, metavar="HYPERPARAMETER=VALUE...")
@_reason
def change(name: str, changes: tuple[str, ...], address: str | None, reason: str) -> None:
    """Change hyperparameters of NAME from the next step on.

    Such as learning_rate=0.003 momentum=0.95; what may change: learning_rate, momentum, beta2, epsilon, lr_decay,
    schedule, warmup, batch_size, weight_decay, clip_norm, dropout.
    """
    parsed = dict(_parsed(change) for change in changes)
    attached = _attached(name, address)
    attached.set(reason=reason, **parsed)
    _told(attached)


@_command("rewind")
@click.option("--epoch", type=int, required=True, help="One that has a checkpoint.")
@_reason
def rewind(name: str, address: str | None, epoch: int, reason: str) -> None:
    """Take NAME back to a checkpoint."""
    attached = _attached(name, address)
    attached.rewind(epoch, reason=reason)
    _told(attached)


@_command("pause")
@_reason
def pause(name: str, address: str | None, reason: str) -> None:
    """Have NAME stand still."""
    attached = _attached(name, address)
    attached.pause(reason=reason)
    _told(attached)


@_command("resume")
@_reason
def resume(name: str, address: str | None, reason: str) -> None:
    """Have NAME go on after a pause."""
    attached = _attached(name, address)
    attached.resume(reason=reason)
    _told(attached)


@_command("train")
@click.option("--epochs", default=10, help="How many more.")
def train(name: str, address: str | None, epochs: int) -> None:
    """Train NAME so many epochs more."""
    attached = _attached(name, address)
    attached.train(epochs, wait=False)
    _told(attached)


@_command("fork")
@click.option("--copies", default=8, help="How many.")
@click.option("--around", default=2.0, help="The factor by which learning rate and momentum's window vary.")
@click.option("--epochs", default=5, help="How long they train before the best is kept.")
def fork(name: str, address: str | None, copies: int, around: float, epochs: int) -> None:
    """Train varied copies of NAME, and go on as the best of them."""
    table = _attached(name, address).fork(copies, around=around, epochs=epochs)
    columns = ["copy", "kept", "learning_rate", "momentum", "train_loss", "val_loss"]
    click.echo(table[columns].to_string(index=False))


@_command("follow")
@click.argument("rules")
def follow(name: str, rules: str, address: str | None) -> None:
    """Have rules tweak NAME.

    RULES: careful (all of them), none, or some of divergence,nothing-helps,plateau,smooth.
    """
    attached = _attached(name, address)
    attached.follow(rules)
    _told(attached)


@_command("diary")
def diary(name: str, address: str | None) -> None:
    """Print every intervention on NAME, by hand or by rule."""
    for entry in _attached(name, address).diary.to_dict("records"):
        click.echo(_line(entry))


@_command("history")
def history(name: str, address: str | None) -> None:
    """Print a row an epoch of NAME, as CSV."""
    click.echo(_attached(name, address).history.to_csv(index=False), nl=False)


@panda.command("list")
@_address
def list_living(address: str | None) -> None:
    """List the Pandas that live."""
    from caviar.panda.local_ray import join, living

    join(address)
    for name in living():
        status = _attached(name, address).status
        click.echo(
            f"{name}: {status['state']} at epoch {status['epoch']}, {status['left']} epochs left, {status['folder']}"
        )


@_command("stop")
def stop(name: str, address: str | None) -> None:
    """Put NAME to sleep; its folder stays."""
    asleep = _attached(name, address)
    asleep.stop()
    click.echo(f"{name} sleeps in {asleep.folder}; go on with: caviar panda wake {name} --folder {asleep.folder}")


@_command("wake")
@click.option("--folder", help="Where it sleeps, or its URI. [default: runs/pandas/NAME]")
def wake(name: str, folder: str | None, address: str | None) -> None:
    """Bring NAME back to life from its last checkpoint."""
    from caviar.panda import Panda

    _told(Panda.wake(name, folder=folder, address=address), by="keeper")


def _attached(name: str, address: str | None) -> "Panda":
    from caviar.panda import Panda

    return Panda.attach(name, address=address)


def _told(panda: "Panda", by: str = "hand") -> None:
    """Print what the diary says of the command that was just obeyed."""
    click.echo(_line([entry for entry in panda.diary.to_dict("records") if entry["by"] == by][-1]))


def _line(entry: Mapping[Any, Any]) -> str:
    """An entry of the diary in a line."""
    when = f"epoch {entry['epoch']}" + (f" step {entry['step']}" if entry["step"] else "")
    what = f"{entry['by']}: {entry['action']} {entry['details']}".rstrip()
    why = f" ({entry['reason']})" if entry["reason"] else ""
    came = f" => {entry['effect']}" if entry["effect"] else ""
    return f"{entry['time']:%Y-%m-%d %H:%M:%S}  {when}  {what}{why}{came}"


def _parsed(change: str) -> tuple[str, Any]:
    """A hyperparameter and its value, as text on the command line."""
    name, equals, text = change.partition("=")
    if not equals:
        raise InputError(f"{change!r}: write a hyperparameter and its value, such as learning_rate=0.003")
    for kind in (int, float):
        try:
            return name, kind(text)
        except ValueError:
            pass
    return name, text
