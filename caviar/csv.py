"""CSV files: every float to its last bit, and no cell that a spreadsheet would run."""

import csv
import io
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# how cells begin that a spreadsheet would run; in some languages also with these signs in full width
_FORMULA_STARTS = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
_HARMLESS = re.compile(r"[+-]|[+-]?(\d+(\.\d*)?(e[+-]?\d+)?|inf)", re.ASCII | re.IGNORECASE)  # signs and numbers


def escape_formula(cell: object) -> object:
    """Return a cell of a CSV file, prefixed with a quote if a spreadsheet would run it as a formula.

    >>> escape_formula("=1+1"), escape_formula("adam"), escape_formula("-1"), escape_formula(-1)
    ("'=1+1", 'adam', '-1', -1)
    """
    runs = isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) and not _HARMLESS.fullmatch(cell)
    return f"'{cell}" if runs else cell


def to_csv(table: "pd.DataFrame", *, header: bool = True) -> bytes:
    r"""Return a table as the content of a CSV file, the same bytes on every system, without cells that run.

    >>> import pandas as pd
    >>> to_csv(pd.DataFrame({"=label": ["adam", "@sum(1)"]}))
    b"'=label\nadam\n'@sum(1)\n"
    """
    import numpy as np
    import pandas as pd  # slow to import

    safe = table.copy(deep=False)
    for number, dtype in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(number, table.iloc[:, number].map(_cell).array)
    safe.columns = pd.Index([_cell(name) for name in table.columns])
    with np.printoptions(legacy=False):  # a program may have set "1.13", which cuts floats to 12 digits
        return safe.to_csv(index=False, header=header, lineterminator="\n").encode()


def escape_cells(content: bytes) -> bytes:
    """Return a CSV file of others without cells that run; one that Caviar wrote stays as it is.

    >>> escape_cells(b"loss,error\\n-1.5,=1+1\\n")
    b"loss,error\\n-1.5,'=1+1\\n"
    """
    if len(content) > csv.field_size_limit():
        csv.field_size_limit(len(content))
    safe = io.StringIO(newline="")
    rows = csv.reader(io.StringIO(content.decode(errors="replace"), newline=""))
    csv.writer(safe, lineterminator="\n").writerows([escape_formula(cell) for cell in row] for row in rows)
    return safe.getvalue().encode()


def _cell(value: object) -> object:
    """A cell that no spreadsheet runs, on lines that every reader sees: a bare carriage return would end its row."""
    return escape_formula(value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value)


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
