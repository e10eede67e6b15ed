"""A Panda's state and its rules as JSON, and back, without running any code that is stored.

A checkpoint only names its rules. A name is looked up among Caviar's own rules, whose settings must be numbers, or
matched with rules that the caller passes.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from caviar._typed import typed
from caviar.errors import StorageError
from caviar.panda.rules import BUILT_IN, Rule, settings_of
from caviar.panda.state import DiaryEntry, ForkPlan, HistoryRow, PandaState

FORMAT = 1  # of all files of a Panda
INVALID = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)  # of what is no Panda
_RULES = {type(rule).__name__: type(rule) for rule in BUILT_IN["careful"]}
_Plain = Mapping[str, Any]  # an object in JSON
_T = TypeVar("_T")


def state_to_json(state: PandaState) -> bytes:
    """Return a state as JSON."""
    rules = [rule_to_plain(rule) for rule in state.rules]
    return json.dumps({"format": FORMAT, **asdict(state), "rules": rules}).encode()


def state_from_json(text: bytes, own_rules: Sequence[Rule] = ()) -> tuple[PandaState, tuple[str, ...]]:
    """Return the state that `state_to_json` wrote, and the names of the rules that it no longer follows.

    A rule is followed if it is Caviar's own or equal to one of `own_rules`. Raise StorageError if the state is invalid.
    """
    try:
        plain = checked(json.loads(text))
        rules = [(str(rule.get("rule")), rule_from_plain(rule, own_rules)) for rule in plain.pop("rules")]
        plain |= {
            "rules": [rule for _, rule in rules if rule is not None],
            "fork": plain["fork"] and from_plain(ForkPlan, plain["fork"]),
            "history": [from_plain(HistoryRow, row) for row in plain["history"]],
            "diary": [from_plain(DiaryEntry, entry) for entry in plain["diary"]],
            "checkpoints": {int(epoch): int(number) for epoch, number in plain["checkpoints"].items()},
        }
        return from_plain(PandaState, plain), tuple(name for name, rule in rules if rule is None)
    except INVALID as error:
        raise StorageError(f"the state in a checkpoint is not valid ({type(error).__name__}: {error})") from None


def rule_to_plain(rule: Rule) -> _Plain:
    """Return a rule as plain data: its name and its settings."""
    kind = type(rule)
    name = kind.__name__ if kind in _RULES.values() else f"{kind.__module__}:{kind.__qualname__}"
    return {"rule": name, "settings": settings_of(rule)}


def rule_from_plain(plain: _Plain, own_rules: Sequence[Rule] = ()) -> Rule | None:
    """Return the rule that plain data describe, without running any code that they name.

    Return None if it is neither Caviar's own with valid settings nor equal to one of `own_rules`.
    """
    name, settings = plain.get("rule"), plain.get("settings")
    if isinstance(name, str) and name in _RULES and isinstance(settings, Mapping):
        kind = _RULES[name]
        defaults = settings_of(kind())
        valid = set(settings) <= set(defaults) and all(_is_like(settings[key], defaults[key]) for key in settings)
        return kind(**settings) if valid else None
    text = json.dumps(plain, sort_keys=True)
    return next((rule for rule in own_rules if json.dumps(rule_to_plain(rule), sort_keys=True) == text), None)


def _is_like(value: object, default: object) -> bool:  # a finite number, and an integer if the default is one
    kinds = int if isinstance(default, int) else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)


def from_plain(kind: type[_T], plain: _Plain) -> _T:
    """Return a dataclass from its plain data, in which JSON has turned tuples into lists."""
    return typed(kind, {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()})


def checked(plain: dict[str, Any]) -> dict[str, Any]:
    """Return plain data without its format; raise StorageError if the format is unknown."""
    number = plain.pop("format", None)
    if number != FORMAT:
        raise StorageError(f"the format of a Panda must be {FORMAT}, got {number!r}; use the version that wrote it")
    return plain
