"""How a study is doing, wherever it runs."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Status:
    """How a study is doing."""

    name: str
    state: str  # "waiting", "running", "stopped", "finished" or "failed"
    progress: str  # the last line that told it, or why it failed
    started: pd.Timestamp | None  # UTC
