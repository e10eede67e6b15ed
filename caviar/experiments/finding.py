"""What an experiment hands back: the claim, its source, what was found, the tables, and pictures made from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.errors import StorageError
from caviar.insight.report.page import Picture, Section, write_page
from caviar.records.tables import write_csv

Tables = Mapping[str, pd.DataFrame]
Drawing = Callable[[pd.DataFrame], Any]  # a table to a Plotly figure


@dataclass(frozen=True, eq=False)
class Finding:
    """One experiment's outcome.

    name: of the experiment; claim: the sentence that was put to the test; source: whose claim it is;
    found: what came out, in sentences made from the tables; tables: by name, the main one first;
    drawings: for a picture's name, the table that it shows and the function that draws it.
    """

    name: str
    claim: str
    source: str
    found: tuple[str, ...]
    tables: Tables
    drawings: Mapping[str, tuple[str, Drawing]]

    @property
    def table(self) -> pd.DataFrame:
        """The main table."""
        return next(iter(self.tables.values()))

    def picture(self, name: str | None = None) -> Any:
        """Draw a Plotly figure.

        Args:
            name: one of `drawings`; the first if left out.

        Raises:
            InputError: Plotly is not installed.
        """
        table, draw = self.drawings[name or next(iter(self.drawings))]
        return draw(self.tables[table])

    def write_tables(self, folder: Path) -> list[Path]:
        """Write every table as CSV: NAME.csv the main one, NAME-TABLE.csv the others.

        Every row of the main one carries the source of the claim.

        Raises:
            StorageError: the folder cannot be written.
        """
        paths = []
        for i, (name, table) in enumerate(self.tables.items()):
            path = folder / (f"{self.name}-{name}.csv" if i else f"{self.name}.csv")
            try:
                folder.mkdir(parents=True, exist_ok=True)
                write_csv(table if i else table.assign(source=self.source), path)
            except OSError as error:
                raise StorageError(f"cannot write {path} ({error.strerror}); give another --out") from None
            paths.append(path)
        return paths

    def write_page(self, folder: Path, command: str) -> Path:
        """Write NAME.html: claim, source, findings, pictures and tables in one file that opens offline.

        Args:
            folder: where.
            command: what repeats the experiment, to be shown.

        Raises:
            InputError: Plotly is not installed.
            StorageError: the folder cannot be written.
        """
        drawn = [Picture(self.picture(name), self.tables[table]) for name, (table, _) in self.drawings.items()]
        main = next(iter(self.tables))
        shown = [
            Section("What was found", self.found, drawn),
            Section("The claim", [self.claim, f"Source: {self.source}."]),
            Section(
                "How to repeat it", ["The same seeds give the same tables."], tables={main: self.table}, code=command
            ),
        ]
        title = self.name.replace("-", " ").capitalize()
        return write_page(folder / f"{self.name}.html", title, self.claim, {}, shown)

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.found)
        table = self.table.to_html(index=False, border=0, float_format="{:.4g}".format)
        return f"<p><b>{escape(self.claim)}</b> ({escape(self.source)})</p>{sentences}{table}"
