"""History, diary and forks as pandas tables."""

from collections.abc import Sequence

import pandas as pd

from caviar.panda.state import DiaryEntry, HistoryRow

DIARY = ("time", "epoch", "step", "by", "action", "details", "reason", "effect", "branch")
HISTORY = ("epoch", "train_loss", "val_loss")
WITHOUT_EFFECT = ("pause", "resume", "follow", "stop", "came back", "rule dropped")  # on the training
EFFECT_EPOCHS = 3


def history_table(history: Sequence[HistoryRow], *, abandoned: bool = False) -> pd.DataFrame:
    """Return a row an epoch: the epoch, its metrics, the hyperparameters then in force, seconds, and its branch.

    Args:
        history: of a Panda's state; the untrained network, epoch 0, is left out.
        abandoned: False for the epochs that led to where the Panda is, True for those that rewinds left behind.
    """
    rows = [row.columns() for row in history if row.abandoned is abandoned and row.epoch > 0]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*HISTORY])


def diary_table(diary: Sequence[DiaryEntry], history: Sequence[HistoryRow]) -> pd.DataFrame:
    """Return a row an intervention: when, at which epoch and step, by whom, what, why, and what came of it.

    Args:
        diary: of a Panda's state.
        history: all its epochs, for `effect`.
    """
    rows = [{**vars(entry), "effect": effect(entry, diary[i + 1 :], history)} for i, entry in enumerate(diary)]
    table = pd.DataFrame(rows, columns=[*DIARY])
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return table


def fork_table(diary: Sequence[DiaryEntry]) -> pd.DataFrame:
    """Return the copies of the latest fork that has ended, a row a copy."""
    return pd.DataFrame(list(next((entry.copies for entry in reversed(diary) if entry.copies), ())))


def effect(entry: DiaryEntry, later: Sequence[DiaryEntry], history: Sequence[HistoryRow]) -> str:
    """Return what an intervention did to the validation loss: before, and up to three epochs after.

    Args:
        entry: of the diary.
        later: the entries after it; what comes after the next intervention is not an effect of this one.
        history: all epochs.
    """
    if entry.action in WITHOUT_EFFECT:
        return ""
    last = min([entry.epoch + EFFECT_EPOCHS, *(other.epoch for other in later if other.epoch > entry.epoch)])
    rows = [row for row in history if row.branch == entry.branch and entry.epoch < row.epoch <= last]
    if not rows:
        return ""
    before = "" if entry.val_loss is None else f"{entry.val_loss:.4g} -> "
    epochs = rows[-1].epoch - entry.epoch
    return f"val_loss {before}{rows[-1].val_loss:.4g} in {epochs} epoch{'s' * (epochs > 1)}"
