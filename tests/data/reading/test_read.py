"""What users have becomes a DataFrame; chunks read as the whole would."""

import numpy as np
import pandas as pd
import pytest

from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table
from caviar.errors import InputError


def test_a_dataframe_is_returned_as_it_is():
    table = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "5": ["x", "y"]}, index=[7, 3])
    assert read_table(table) is table


def test_names_that_are_no_text_become_text_and_the_table_stays_as_it_is():
    table = pd.DataFrame([[1, 2, 3, 4]], columns=pd.Index([5, None, ("a", 1), 2.5], dtype=object))
    assert list(read_table(table)) == ["5", "None", "('a', 1)", "2.5"]
    assert table.columns[0] == 5
    with pytest.raises(InputError, match="two columns named '5'; rename one"):
        read_table(pd.DataFrame([[1, 2]], columns=[5, "5"]))


INVALID = {
    "the table has column names of 2 levels, such as .'a', 'b'.; make them one": pd.DataFrame({("a", "b"): [1]}),
    "the table has two columns named 'a'; rename one of them": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "a table must be a pandas DataFrame, or the path or URL of a file, got a value of type ndarray": np.eye(2),
    "a table must be .* got a value of type NoneType": None,
}


@pytest.mark.parametrize("message", INVALID)
def test_what_is_no_table_raises_one_sentence(message):
    with pytest.raises(InputError, match=message):
        read_table(INVALID[message])


def test_an_empty_file_raises_one_sentence(tmp_path):
    for content in (b"", b"\n", b"\xef\xbb\xbf", b" \r\n\r\n"):
        (tmp_path / "data.csv").write_bytes(content)
        with pytest.raises(InputError, match=r"data\.csv is empty; it needs a line of names and rows"):
            read_table(tmp_path / "data.csv")


def test_a_header_alone_has_no_rows(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n", encoding="utf-8")
    assert read_table(tmp_path / "data.csv").shape == (0, 2)
    assert sum(len(chunk) for chunk in read_chunks(tmp_path / "data.csv", Format(), 5, {"a": "number"})) == 0


def test_chunks_are_what_the_whole_is(tmp_path):
    rows = [f"{'?' if row % 3 else row},{['true', ''][row % 2]},{row:03}" for row in range(50)]
    text = "\n".join(["width,flag,code", *rows, "1,False,unknown"])
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    whole = read_table(tmp_path / "data.csv")
    kinds = {"width": "number", "flag": "boolean", "code": "text", "other": "number"}
    for size in (1, 7, 100):
        chunks = list(read_chunks(tmp_path / "data.csv", Format(), size, kinds))
        assert {len(chunk) for chunk in chunks[:-1]} <= {size}
        assert all(chunk.dtypes.equals(whole.dtypes) for chunk in chunks)
        pd.testing.assert_frame_equal(pd.concat(chunks), whole)
    assert whole["code"].tolist()[:2] == ["000", "001"]


def test_a_chunk_of_another_kind_raises_one_sentence(tmp_path):
    (tmp_path / "data.csv").write_text("a\n" + "1\n" * 20 + "many\n", encoding="utf-8")
    chunks = read_chunks(tmp_path / "data.csv", Format(), 8, {"a": "number"})
    assert len(next(chunks)) == 8
    with pytest.raises(InputError, match=r"column 'a' of .*data\.csv must contain only numbers, got 'many' in row 21"):
        list(chunks)


def test_invalid_arguments_raise_before_anything_is_read():
    with pytest.raises(InputError, match="unknown kind 'numbr' of column 'a'; did you mean 'number'"):
        read_chunks("none.csv", Format(), 1, {"a": "numbr"})
    with pytest.raises(InputError, match="rows must be an integer >= 1, got 0"):
        read_chunks("none.csv", Format(), 0, {})
