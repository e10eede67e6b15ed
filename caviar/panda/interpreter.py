"""The interpreter of commands, the only way in which people and rules change a Panda.

A command is either executed and saved, or refused with nothing changed. Rules look at the history once after every
epoch; the first verdict becomes commands that are executed like a person's.
"""

from caviar.errors import InputError, StorageError
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
)
from caviar.panda.fork import variations
from caviar.panda.rules import rule_name
from caviar.panda.session import Session
from caviar.panda.state import HAND, KEEPER, ForkPlan

_REMEMBERED_IDS = 50  # of the latest commands


def advance(session: Session, seconds: float) -> None:
    """Train for some seconds, at least one step and at most to the end of the epoch; then apply the rules."""
    _apply_rules(session)
    session.train(seconds)
    _apply_rules(session)


def handle(session: Session, identity: str, command: Command) -> None:
    """Execute a person's command, only once even if it is sent again with the same identity; see `execute`."""
    if identity in session.state.handled_ids:
        return
    _apply_rules(session)
    with session.unchanged_on_error():
        session.update(handled_ids=(*session.state.handled_ids, identity)[-_REMEMBERED_IDS:])
        execute(session, command, by=HAND)


def execute(session: Session, *commands: Command, by: str) -> None:
    """Execute commands with a common reason as one intervention: one diary entry, one checkpoint.

    Nothing changes if the Panda's state does not allow one of them (InputError) or they cannot be saved (StorageError).
    """
    with session.unchanged_on_error():
        actions, details = zip(*(_apply(session, command) for command in commands), strict=True)
        session.note(by, ", ".join(actions), "; ".join(details), commands[0].reason)
        session.save()


def _apply_rules(session: Session) -> None:
    """Let the rules look at an epoch that has ended, and execute the first verdict."""
    if not session.state.rules_pending:
        return
    with session.unchanged_on_error():  # if the verdict cannot be saved, the rules look again
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
            except Exception as error:  # a custom rule may raise anything, and training must continue
                session.update(rules=tuple(other for other in session.state.rules if other is not rule))
                reason = f"{type(error).__name__}: {error}"
                session.note(rule_name(rule), "rule failed", "it is switched off", reason)
                session.save()


def _apply(session: Session, command: Command) -> tuple[str, str]:
    """Apply a command to the session; return the action and its details for the diary."""
    state = session.state
    match command:
        case Train(epochs=epochs):
            _refuse_if_diverged(session)
            session.update(epochs_remaining=state.epochs_remaining + epochs, paused=False)
            return "train", f"{epochs} epochs"
        case Pause():
            session.update(paused=True)
            return "pause", ""
        case Resume():
            session.update(paused=False)
            return "resume", ""
        case Stop():
            return "stop", ""
        case EndTraining():
            session.update(epochs_remaining=0)
            return "stop training", f"{state.epochs_remaining} epochs were left"
        case SetHyperparameters(changes=changes):
            _refuse_while_forking(session)
            _refuse_if_diverged(session)
            return "set", session.set_hyperparameters(changes)
        case Rewind():
            _refuse_while_forking(session)
            return "rewind", _rewind(session, command)
        case Follow(rules=rules):
            session.update(rules=rules)
            return "follow", ", ".join(map(rule_name, rules)) or "no rules"
        case Fork(n=n, around=around, epochs=epochs):
            _refuse_while_forking(session)
            _refuse_if_diverged(session)
            seed = session.settings.seed + len(state.diary)  # every fork of a Panda draws different variations
            plan = ForkPlan(variations(session.config, n, around, seed), epochs, state.paused)
            session.update(fork=plan, paused=False)
            return "fork", f"{n} copies for {epochs} epochs"


def _rewind(session: Session, command: Rewind) -> str:
    """Rewind to the epoch of a command, or to the last readable one before it; return the details."""
    checkpoints = session.state.checkpoints
    if command.or_earlier:
        epochs = sorted((epoch for epoch in checkpoints if epoch <= command.epoch), reverse=True)
    else:
        epochs = [command.epoch] if command.epoch in checkpoints else []
    damage = "it has no checkpoint"
    for epoch in epochs:
        try:
            arrays, _ = session.files.read_checkpoint(checkpoints[epoch])
        except StorageError as error:
            damage = str(error)
            others = {other: number for other, number in session.state.checkpoints.items() if other != epoch}
            session.update(checkpoints=others)
            session.note(KEEPER, "fell back", f"the checkpoint of epoch {epoch} is not used", damage)
        else:
            return session.rewind(epoch, arrays)
    raise InputError(f"cannot rewind to epoch {command.epoch}: {damage}; {_rewindable(session)}")


def _refuse_if_diverged(session: Session) -> None:
    if session.diverged:
        raise InputError(f"the network diverged in epoch {session.epoch}; {_rewindable(session)}")


def _refuse_while_forking(session: Session) -> None:
    if session.state.fork is not None:
        raise InputError("a fork is in training; wait until it has ended")


def _rewindable(session: Session) -> str:
    epochs = sorted(session.state.checkpoints)
    firsts = [epoch for epoch in epochs if epoch - 1 not in epochs]
    lasts = [epoch for epoch in epochs if epoch + 1 not in epochs]
    ranges = [f"{a}" if a == b else f"{a}..{b}" for a, b in zip(firsts, lasts, strict=True)]
    return f"rewind to one of {', '.join(ranges)}" if epochs else "no checkpoint remains"
