"""What an experiment returns: the claim, its source, the conclusions, the tables, and pictures made from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from caviar.files import writing
from caviar.insight.report.page import Picture, Section, write_page
from caviar.records.tables import write_csv

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Drawing(NamedTuple):
    """How to draw a picture."""

    table: str  # the name of the table to draw
    draw: Callable[[pd.DataFrame], object]  # from that table to a Plotly figure


@dataclass(frozen=True, eq=False)
class Finding:
    """The outcome of one experiment."""

    name: str
    claim: str  # the sentence that was tested
    source: str  # of the claim
    conclusions: tuple[str, ...]  # what was found, in sentences made from the tables
    tables: Mapping[str, pd.DataFrame]  # by name, the main one first
    drawings: Mapping[str, Drawing]  # by the name of the picture

    @property
    def table(self) -> pd.DataFrame:
        """The main table."""
        return next(iter(self.tables.values()))

    def picture(self, name: str | None = None) -> "Figure":
        """Draw the Plotly figure with this name in `drawings`, by default the first."""
        drawing = self.drawings[name or next(iter(self.drawings))]
        figure: Figure = drawing.draw(self.tables[drawing.table])
        return figure

    def write_tables(self, folder: Path) -> list[Path]:
        """Write the main table, with the source of the claim in each row, as NAME.csv, the others as NAME-TABLE.csv."""
        _, *others = self.tables
        tables = {folder / f"{self.name}.csv": self.table.assign(source=self.source)}
        tables |= {folder / f"{self.name}-{name}.csv": self.tables[name] for name in others}
        for path, table in tables.items():
            with writing(path):
                folder.mkdir(parents=True, exist_ok=True)
                write_csv(table, path)
        return list(tables)

    def write_page(self, folder: Path, command: str) -> Path:
        """Write the finding as NAME.html, which opens offline and shows the command that repeats the experiment."""
        pictures = [Picture(self.picture(name), self.tables[drawing.table]) for name, drawing in self.drawings.items()]
        tables = {next(iter(self.tables)): self.table}
        sections = [
            Section("What was found", self.conclusions, pictures),
            Section("The claim", [self.claim, f"Source: {self.source}."]),
            Section("How to repeat it", ["Equal seeds give equal tables."], tables=tables, code=command),
        ]
        title = self.name.replace("-", " ").capitalize()
        return write_page(folder / f"{self.name}.html", title, self.claim, {}, sections)

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.conclusions)
        table = self.table.to_html(index=False, border=0, float_format="{:.4g}".format)
        return f"<p><b>{escape(self.claim)}</b> ({escape(self.source)})</p>{sentences}{table}"
