"""Parquet and Feather."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table
from caviar.errors import InputError

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is a part of the test extra")
TABLE = pd.DataFrame(
    {
        "width": [0.1, np.nan, 2.5],
        "count": [1, 2, 2**62 + 1],
        "nullable": pd.array([2**62 + 1, None, 3], dtype="Int64"),
        "flag": pd.array([True, None, False], dtype="boolean"),
        "kind": pd.Series(["None", None, "rose"], dtype="string"),
        "level": pd.Categorical(["low", "high", None], ["low", "high"], ordered=True),
        "day": pd.to_datetime(["2024-02-29 00:00", None, "2025-01-01 12:00"]),
        "time": pd.to_timedelta(["1h", None, "2s"]),
    }
)
WRITE = {"parquet": pd.DataFrame.to_parquet, "feather": pd.DataFrame.to_feather}


@pytest.mark.parametrize("kind", WRITE)
def test_a_table_keeps_its_types(kind, tmp_path):
    file = tmp_path / "data.csv"  # whatever its name
    WRITE[kind](TABLE, file)
    pd.testing.assert_frame_equal(read_table(file), TABLE)
    chunks = list(read_chunks(file, Format(), 2, {"count": "number"}))
    assert [len(chunk) for chunk in chunks] == [2, 1]
    pd.testing.assert_frame_equal(pd.concat(chunks), TABLE)


def test_a_compressed_file_is_read(tmp_path):
    (tmp_path / "data.gz").write_bytes(gzip.compress(TABLE.to_parquet()))
    pd.testing.assert_frame_equal(read_table(tmp_path / "data.gz"), TABLE)


def test_booleans_with_gaps_of_other_programs_are_nullable(tmp_path):
    pyarrow.parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"flag": [True, None]}), tmp_path / "data.parquet")
    assert str(read_table(tmp_path / "data.parquet")["flag"].dtype) == "boolean"


def test_an_index_becomes_columns(tmp_path):
    for index, name in (([5, 7, 9], "Unnamed: 0"), (pd.Index(list("abc"), name="id"), "id")):
        TABLE[["width"]].set_axis(index).to_parquet(tmp_path / "data.parquet")
        assert read_table(tmp_path / "data.parquet")[name].tolist() == list(index)


@pytest.mark.parametrize("kind", WRITE)
def test_a_torn_file_raises_one_sentence(kind, tmp_path):
    file = tmp_path / "data"
    WRITE[kind](TABLE, file)
    for size in (len(file.read_bytes()) - 1, 500, 10):
        file.write_bytes(file.read_bytes()[:size])
        with pytest.raises(InputError, match=r"data is damaged or incomplete \(.*\); copy or download") as error:
            read_table(file)
        assert "\n" not in str(error.value)
        with pytest.raises(InputError, match="is damaged or incomplete"):
            list(read_chunks(file, Format(), 2, {}))


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    TABLE.to_parquet(tmp_path / "data.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"data\.parquet, a Parquet file, needs pyarrow; .* 'caviar-tune\[tables\]'"):
        read_table(tmp_path / "data.parquet")


@pytest.mark.parametrize("compress", [False, True])
def test_arrow_opens_the_file_itself(tmp_path, monkeypatch, compress):
    """With a file of Python's, one process in ten aborted at its end (apache/arrow#34314)."""
    parquet = pytest.importorskip("pyarrow.parquet")
    read, sources = parquet.read_table, []
    monkeypatch.setattr(parquet, "read_table", lambda source: sources.append(type(source)) or read(source))
    path = tmp_path / "flowers.parquet"
    pd.DataFrame({"width": [1.5]}).to_parquet(path)
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert read_table(path)["width"].item() == 1.5
    assert sources == [pyarrow.OSFile]
