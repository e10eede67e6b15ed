"""A study as it is looked at: its tables, each read once, however many pictures are made from them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from caviar.space.space import Space
from caviar.study.result import Result
from caviar.study.settings import Settings
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

    @cached_property
    def square(self) -> pd.DataFrame:
        return self.study.square

    @cached_property
    def ranking(self) -> list[Result]:
        return self.study.ranking

    @property
    def best(self) -> Result:
        return self.ranking[0]

    @property
    def finished(self) -> bool:
        """Whether any trial finished."""
        return bool((self.table["state"] == "finished").any())
