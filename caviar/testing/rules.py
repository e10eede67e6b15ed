"""The laws of a Panda's rules: verdicts that depend only on the history, and rules that can be restored."""

import copy
import dataclasses
import math
from collections.abc import Sequence

from caviar.model.config import CHANGEABLE, NETWORK_DEFAULTS, check_change
from caviar.panda.rules import Rule, Tweak, rules_of
from caviar.testing.laws import require, require_valid

LOSSES = {
    "falling losses": [1 / epoch for epoch in range(1, 13)],
    "losses on a plateau": [1.0, *[0.5] * 11],
    "rising losses": [float(epoch) for epoch in range(1, 13)],
    "a loss that is not finite": [1.0, 0.5, math.nan],
}


def check_rule(rule: Rule) -> None:
    """Check a rule of a Panda: what it returns, that it only depends on the history, and that it can be restored.

    >>> from caviar.panda.rules import LowerOnPlateau
    >>> check_rule(LowerOnPlateau(patience=2))
    """
    require_valid(lambda: rules_of([rule]), "a checkpoint must be able to describe a rule")
    frozen = dataclasses.is_dataclass(rule) and type(rule).__dataclass_params__.frozen
    require(frozen, "a rule must be a frozen dataclass, so that it keeps no state")
    for kind, losses in LOSSES.items():
        rows = _rows(losses)
        for end in range(2, len(rows) + 1):
            history = copy.deepcopy(rows[:end])
            verdict = rule(history)
            require(repr(history) == repr(rows[:end]), f"a rule must not change the history, on {kind}")
            require(repr(verdict) == repr(rule(history)), f"equal histories must give equal verdicts, on {kind}")
            if verdict is not None:
                _check_tweak(verdict, end - 1)


def _rows(losses: Sequence[float]) -> list[dict[str, object]]:
    """Return a history: the untrained network, and a row for each loss; the learning rate is halved once."""
    changeable = {name: NETWORK_DEFAULTS[name] for name in CHANGEABLE}
    return [
        {"epoch": epoch, "train_loss": loss, "val_loss": loss if epoch else 2.3, "val_accuracy": 0.5, **changeable}
        | {"learning_rate": 0.01 if epoch < 8 else 0.005, "seconds": 1.0, "branch": 0}
        for epoch, loss in enumerate([math.nan, *losses])
    ]


def _check_tweak(tweak: Tweak, epoch: int) -> None:
    """Check the tweak that a rule returns after an epoch."""
    require(isinstance(tweak, Tweak), f"a rule must return a Tweak or None, got {tweak!r}")
    require(bool(tweak.reason), "a tweak must have a reason")
    rewind = tweak.rewind
    require(rewind is None or 0 <= rewind <= epoch, f"a rewind must lead to an epoch of the history, got {rewind!r}")
    law = "a tweak must set hyperparameters that may change to valid values"
    require_valid(lambda: check_change(tweak.changes), law)
