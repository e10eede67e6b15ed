"""What a Panda remembers beside its network: history, diary, and what it still has to do. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from caviar.model.config import CHANGEABLE

STILL = ("pause", "resume", "follow", "stop", "came back")  # entries that change nothing about the training
KEEPER = "keeper"  # who intervenes where neither a rule nor a hand does


@dataclass
class Memory:
    """The plain data of a checkpoint."""

    left: int = 0  # epochs still to be trained
    step: int = 0  # mini-batches of the present epoch that are trained
    paused: bool = False
    unjudged: bool = False  # the rules have not looked at the last epoch yet
    branch: int = 0  # counts the rewinds
    wakings: int = 0
    rules: list[dict[str, Any]] = field(default_factory=list)
    fork: dict[str, Any] | None = None  # the copies that are in training
    history: list[dict[str, Any]] = field(default_factory=list)  # every epoch from 0, abandoned ones too
    diary: list[dict[str, Any]] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)  # epochs to rewind to: their checkpoints' numbers
    heard: list[str] = field(default_factory=list)  # the latest commands

    @property
    def present(self) -> list[dict[str, Any]]:
        """The epochs that led to where the Panda is."""
        return [row for row in self.history if not row["abandoned"]]

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The present epoch with the lowest validation loss."""
        rows = [row for row in self.present if row["val_loss"] == row["val_loss"]]
        return min(rows, key=lambda row: row["val_loss"], default=None)

    def abandon(self, epoch: int) -> list[dict[str, Any]]:
        """Leave behind what came after an epoch; gives those rows."""
        left = [row for row in self.present if row["epoch"] > epoch]
        for row in left:
            row["abandoned"] = True
        self.epochs = {text: number for text, number in self.epochs.items() if int(text) <= epoch}
        self.branch += 1
        return left

    def note(self, by: str, action: str, details: str, reason: str, epoch: int) -> None:
        """Write into the diary."""
        present = self.present
        self.diary.append(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "epoch": epoch,
                "step": self.step,
                "by": by,
                "action": action,
                "details": details,
                "reason": reason,
                "branch": self.branch,
                "val_loss": present[-1]["val_loss"] if present else None,
            }
        )


def row_of(
    epoch: int, branch: int, report: Mapping[str, float], config: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """A row of the history: the metrics of an epoch, and the hyperparameters then in force."""
    seen = {name: value for name, value in report.items() if not name.startswith("test_")}  # the test is held out
    force = {name: config[name] for name in CHANGEABLE}
    return {"epoch": epoch, "branch": branch, "abandoned": False, **seen, **force, "seconds": seconds}


def in_words(config: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Changes of hyperparameters as the diary has them.

    >>> in_words({"learning_rate": 0.01}, {"learning_rate": 0.003})
    'learning_rate 0.01 -> 0.003'
    """
    return ", ".join(f"{name} {_short(config[name])} -> {_short(value)}" for name, value in changes.items())


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def effect(entry: Mapping[str, Any], later: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]]) -> str:
    """What an intervention did to the validation loss: before, and up to three epochs after.

    Args:
        entry: of the diary.
        later: the entries after it; what comes after the next intervention is not this one's doing.
        history: all epochs.
    """
    if entry["action"] in STILL:
        return ""
    until = min((other["epoch"] for other in later if other["epoch"] > entry["epoch"]), default=entry["epoch"] + 3)
    rows = [row for row in history if row["branch"] == entry["branch"] and row["epoch"] > entry["epoch"]]
    after = [row for row in rows if row["epoch"] <= min(until, entry["epoch"] + 3)]
    if not after:
        return ""
    before = "" if entry["val_loss"] is None else f"{entry['val_loss']:.4g} -> "
    epochs = after[-1]["epoch"] - entry["epoch"]
    return f"val_loss {before}{after[-1]['val_loss']:.4g} in {epochs} epoch{'s' * (epochs > 1)}"
