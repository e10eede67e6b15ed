"""History and diary as pandas tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from caviar.panda.state import effect

Rows = Sequence[Mapping[str, Any]]
DIARY = ("time", "epoch", "step", "by", "action", "details", "reason", "effect", "branch")
HISTORY = ("epoch", "train_loss", "val_loss")


def history_table(history: Rows, *, abandoned: bool = False) -> pd.DataFrame:
    """A row an epoch: the epoch, its metrics, the hyperparameters then in force, seconds, and its branch.

    Args:
        history: as a Panda remembers it; the untrained network, epoch 0, is left out.
        abandoned: False for the epochs that led to where the Panda is, True for those that were left behind.
    """
    rows = [row for row in history if row["abandoned"] is abandoned and row["epoch"] > 0]
    if not rows:
        return pd.DataFrame(columns=[*HISTORY])
    table = pd.DataFrame(rows).drop(columns="abandoned")
    table["branch"] = table.pop("branch")  # last
    return table


def diary_table(diary: Rows, history: Rows) -> pd.DataFrame:
    """A row an intervention: when, at which epoch and step, by whom, what, why, and what came of it.

    `effect` compares the validation loss before with that of up to three epochs later, or of the epoch of the next
    intervention where that is earlier.
    """
    rows = [{**entry, "effect": effect(entry, diary[i + 1 :], history)} for i, entry in enumerate(diary)]
    table = pd.DataFrame(rows, columns=[*DIARY])
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return table


def fork_table(diary: Rows) -> pd.DataFrame:
    """The copies of the latest fork that has ended, a row a copy."""
    copies: Rows = next((entry["copies"] for entry in reversed(diary) if "copies" in entry), [])
    return pd.DataFrame([{name: row[name] for name in row if name not in ("abandoned", "branch")} for row in copies])
