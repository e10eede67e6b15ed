"""Encodings and byte-order marks."""

import logging

import pytest

from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table
from caviar.errors import InputError

TABLE = "größe,straße\n1.5,Café\n2.5,Ærø\n"


def rows(folder, content, **format):
    (folder / "data.csv").write_bytes(content)
    table = read_table(folder / "data.csv", Format(**format))
    assert table.columns.tolist() == ["größe", "straße"]
    return table["straße"].tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_utf_with_a_mark_is_read(encoding, tmp_path, caplog):
    caplog.set_level(logging.INFO, "caviar")
    assert rows(tmp_path, TABLE.encode(encoding)) == ["Café", "Ærø"]
    assert rows(tmp_path, TABLE.encode(encoding), encoding="utf-8") == ["Café", "Ærø"]
    assert not caplog.records


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_windows_and_latin_are_read_and_said(encoding, tmp_path, caplog):
    caplog.set_level(logging.INFO, "caviar")
    assert rows(tmp_path, TABLE.encode(encoding)) == ["Café", "Ærø"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'data.csv'} is not UTF-8 throughout: other characters were read as Windows-1252; if they are "
        "wrong, say encoding="
    ]


def test_a_late_character_is_read(tmp_path, caplog):
    caplog.set_level(logging.INFO, "caviar")
    file = tmp_path / "data.csv"
    file.write_bytes(b"a,b\n" + b"1,rose\n" * 300_000 + b"2,caf\xe9\n3,\x80\x81\n")
    assert read_table(file)["b"].tolist()[-2:] == ["café", "€\x81"]  # \x81 is a character of Latin-1 alone
    assert len(caplog.records) == 1
    *_, last = read_chunks(file, Format(), 100_000, {})
    assert last["b"].tolist() == ["café", "€\x81"]


def test_an_encoding_that_is_said_is_used(tmp_path):
    assert rows(tmp_path, TABLE.encode("cp850"), encoding="cp850") == ["Café", "Ærø"]
    assert rows(tmp_path, TABLE.encode("utf-16-le"), encoding="utf-16-le") == ["Café", "Ærø"]


def test_a_wrong_encoding_raises_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"data\.csv is not utf-8 \(.*\); say its encoding, such as encoding='cp1252'"):
        rows(tmp_path, TABLE.encode("cp1252"), encoding="utf-8")
    with pytest.raises(InputError, match=r"data\.csv is not utf-16-le \(truncated data\)"):
        rows(tmp_path, TABLE.encode("utf-16")[:-1])
