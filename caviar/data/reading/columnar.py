"""Tables in Parquet and Feather files, which say the types of their columns."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from caviar._checks import import_optional
from caviar.data.reading.cells import Kind
from caviar.data.reading.content import Content
from caviar.data.reading.opening import damaged


class Columnar:
    """A Parquet or Feather file; an index that pandas wrote becomes columns, as in a CSV file.

    Args:
        path: of the file on disk. Arrow must open it itself: its threads may still hold a file of Python's when the
            interpreter ends, which then aborts or hangs (apache/arrow#34314, #50482).
        content: Parquet or Feather.
        name: of the file, for messages.
    """

    def __init__(self, path: Path, content: Content, name: str) -> None:
        needed_for = f"reading {name}, a {content} file,"
        self._path, self._name, self._is_parquet = path, name, content is Content.PARQUET
        self._arrow: Any = import_optional("pyarrow", needed_for, "tables")
        self._module: Any = import_optional(f"pyarrow.{content.lower()}", needed_for, "tables")

    def table(self) -> pd.DataFrame:
        """Return all of it."""
        with self._reading() as file:
            return self._to_pandas(self._module.read_table(file))

    def chunks(self, rows: int, kinds: Mapping[str, Kind]) -> Iterator[pd.DataFrame]:
        """Return this many rows at a time; the file says the kinds itself."""
        start = 0
        with self._reading() as file:
            if self._is_parquet:
                batches = self._module.ParquetFile(file).iter_batches(batch_size=rows)
            else:
                batches = self._module.read_table(file).to_batches(max_chunksize=rows)
            for batch in batches:
                table = self._to_pandas(self._arrow.Table.from_batches([batch]))
                table.index = pd.RangeIndex(start, start + len(table))
                start += len(table)
                yield table

    def _to_pandas(self, table: Any) -> pd.DataFrame:
        types = {self._arrow.bool_(): pd.BooleanDtype()}.get  # as in a CSV file; with gaps they would be objects
        frame: pd.DataFrame = table.to_pandas(types_mapper=types, split_blocks=True, self_destruct=True)
        if isinstance(frame.index, pd.RangeIndex):
            return frame
        names = [f"Unnamed: {number}" if name is None else name for number, name in enumerate(frame.index.names)]
        return frame.reset_index(names=names)

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        try:
            with self._arrow.OSFile(str(self._path)) as file:
                yield file
        except (self._arrow.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise damaged(self._name, error) from None
