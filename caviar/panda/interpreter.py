"""The one interpreter: people and rules change a Panda by commands, and nothing else does.

A command is executed and on disk, or refused with nothing changed. Rules look at the history once after every epoch;
the first verdict becomes commands that are executed like a person's.
"""

from collections.abc import Sequence

from caviar.errors import CaviarError, InputError, StorageError
from caviar.model.state import TrainingState
from caviar.panda.commands import (
    Command,
    EndTraining,
    Follow,
    Fork,
    Pause,
    Resume,
    Rewind,
    SetHyperparameters,
    Stop,
    Train,
    commands_of,
    tag,
)
from caviar.panda.fork import variations
from caviar.panda.rules import rule_name
from caviar.panda.session import Session
from caviar.panda.state import HAND, KEEPER, ForkPlan

REMEMBERED_IDS = 50  # of the latest commands


def advance(session: Session, seconds: float) -> None:
    """Train for about so long, to the end of the epoch at most, and let the rules look at an epoch that ended.

    Args:
        session: the Panda.
        seconds: how long; one step is always done where one is left.
    """
    if session.state.rules_pending:
        apply_rules(session)
    session.train(seconds)
    if session.state.rules_pending:
        apply_rules(session)


def handle(session: Session, identity: str, command: Command) -> None:
    """Execute a person's command once.

    Args:
        session: the Panda.
        identity: of the command; one that was handled before is done already.
        command: what to do.

    Raises:
        InputError: the Panda's state does not allow it; nothing has changed.
        StorageError: it cannot be saved.
    """
    handled = session.state.handled_ids
    if identity in handled:
        return
    if session.state.rules_pending:
        apply_rules(session)
    session.update(handled_ids=(*handled, identity)[-REMEMBERED_IDS:])
    try:
        execute(session, command, by=HAND)
    except CaviarError:
        session.update(handled_ids=handled)
        raise


def execute(session: Session, *commands: Command, by: str) -> None:
    """Execute commands as one intervention: one entry of the diary, one checkpoint.

    Args:
        session: the Panda.
        commands: one or several, with one reason.
        by: who intervenes.

    Raises:
        InputError: the Panda's state does not allow one of them.
        StorageError: it cannot be saved.
    """
    details = [_apply(session, command) for command in commands]
    session.note(by, ", ".join(map(tag, commands)), "; ".join(details), commands[0].reason)
    session.save()


def apply_rules(session: Session) -> None:
    """Let the rules look at the history; the first verdict is executed. A rule that fails is switched off."""
    session.update(rules_pending=False)
    history = [row.columns() for row in session.state.lineage]
    for rule in session.state.rules:
        try:
            tweak = rule(history)
            commands = () if tweak is None else commands_of(tweak)
            if commands:
                execute(session, *commands, by=rule_name(rule))
                return
        except StorageError:
            raise
        except Exception as error:  # a user's own rule may raise anything, and the training must not suffer
            session.update(rules=tuple(other for other in session.state.rules if other is not rule))
            session.note(rule_name(rule), "rule failed", "it is switched off", f"{type(error).__name__}: {error}")
            session.save()


def _apply(session: Session, command: Command) -> str:
    """Change the session as a command says; return the details for the diary."""
    state = session.state
    match command:
        case Train(epochs=epochs):
            _refuse_if_diverged(session)
            session.update(epochs_remaining=state.epochs_remaining + epochs, paused=False)
            return f"{epochs} epochs"
        case Pause():
            session.update(paused=True)
            return ""
        case Resume():
            session.update(paused=False)
            return ""
        case Stop():
            return ""
        case EndTraining():
            session.update(epochs_remaining=0)
            return f"{state.epochs_remaining} epochs were left"
        case SetHyperparameters(changes=changes):
            _refuse_while_forking(session)
            _refuse_if_diverged(session)
            return session.set_hyperparameters(changes)
        case Rewind():
            _refuse_while_forking(session)
            return session.rewind(*_checkpoint(session, command))
        case Follow(rules=rules):
            session.update(rules=rules)
            return ", ".join(map(rule_name, rules)) or "no rules"
        case Fork(n=n, around=around, epochs=epochs):
            _refuse_while_forking(session)
            _refuse_if_diverged(session)
            seed = session.settings.seed + len(state.diary)  # every fork of a Panda draws other variations
            plan = ForkPlan(variations(session.config, n, around, seed), epochs, state.paused)
            session.update(fork=plan, paused=False)
            return f"{n} copies for {epochs} epochs"


def _checkpoint(session: Session, command: Rewind) -> tuple[int, TrainingState]:
    """Return the epoch and the arrays to rewind to; checkpoints that cannot be read are forgotten."""
    if command.or_earlier:
        epochs = sorted((epoch for epoch in session.state.checkpoints if epoch <= command.epoch), reverse=True)
    else:
        epochs = [command.epoch] if command.epoch in session.state.checkpoints else []
    if not epochs:
        raise InputError(f"epoch {command.epoch} has no checkpoint; {_rewindable(session)}")
    for epoch in epochs:
        try:
            return epoch, session.checkpoints.read(session.state.checkpoints[epoch])[0]
        except StorageError as error:
            others = {other: number for other, number in session.state.checkpoints.items() if other != epoch}
            session.update(checkpoints=others)
            if not command.or_earlier:
                raise InputError(f"cannot rewind to epoch {epoch}: {error}; {_rewindable(session)}") from None
            session.note(KEEPER, "fell back", f"the checkpoint of epoch {epoch} is not used", str(error))
    raise InputError(f"no checkpoint at or before epoch {command.epoch} can be read; {_rewindable(session)}")


def _refuse_if_diverged(session: Session) -> None:
    if session.diverged:
        raise InputError(f"the network diverged in epoch {session.epoch}; {_rewindable(session)}")


def _refuse_while_forking(session: Session) -> None:
    if session.state.fork is not None:
        raise InputError("a fork is in training; wait until it has ended")


def _rewindable(session: Session) -> str:
    epochs = sorted(session.state.checkpoints)
    return f"rewind to one of {ranges(epochs)}" if epochs else "no checkpoint remains"


def ranges(numbers: Sequence[int]) -> str:
    """Return increasing integers as ranges.

    >>> ranges([0, 4, 5, 6, 9])
    '0, 4..6, 9'
    """
    firsts = [n for n in numbers if n - 1 not in numbers]
    lasts = [n for n in numbers if n + 1 not in numbers]
    return ", ".join(f"{a}" if a == b else f"{a}..{b}" for a, b in zip(firsts, lasts, strict=True))
