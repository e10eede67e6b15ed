"""Rules, commands, states and diaries as plain data and back: the one place where stored text becomes objects.

A checkpoint names rules, and never chooses code: a name is looked up among Caviar's own rules, whose settings are
checked as numbers, or compared with rule objects that the caller already holds. Nothing is imported, and no class but
Caviar's own is called. `FORMAT` numbers the layout of all files of a Panda.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from caviar._checks import did_you_mean
from caviar.errors import InputError, StorageError
from caviar.panda.commands import COMMANDS, Command, Follow, Fork, tag
from caviar.panda.rules import BUILT_IN, Rule, settings_of
from caviar.panda.state import DiaryEntry, ForkPlan, HistoryRow, PandaState
from caviar.space import serialization as spaces
from caviar.space.space import Space

FORMAT = 1

Plain = Mapping[str, Any]  # as JSON has it
RULE_CLASSES = {type(rule).__name__: type(rule) for rule in BUILT_IN["careful"]}


def rule_to_plain(rule: Rule) -> Plain:
    """Return a rule as plain data: its name and its settings.

    >>> from caviar.panda.rules import LowerOnPlateau
    >>> rule_to_plain(LowerOnPlateau(patience=3))
    {'rule': 'LowerOnPlateau', 'settings': {'patience': 3, 'factor': 0.5, 'min_fall': 0.01}}
    """
    kind = type(rule)
    name = kind.__name__ if is_built_in(rule) else f"{kind.__module__}:{kind.__qualname__}"
    return {"rule": name, "settings": settings_of(rule)}


def rule_from_plain(plain: Plain, own_rules: Sequence[Rule] = ()) -> Rule | None:
    """Return the rule that plain data describe, without running code that they name.

    Args:
        plain: from `rule_to_plain`.
        own_rules: the user's own rules that may be returned; they are compared, never made.

    Returns:
        The rule; None if it is neither one of Caviar's own with valid settings nor equal to one of `own_rules`.
    """
    name, settings = plain.get("rule"), plain.get("settings")
    if isinstance(name, str) and name in RULE_CLASSES and isinstance(settings, Mapping):
        kind = RULE_CLASSES[name]
        defaults = settings_of(kind())
        valid = set(settings) <= set(defaults) and all(_is_like(settings[key], defaults[key]) for key in settings)
        return kind(**settings) if valid else None
    text = json.dumps(plain, sort_keys=True)
    return next((rule for rule in own_rules if json.dumps(rule_to_plain(rule), sort_keys=True) == text), None)


def is_built_in(rule: Rule) -> bool:
    """Return whether a rule is one of Caviar's own."""
    return type(rule) in RULE_CLASSES.values()


def _is_like(value: object, default: object) -> bool:
    """Return whether a setting is a finite number, and an integer where the default is one."""
    kinds = int if isinstance(default, int) else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)


def command_to_plain(command: Command) -> Plain:
    """Return a command as plain data, with its tag.

    >>> from caviar.panda.commands import Rewind
    >>> command_to_plain(Rewind(3, reason="it wobbles"))
    {'command': 'rewind', 'epoch': 3, 'or_earlier': False, 'reason': 'it wobbles'}
    """
    plain = {"command": tag(command), **vars(command)}
    if isinstance(command, Follow):
        plain["rules"] = [rule_to_plain(rule) for rule in command.rules]
    if isinstance(command, Fork) and isinstance(command.around, Space):
        plain["around"] = {"space": spaces.to_plain(command.around)}
    return plain


def command_from_plain(plain: Plain, own_rules: Sequence[Rule] = ()) -> Command:
    """Return the command that `command_to_plain` wrote.

    Args:
        plain: its plain data.
        own_rules: the user's own rules that a `Follow` may name.

    Raises:
        InputError: an unknown command, argument or rule, or a value out of range.

    >>> command_from_plain({"command": "train", "epochs": 3})
    Train(epochs=3, reason='')
    """
    values = dict(plain)
    name = values.pop("command", None)
    if not isinstance(name, str) or name not in COMMANDS:
        raise InputError(f"command must be one of {', '.join(COMMANDS)}, got {name!r}{did_you_mean(name, COMMANDS)}")
    kind = COMMANDS[name]
    if not set(values) <= {field.name for field in fields(kind)}:
        raise InputError(f"{name} must have arguments of {kind.__name__}, got {sorted(values)}")
    if kind is Follow:
        values["rules"] = tuple(_required(rule, own_rules) for rule in values["rules"])
    if kind is Fork and isinstance(values["around"], Mapping):
        values["around"] = spaces.from_plain(values["around"]["space"])
    return kind(**values)


def _required(plain: Plain, own_rules: Sequence[Rule]) -> Rule:
    rule = rule_from_plain(plain, own_rules)
    if rule is None:
        raise InputError(f"a rule must be Caviar's own or sent with the command, got {plain!r}; pass the rule itself")
    return rule


def state_to_json(state: PandaState) -> bytes:
    """Return a state as JSON.

    >>> state_from_json(state_to_json(PandaState(epochs_remaining=3)))[0].epochs_remaining
    3
    """
    plain = {"format": FORMAT, **vars(state), "rules": [rule_to_plain(rule) for rule in state.rules]}
    plain |= {"fork": state.fork and asdict(state.fork)}
    plain |= {"history": list(map(asdict, state.history)), "diary": list(map(asdict, state.diary))}
    return json.dumps(plain).encode()


def state_from_json(text: bytes, own_rules: Sequence[Rule] = ()) -> tuple[PandaState, tuple[str, ...]]:
    """Return the state that `state_to_json` wrote, and the names of its rules that are not followed any more.

    Args:
        text: the JSON.
        own_rules: the user's own rules that may be followed; all others must be Caviar's.

    Raises:
        StorageError: it is not the JSON of a state, or another format.
    """
    try:
        plain = json.loads(text)
        check_format(plain)
        rules = [(str(rule.get("rule")), rule_from_plain(rule, own_rules)) for rule in plain["rules"]]
        fork = plain["fork"]
        values = plain | {
            "rules": tuple(rule for _, rule in rules if rule is not None),
            "fork": fork and ForkPlan(tuple(fork["changes"]), fork["epochs"], fork["was_paused"]),
            "history": tuple(HistoryRow(**row) for row in plain["history"]),
            "diary": _entries(plain["diary"]),
            "checkpoints": {int(epoch): int(number) for epoch, number in plain["checkpoints"].items()},
            "handled_ids": tuple(plain["handled_ids"]),
        }
        del values["format"]
        return PandaState(**values), tuple(name for name, rule in rules if rule is None)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"the state in a checkpoint is not valid ({type(error).__name__}: {error})") from None


def check_format(plain: Plain) -> None:
    """Raise StorageError for plain data of a format that this Caviar does not know."""
    if plain.get("format") != FORMAT:
        raise StorageError(
            f"the format of a Panda must be {FORMAT}, got {plain.get('format')!r}; use the Caviar that wrote it"
        )


def diary_to_json(diary: Sequence[DiaryEntry]) -> bytes:
    """Return a diary as JSON, indented for people."""
    return json.dumps(list(map(asdict, diary)), indent=1).encode()


def diary_from_json(text: bytes) -> tuple[DiaryEntry, ...]:
    """Return the diary that `diary_to_json` wrote; () for anything else."""
    try:
        return _entries(json.loads(text))
    except (KeyError, TypeError, ValueError):
        return ()


def _entries(diary: Sequence[Plain]) -> tuple[DiaryEntry, ...]:
    return tuple(DiaryEntry(**{**entry, "copies": tuple(entry["copies"])}) for entry in diary)
