"""A Panda's state besides its network: what it still has to do, its history and its diary.

All of it is frozen: a session replaces its state as a whole. `plain.py` converts it to JSON and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from caviar._checks import check_integer_fields
from caviar.model.config import CHANGEABLE
from caviar.panda.rules import Rule
from caviar.records.trial import Config, Metrics

HAND, KEEPER = "hand", "keeper"  # who intervenes, besides rules: a person, and the Panda itself


class Activity(StrEnum):
    """What a Panda is doing now."""

    TRAINING = "training"
    FORKING = "forking"
    PAUSED = "paused"
    DIVERGED = "diverged"  # the loss is not finite; only a rewind helps
    IDLE = "idle"
    IN_TROUBLE = "in trouble"  # an error stopped it; the next command lets it try again


@dataclass(frozen=True)
class HistoryRow:
    """An epoch of the history."""

    epoch: int  # 0 for the untrained network, whose train_loss is NaN
    branch: int  # how many rewinds came before it
    metrics: Metrics  # train_loss, val_loss, and val_accuracy or val_rmse; no test metrics
    config: Config  # the changeable hyperparameters in force then
    seconds: float = 0.0
    abandoned: bool = False  # whether a rewind abandoned it

    @classmethod
    def of(cls, epoch: int, branch: int, report: Metrics, config: Config, seconds: float) -> "HistoryRow":
        """Return the row of a report, without its test metrics."""
        metrics = {name: value for name, value in report.items() if not name.startswith("test_")}
        return cls(epoch, branch, metrics, {name: config[name] for name in CHANGEABLE}, seconds)

    @property
    def val_loss(self) -> float:
        """The validation loss."""
        return self.metrics["val_loss"]

    def columns(self) -> dict[str, object]:
        """Return the row as rules and tables see it: one flat mapping."""
        return {"epoch": self.epoch, **self.metrics, **self.config, "seconds": self.seconds, "branch": self.branch}


@dataclass(frozen=True)
class DiaryEntry:
    """An intervention: when, at which epoch and step, by whom, what, why."""

    time: str
    epoch: int
    step: int
    by: str
    action: str
    details: str
    reason: str
    branch: int
    val_loss: float | None = None  # of the last epoch before it
    copies: tuple[Config, ...] = ()  # what a fork that ended here tried, one mapping per copy


@dataclass(frozen=True)
class ForkPlan:
    """A fork in training: what differs in each copy, for how many epochs, and whether the Panda was paused before."""

    changes: tuple[Config, ...]
    epochs: int
    was_paused: bool


@dataclass(frozen=True)
class PandaState:
    """All that a checkpoint holds besides the training's arrays."""

    epochs_remaining: int = 0
    step: int = 0  # the mini-batches trained in the current epoch
    paused: bool = False
    rules_pending: bool = False  # whether the rules have yet to look at the last epoch
    branch: int = 0  # how many rewinds there have been
    restarts: int = 0  # from a checkpoint
    rules: tuple[Rule, ...] = ()
    fork: ForkPlan | None = None
    history: tuple[HistoryRow, ...] = ()  # every epoch from 0 on, abandoned ones too
    diary: tuple[DiaryEntry, ...] = ()
    checkpoints: Mapping[int, int] = field(default_factory=dict)  # by the epoch that can be rewound to
    handled_ids: tuple[str, ...] = ()  # of the latest commands, so that one sent twice is executed once

    def __post_init__(self) -> None:
        check_integer_fields(self, "epochs_remaining", "step", "branch", "restarts", minimum=0)
        if not all({"val_loss"} <= set(row.metrics) for row in self.history):
            raise ValueError("each row of the history must have a val_loss")

    @property
    def lineage(self) -> tuple[HistoryRow, ...]:
        """The epochs that led to the present state."""
        return tuple(row for row in self.history if not row.abandoned)

    @property
    def best_epoch(self) -> int:
        """The epoch of the lineage with the lowest validation loss; 0 if none is a number."""
        rows = [row for row in self.lineage if row.val_loss == row.val_loss]
        return min(rows, key=lambda row: row.val_loss).epoch if rows else 0

    def abandon(self, epoch: int) -> "PandaState":
        """Return the state after a rewind to an epoch: later epochs are abandoned, and a new branch begins."""
        return replace(
            self,
            step=0,
            rules_pending=False,
            branch=self.branch + 1,
            history=tuple(replace(row, abandoned=True) if row.epoch > epoch else row for row in self.history),
            checkpoints={other: number for other, number in self.checkpoints.items() if other <= epoch},
        )


@dataclass(frozen=True)
class PandaStatus:
    """The status of a Panda at one moment."""

    state: Activity
    busy: bool  # whether it has anything left to do
    trouble: str  # the error that stopped it; "" if none
    data: str  # the name of its data set
    epoch: int
    step: int  # the mini-batches trained in the current epoch
    epochs_remaining: int
    config: Config  # all hyperparameters in force
    rules: tuple[str, ...]  # those that may tweak it, as strings
    checkpoints: tuple[int, ...]  # the epochs that can be rewound to
    folder: str
    process: str  # host:process of its actor
    history: tuple[HistoryRow, ...] = field(repr=False)
    diary: tuple[DiaryEntry, ...] = field(repr=False)
