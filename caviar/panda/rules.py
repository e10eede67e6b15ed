"""Rules: pure verdicts on a history. A rule looks at the epochs so far and returns a tweak or None; it never acts.

A rule sees exactly what a person watching would see. Custom rules are callable dataclasses.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from itertools import pairwise, takewhile
from typing import Protocol

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.records.trial import Config

Row = Config  # an epoch: its number, metrics and hyperparameters by name


@dataclass(frozen=True)
class Tweak:
    """The verdict of a rule: the rewind is executed first, then the changes.

    Args:
        reason: one clause for the diary.
        rewind: the epoch to go back to; if it has no checkpoint, the last one before it that has.
        stop: whether to stop training.

    >>> tweak = Tweak("it wobbles", {"learning_rate": 0.003})
    """

    reason: str
    changes: Row = field(default_factory=dict)
    rewind: int | None = None
    stop: bool = False


class Rule(Protocol):
    """A function from a history to a tweak or None, called after every epoch.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class HalveAt:
    ...     epoch: int
    ...     def __call__(self, history):
    ...         if history[-1]["epoch"] == self.epoch:
    ...             return Tweak("it is time", {"learning_rate": history[-1]["learning_rate"] / 2})
    """

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        """Return the tweak that the history calls for, or None.

        The history has one row per epoch, oldest first, like `Panda.history`: epoch, train_loss, val_loss, val_accuracy
        or val_rmse, and the hyperparameters in force then. The first row is epoch 0, the untrained network (its
        train_loss is NaN). Epochs that a rewind abandoned are left out.
        """


@dataclass(frozen=True)
class RewindOnDivergence:
    """Go back to the last good epoch and lower the learning rate when the loss runs away.

    The loss has run away when it is not finite, when the validation loss is above the untrained network's, or when
    the training loss has lost more than `lost_share` of what it had gained since the first epoch.

    Args:
        restart_factor: used instead of `factor` if no epoch was good yet, so that training begins again.

    >>> rows = [{"epoch": e, "train_loss": v, "val_loss": v, "learning_rate": 0.1} for e, v in enumerate((1, 0.5, 9))]
    >>> RewindOnDivergence()(rows).rewind
    1
    """

    factor: float = 0.5
    restart_factor: float = 0.1
    lost_share: float = 0.5

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        last = history[-1]
        untrained = history[0]["val_loss"] if history[0]["epoch"] == 0 else math.inf
        losses = [row["train_loss"] for row in history[:-1] if _finite(row)]
        limit = math.inf
        if len(losses) >= 2 and min(losses) < losses[0]:
            limit = min(losses) + self.lost_share * (losses[0] - min(losses))

        def good(row: Row) -> bool:
            return _finite(row) and row["val_loss"] <= untrained and row["train_loss"] <= limit

        if good(last):
            return None
        reason = f"the loss ran away (train_loss {last['train_loss']:.3g}, val_loss {last['val_loss']:.3g})"
        epoch = max((row["epoch"] for row in history if good(row)), default=0)
        factor = self.factor if epoch else self.restart_factor
        return Tweak(reason, {"learning_rate": last["learning_rate"] * factor}, rewind=epoch)


@dataclass(frozen=True)
class LowerOnPlateau:
    """Lower the learning rate when the validation loss has not fallen for `patience` epochs at this rate.

    It has fallen if it is lower than the best loss so far by more than the share `min_fall`.

    >>> rows = [{"epoch": e, "train_loss": 1.0, "val_loss": 1.0, "learning_rate": 0.1} for e in range(6)]
    >>> LowerOnPlateau()(rows).changes
    {'learning_rate': 0.05}
    """

    patience: int = 4
    factor: float = 0.5
    min_fall: float = 0.01

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        stalled_epochs = min(_since_best(history, self.min_fall), _at_this_rate(history))
        if stalled_epochs < self.patience:
            return None
        rate = history[-1]["learning_rate"] * self.factor
        return Tweak(f"val_loss has not fallen for {stalled_epochs} epochs", {"learning_rate": rate})


@dataclass(frozen=True)
class RaiseWhileSmooth:
    """Raise the learning rate when both losses fell `epochs` times in a row, unless it has ever been lowered.

    >>> rows = [{"epoch": e, "train_loss": 4 - e, "val_loss": 4 - e, "learning_rate": 0.25} for e in range(4)]
    >>> RaiseWhileSmooth()(rows).changes
    {'learning_rate': 0.375}
    """

    epochs: int = 3
    factor: float = 1.5

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        rates = [row["learning_rate"] for row in history]
        if _at_this_rate(history) < self.epochs + 1 or max(rates) > rates[-1]:
            return None
        steps = pairwise(history[-self.epochs - 1 :])
        if not all(later[name] < earlier[name] for earlier, later in steps for name in ("train_loss", "val_loss")):
            return None
        return Tweak(f"losses fell {self.epochs} epochs running", {"learning_rate": rates[-1] * self.factor})


@dataclass(frozen=True)
class StopWhenNothingHelps:
    """Go back to the best epoch and stop when lowering the rate `reductions` times since then has not helped.

    >>> losses, rates = (1.0, 2.0, 2.0, 2.0), (0.4, 0.2, 0.1, 0.1)
    >>> rows = [{"epoch": e, "train_loss": v, "val_loss": v, "learning_rate": rates[e]} for e, v in enumerate(losses)]
    >>> StopWhenNothingHelps(reductions=2)(rows).stop
    True
    """

    reductions: int = 3

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        finite = [row for row in history if _finite(row)]
        if not finite:
            return None
        best = min(finite, key=lambda row: row["val_loss"])
        after = [row["learning_rate"] for row in history if row["epoch"] >= best["epoch"]]
        falls = sum(later < earlier for earlier, later in pairwise(after))
        if falls < self.reductions or _at_this_rate(history) < 2:
            return None
        reason = f"val_loss has not fallen below {best['val_loss']:.4g} though the rate was lowered {falls} times"
        return Tweak(reason, rewind=best["epoch"], stop=True)


BUILT_IN: dict[str, tuple[Rule, ...]] = {
    "divergence": (RewindOnDivergence(),),
    "nothing-helps": (StopWhenNothingHelps(),),
    "plateau": (LowerOnPlateau(),),
    "smooth": (RaiseWhileSmooth(),),
}
BUILT_IN["careful"] = tuple(rule for (rule,) in BUILT_IN.values())


def rules_of(requested: str | Rule | Sequence[str | Rule]) -> tuple[Rule, ...]:
    """Return the requested rules; the first one with a tweak wins.

    `requested` is a name in `BUILT_IN`, several separated by commas ("careful" for all of them, "none" for no rule), a
    rule, or a sequence of names and rules.

    >>> rules_of("plateau")
    (LowerOnPlateau(patience=4, factor=0.5, min_fall=0.01),)
    """
    if isinstance(requested, str):
        requested = [name.strip() for name in requested.split(",") if name.strip() not in ("", "none")]
    if not callable(requested) and not isinstance(requested, Sequence):
        names = ", ".join(BUILT_IN)
        raise InputError(f"rules must be names or rules, got {requested!r:.60}; try one or several of {names}")
    rules: list[Rule] = []
    for item in [requested] if callable(requested) else requested:
        if not isinstance(item, str):
            rules.append(_check_rule(item))
        elif item in BUILT_IN:
            rules += BUILT_IN[item]
        else:
            raise InputError(f"unknown rule {item!r}{did_you_mean(item, BUILT_IN)}")
    return tuple(rules)


def settings_of(rule: object) -> Row:
    """Return the settings of a rule; raise TypeError for anything but a callable dataclass."""
    if not is_dataclass(rule) or isinstance(rule, type) or not callable(rule):
        raise TypeError("it is not a callable dataclass")
    return asdict(rule)


def rule_name(rule: Rule) -> str:
    """Return the name of a rule in the diary, that of its class."""
    return type(rule).__name__


def _check_rule(rule: Rule) -> Rule:
    """Return a rule if a checkpoint, which only holds its name and settings, can describe it."""
    try:
        json.dumps(settings_of(rule))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"a rule must be a callable dataclass whose settings are plain data, got {rule!r} ({error}); "
            "see caviar.panda.Rule for an example"
        ) from None
    return rule


def _finite(row: Row) -> bool:
    return math.isfinite(row["train_loss"]) and math.isfinite(row["val_loss"])


def _since_best(history: Sequence[Row], min_fall: float) -> int:
    """Return how many epochs ago the validation loss last fell by more than a share of its best."""
    best, since = math.inf, 0
    for row in history:
        since += 1
        if row["val_loss"] < best * (1 - min_fall):
            best, since = row["val_loss"], 0
    return since


def _at_this_rate(history: Sequence[Row]) -> int:
    """Return for how many epochs the current learning rate has been in force."""
    rate = history[-1]["learning_rate"]
    return len(list(takewhile(lambda row: row["learning_rate"] == rate, reversed(history))))
