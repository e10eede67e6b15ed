"""Judging: the rules look at the epoch that has ended, and what the first of them wants is done."""

from typing import TYPE_CHECKING

from caviar.errors import InputError, StorageError
from caviar.model.config import check_change
from caviar.model.state import State
from caviar.panda.rules import Tweak, name_of
from caviar.panda.state import KEEPER

if TYPE_CHECKING:
    from caviar.panda.session import Life


def judge(life: "Life") -> None:
    """Let the rules of a life look at its last epoch; the first that wants something has its way."""
    life.memory.unjudged = False
    for rule in list(life.rules):
        try:
            tweak = rule(life.memory.present)
            if tweak is not None:
                _do(life, tweak, name_of(rule))
                return
        except StorageError:
            raise
        except Exception as error:  # a rule of somebody's own may raise anything; the training is not to suffer
            life.use([other for other in life.rules if other is not rule])
            life.intervene(name_of(rule), "rule failed", "it is switched off", f"{type(error).__name__}: {error}")


def _do(life: "Life", tweak: Tweak, by: str) -> None:
    """Do what a rule wants."""
    changes = check_change(tweak.changes)
    done: list[tuple[str, str]] = []
    if tweak.rewind is not None:
        done.append(("rewind", life.go_back(*_last_whole(life, tweak.rewind))))
    if changes:
        done.append(("set", life.change(changes)))
    if tweak.stop:
        done.append(("stop training", f"{life.memory.left} epochs were left"))
        life.memory.left = 0
    life.intervene(by, ", ".join(action for action, _ in done), "; ".join(text for _, text in done), tweak.reason)


def _last_whole(life: "Life", epoch: int) -> tuple[int, State]:
    """The last checkpoint at or before an epoch that can be read."""
    for earlier in sorted((int(text) for text in life.memory.epochs if int(text) <= epoch), reverse=True):
        try:
            return earlier, life.checkpoints.read(life.memory.epochs[str(earlier)])[0]
        except StorageError as error:
            del life.memory.epochs[str(earlier)]
            life.note(KEEPER, "fell back", f"the checkpoint of epoch {earlier} is not used", str(error))
    raise InputError(f"no checkpoint at or before epoch {epoch} is left")
