"""CSV files: every float to its last bit, and no cell that a spreadsheet would run."""

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins with one


def escape_formula(cell: object) -> object:
    """Return a cell of a CSV file, prefixed with a quote if a spreadsheet would run it as a formula.

    >>> escape_formula("=1+1"), escape_formula("adam"), escape_formula(-1)
    ("'=1+1", 'adam', -1)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def read_csv(source: Path | IO[bytes] | IO[str], **options: Any) -> "pd.DataFrame":
    """Return a CSV file as a table, with every float as it was written, to the last bit; options are those of pandas.

    >>> import io
    >>> read_csv(io.BytesIO(b"loss\\n0.1000000000000000055\\n"))["loss"].tolist()
    [0.1]
    """
    import pandas as pd  # slow to import

    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):  # from there on by default
        options["float_precision"] = "round_trip"
    table: pd.DataFrame = pd.read_csv(source, **options)
    return table
