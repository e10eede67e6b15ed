"""What a person may tell a Panda, one function a command: each is done and on disk, or refused and nothing changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from caviar._checks import check_integer
from caviar.errors import CaviarError, InputError, StorageError
from caviar.model.config import check_change
from caviar.model.state import fork as forked
from caviar.panda.fork import variations
from caviar.panda.rules import from_plain, name_of
from caviar.panda.session import Life
from caviar.space.space import Space

HAND = "hand"  # who intervenes
HEARD = 50  # how many commands are remembered, to know one that is sent again


def obey(life: Life, identity: str, command: str, arguments: Mapping[str, Any]) -> None:
    """Do what a person commands, once.

    Args:
        life: whose.
        identity: of the command; one that was heard before is done already.
        command: of `COMMANDS`.
        arguments: of its function.

    Raises:
        InputError: it cannot be done, and nothing has changed.
    """
    before = life.memory.heard
    if identity in before:
        return
    life.memory.heard = [*before, identity][-HEARD:]
    try:
        COMMANDS[command](life, **arguments)
    except CaviarError:
        life.memory.heard = before
        raise


def train(life: Life, epochs: int) -> None:
    """So many epochs more; ends a pause."""
    check_integer("epochs", epochs)
    _refuse_if_diverged(life)
    life.memory.left += epochs
    life.memory.paused = False
    life.intervene(HAND, "train", f"{epochs} epochs")


def pause(life: Life, reason: str) -> None:
    """Stand still until `resume` or `train`."""
    life.memory.paused = True
    life.intervene(HAND, "pause", "", reason)


def resume(life: Life, reason: str) -> None:
    """Go on after a pause."""
    life.memory.paused = False
    life.intervene(HAND, "resume", "", reason)


def stop(life: Life, reason: str) -> None:
    """Write down that the Panda goes to sleep."""
    life.intervene(HAND, "stop", "", reason)


def change(life: Life, changes: Mapping[str, Any], reason: str) -> None:
    """Set hyperparameters from the next step on."""
    _refuse_while_forking(life)
    _refuse_if_diverged(life)
    plain = check_change(changes)
    if not plain:
        raise InputError("nothing to set; give hyperparameters and their values, such as learning_rate=0.003")
    life.intervene(HAND, "set", life.change(plain), reason)


def rewind(life: Life, epoch: int, reason: str) -> None:
    """Back to the checkpoint of an epoch, with the hyperparameters of then."""
    _refuse_while_forking(life)
    number = life.memory.epochs.get(str(epoch))
    if number is None:
        raise InputError(f"epoch {epoch} has no checkpoint to go back to; {_rewindable(life)}")
    try:
        state = life.checkpoints.read(number)[0]
    except StorageError as error:
        del life.memory.epochs[str(epoch)]
        raise InputError(f"epoch {epoch} cannot be gone back to: {error}; {_rewindable(life)}") from None
    life.intervene(HAND, "rewind", life.go_back(epoch, state), reason)


def follow(life: Life, rules: Sequence[Mapping[str, Any]], reason: str) -> None:
    """Follow these rules from now on, and no others."""
    life.use([from_plain(plain) for plain in rules])
    life.intervene(HAND, "follow", ", ".join(map(name_of, life.rules)) or "no rules", reason)


def fork(life: Life, n: int, around: float | Space, epochs: int, reason: str) -> None:
    """Train n varied copies for some epochs, then go on as the best of them."""
    _refuse_while_forking(life)
    _refuse_if_diverged(life)
    check_integer("epochs", epochs)
    seed = life.card["seed"] + len(life.memory.diary)  # every fork of a life draws other variations
    changes = variations(life.config, n, around, seed)
    forked(life.training.state(), changes)  # raises where it cannot be done
    life.memory.fork = {"changes": changes, "epochs": epochs, "paused": life.memory.paused}
    life.memory.paused = False
    life.intervene(HAND, "fork", f"{n} copies for {epochs} epochs", reason)


COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "set": change,
    "rewind": rewind,
    "follow": follow,
    "fork": fork,
}


def _refuse_if_diverged(life: Life) -> None:
    if life.diverged:
        raise InputError(f"the network diverged in epoch {life.epoch}; {_rewindable(life)}")


def _refuse_while_forking(life: Life) -> None:
    if life.forking:
        raise InputError("a fork is in training; wait until it has ended")


def _rewindable(life: Life) -> str:
    epochs = sorted(map(int, life.memory.epochs))
    return f"rewind to one of {in_ranges(epochs)}" if epochs else "no checkpoint is left"


def in_ranges(numbers: Sequence[int]) -> str:
    """Increasing whole numbers in few words.

    >>> in_ranges([0, 4, 5, 6, 9])
    '0, 4..6, 9'
    """
    firsts = [n for n in numbers if n - 1 not in numbers]
    lasts = [n for n in numbers if n + 1 not in numbers]
    return ", ".join(f"{a}" if a == b else f"{a}..{b}" for a, b in zip(firsts, lasts, strict=True))
