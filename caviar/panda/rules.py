"""Rules: a careful hand that looks at the history after every epoch and tweaks the training.

A rule sees what a person watching would have seen, and nothing else. Any callable object that is a frozen
dataclass in a module of its own is one, so that it can be written down in a checkpoint and found again.
"""

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from itertools import pairwise
from typing import Any, Protocol

from caviar._checks import did_you_mean
from caviar.errors import InputError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Tweak:
    """What a rule asks for; the rewind comes first, then the changes.

    Args:
        reason: one clause for the diary.
        changes: hyperparameters to set.
        rewind: the epoch to go back to; where it has no checkpoint, the last one before it.
        stop: whether to train no further.
    """

    reason: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    rewind: int | None = None
    stop: bool = False


class Rule(Protocol):
    """History in, tweak or nothing out; called after every epoch.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class HalveAt:
    ...     epoch: int
    ...     def __call__(self, history):
    ...         if history[-1]["epoch"] == self.epoch:
    ...             return Tweak("it is time", {"learning_rate": history[-1]["learning_rate"] / 2})
    """

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        """What is to be tweaked, if anything.

        Args:
            history: a row an epoch, oldest first, as in `Panda.history`: epoch, train_loss, val_loss, val_accuracy
                or val_rmse, and the hyperparameters then in force. Before them stands epoch 0, the untrained network
                (its train_loss is NaN). What was abandoned by a rewind is not in it.
        """


@dataclass(frozen=True)
class RewindOnDivergence:
    """Go back to the last good checkpoint and train on more slowly when the loss runs away.

    It has run away when it is not finite, when the validation loss is above the untrained network's, or when more
    than `lost` of all that the training loss had gained since the first epoch is lost again. The rate is multiplied
    by `factor`, or by `anew` where no epoch was good yet and training begins anew: then it is far too high.
    """

    factor: float = 0.5
    anew: float = 0.1
    lost: float = 0.5

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        last = history[-1]
        untrained = history[0]["val_loss"] if history[0]["epoch"] == 0 else math.inf
        limit = self._limit([row["train_loss"] for row in history[:-1] if _finite(row)])

        def good(row: Row) -> bool:
            return _finite(row) and row["val_loss"] <= untrained and row["train_loss"] <= limit

        if good(last):
            return None
        reason = f"the loss ran away (train_loss {last['train_loss']:.3g}, val_loss {last['val_loss']:.3g})"
        epoch = max((row["epoch"] for row in history if good(row)), default=0)
        factor = self.factor if epoch else self.anew
        return Tweak(reason, {"learning_rate": last["learning_rate"] * factor}, rewind=epoch)

    def _limit(self, losses: Sequence[float]) -> float:
        """The training loss above which more than `lost` of the gain is lost."""
        if len(losses) < 2 or min(losses) == losses[0]:
            return math.inf
        return min(losses) + self.lost * (losses[0] - min(losses))


@dataclass(frozen=True)
class LowerOnPlateau:
    """Lower the learning rate when the validation loss has not fallen for `patience` epochs at this rate.

    Falling is by more than the share `least` of the best loss so far.
    """

    patience: int = 4
    factor: float = 0.5
    least: float = 0.01

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        waited = min(_since_best(history, self.least), _at_this_rate(history))
        if waited < self.patience:
            return None
        rate = history[-1]["learning_rate"] * self.factor
        return Tweak(f"val_loss has not fallen for {waited} epochs", {"learning_rate": rate})


@dataclass(frozen=True)
class RaiseWhileSmooth:
    """Raise the learning rate gently while both losses fall epoch after epoch; never once it had to be lowered."""

    epochs: int = 3
    factor: float = 1.5

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        rates = [row["learning_rate"] for row in history]
        if _at_this_rate(history) < self.epochs + 1 or max(rates) > rates[-1]:
            return None
        latest = history[-self.epochs - 1 :]
        if not all(_falls(latest, name) for name in ("train_loss", "val_loss")):
            return None
        return Tweak(f"losses fell {self.epochs} epochs running", {"learning_rate": rates[-1] * self.factor})


@dataclass(frozen=True)
class StopWhenNothingHelps:
    """Go back to the best epoch and stop, when the loss has not fallen though the rate was lowered again and again."""

    lowered: int = 3

    def __call__(self, history: Sequence[Row]) -> Tweak | None:
        finite = [row for row in history if _finite(row)]
        if not finite:
            return None
        best = min(finite, key=lambda row: row["val_loss"])
        after = [row["learning_rate"] for row in history if row["epoch"] >= best["epoch"]]
        falls = sum(later < earlier for earlier, later in pairwise(after))
        if falls < self.lowered or _at_this_rate(history) < 2:
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


def rules_of(asked: Any) -> tuple[Rule, ...]:
    """The rules that a person asks for.

    Args:
        asked: a name of `BUILT_IN` or several with commas between ("careful" is all of them), a rule, or a
            sequence of names and rules; the first that wants something has its way.

    Raises:
        InputError: an unknown name, or a rule that cannot be written down.

    >>> rules_of("plateau")
    (LowerOnPlateau(patience=4, factor=0.5, least=0.01),)
    """
    if isinstance(asked, str):
        asked = [name.strip() for name in asked.split(",") if name.strip() not in ("", "none")]
    elif callable(asked):
        asked = [asked]
    rules: list[Rule] = []
    for one in asked:
        if isinstance(one, str):
            if one not in BUILT_IN:
                raise InputError(f"there is no rule {one!r}{did_you_mean(one, tuple(BUILT_IN))}")
            rules += BUILT_IN[one]
        else:
            from_plain(to_plain(one))
            rules.append(one)
    return tuple(rules)


def name_of(rule: Rule) -> str:
    """What a rule is called in the diary."""
    return type(rule).__name__


def to_plain(rule: Rule) -> dict[str, Any]:
    """A rule as plain data: where its class is, and its settings; raises InputError for one that is not so."""
    kind = type(rule)
    if not is_dataclass(rule) or not callable(rule) or kind.__module__ == "__main__" or "<" in kind.__qualname__:
        raise InputError(
            f"the rule {rule!r} could not be found again after a restart; make it a callable dataclass in a module "
            "that can be imported"
        )
    return {"rule": f"{kind.__module__}:{kind.__qualname__}", "settings": asdict(rule)}


def from_plain(plain: Mapping[str, Any]) -> Rule:
    """The rule that plain data describe; raises InputError where its class cannot be imported."""
    module, _, name = plain["rule"].partition(":")
    try:
        rule: Rule = getattr(importlib.import_module(module), name)(**plain["settings"])
    except (ImportError, AttributeError, TypeError) as error:
        raise InputError(f"the rule {plain['rule']} cannot be made ({error}); install its module there") from None
    return rule


def _finite(row: Row) -> bool:
    return math.isfinite(row["train_loss"]) and math.isfinite(row["val_loss"])


def _since_best(history: Sequence[Row], least: float) -> int:
    """How many epochs ago the validation loss fell by more than a share of its best last."""
    best, since = math.inf, 0
    for row in history:
        since += 1
        if row["val_loss"] < best * (1 - least):
            best, since = row["val_loss"], 0
    return since


def _at_this_rate(history: Sequence[Row]) -> int:
    """How many epochs the present learning rate has been in force."""
    rate = history[-1]["learning_rate"]
    other = [i for i, row in enumerate(history) if row["learning_rate"] != rate]
    return len(history) - 1 - (other[-1] if other else -1)


def _falls(rows: Sequence[Row], name: str) -> bool:
    return all(later[name] < earlier[name] for earlier, later in pairwise(rows))
