"""A study as it is looked at: its tables, each read once, however many pictures are made from them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.records import journal as journals
from caviar.records.settings import Settings
from caviar.records.trial import Result
from caviar.space.space import Space
from caviar.study.study import Study


@dataclass(frozen=True)
class View:
    """What pictures and reports read; each name is that of the study."""

    study: Study

    @property
    def settings(self) -> Settings:
        return self.study.settings

    @property
    def space(self) -> Space:
        return self.study.space

    @property
    def folder(self) -> Path:
        return self.study.folder

    @property
    def versions(self) -> dict[str, str]:
        return self.study.versions

    @cached_property
    def table(self) -> pd.DataFrame:
        return self.study.table

    @cached_property
    def history(self) -> pd.DataFrame:
        return self.study.history

    @cached_property
    def waves(self) -> pd.DataFrame:
        return self.study.waves

    @property
    def fine_waves(self) -> list[dict[Any, Any]]:
        """The rows of the waves that were sampled from a square."""
        return self.waves[self.waves["kind"] == "fine"].to_dict("records")

    @cached_property
    def confirmation(self) -> pd.DataFrame:
        return self.study.confirmation

    @cached_property
    def square(self) -> pd.DataFrame:
        return self.study.square

    @cached_property
    def ranking(self) -> list[Result]:
        return self.study.ranking

    @property
    def given(self) -> str:
        """What it was given before its first run, in words; "" for nothing."""
        records = list(journals.read(self.folder)) if journals.holds_study(self.folder) else []
        configs = sum(len(record["enqueued"]) for record in records if "enqueued" in record)
        trials = sum(len(record["values"]) for record in records if "warm_start" in record)
        told = [(configs, "configs to begin with"), (trials, "finished trials to learn from")]
        return " and ".join(f"{count} {what}" for count, what in told if count)

    @property
    def best(self) -> Result:
        return self.ranking[0]

    @property
    def finished(self) -> bool:
        """Whether any trial finished."""
        return bool((self.table["state"] == "finished").any())
