"""A table that pandas writes, in whatever format, reads back equal."""

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from caviar.data.reading.cells import MISSING, convert
from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table

WORDS = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1, max_size=8)
MARKS = st.text(",;|\t\"'.- \nab1", min_size=1, max_size=8)
TEXT = (WORDS | MARKS).map(str.strip).filter(lambda text: text and text not in MISSING)
COLUMNS = {
    "number": st.floats(allow_nan=True),
    "count": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.sampled_from([True, False, None]),
    "text": TEXT | st.none(),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252"]


@st.composite
def tables(draw):
    """A table of a few columns of any kinds, whose text is not all numbers."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=5))
    rows = draw(st.integers(1, 6))
    columns = {}
    for number, kind in enumerate(kinds):
        cells = draw(st.lists(COLUMNS[kind], min_size=rows, max_size=rows))
        if kind == "text":
            assume(convert([cell or "" for cell in cells], ",") is convert([cell or "" for cell in cells], ".") is None)
            columns[f"c{number}"] = pd.Series(cells, dtype=pd.Series(["x"]).dtype).fillna(np.nan)
        elif kind == "boolean":
            assume(any(cell is not None for cell in cells))
            columns[f"c{number}"] = pd.Series(cells, dtype="boolean")
        else:
            columns[f"c{number}"] = pd.Series(cells, dtype="int64" if kind == "count" else "float64")
    return pd.DataFrame(columns)


def same_kinds(table):
    kinds = {"boolean": "boolean", "float64": "number", "int64": "number"}
    return {name: kinds.get(str(dtype), "text") for name, dtype in table.dtypes.items()}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    deadline=None,
    max_examples=60,
)
@given(
    table=tables(),
    separator=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    encoding=st.sampled_from(ENCODINGS),
    quoting=st.sampled_from([0, 1, 2]),
    compression=st.sampled_from([None, "gzip", "zip", "bz2", "xz"]),
    rows=st.integers(1, 7),
)
def test_what_pandas_writes_reads_back_equal(
    table, separator, decimal, encoding, quoting, compression, rows, tmp_path_factory
):
    assume(separator != decimal)
    assume(encoding != "utf-16" or compression not in ("bz2", "xz"))  # pandas writes no mark there
    file = tmp_path_factory.getbasetemp() / "law"
    options = {"sep": separator, "decimal": decimal, "encoding": encoding, "quoting": quoting}
    table.to_csv(file, index=False, compression=compression, **options)
    said = Format(separator, decimal, encoding, header=True)
    pd.testing.assert_frame_equal(read_table(file, said), table)
    numbers = [name for name, kind in same_kinds(table).items() if kind == "number"]
    chunks = pd.concat(read_chunks(file, said, rows, same_kinds(table)))
    pd.testing.assert_frame_equal(chunks, table.astype(dict.fromkeys(numbers, "float64")))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    widths=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=6),
    separator=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    encoding=st.sampled_from(ENCODINGS),
)
def test_the_format_of_an_ordinary_table_is_found(widths, separator, decimal, encoding, tmp_path_factory):
    assume(separator != decimal)
    file = tmp_path_factory.getbasetemp() / "law"
    table = pd.DataFrame({"width": [*widths, 0.5], "kind": "größer", "count": range(len(widths) + 1)})
    table.to_csv(file, index=False, sep=separator, decimal=decimal, encoding=encoding)
    pd.testing.assert_frame_equal(read_table(file), table)
