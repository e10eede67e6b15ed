"""Compressed files, told by their content; torn ones."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile

import pytest

from caviar.data.reading.compression import decompressed
from caviar.data.reading.read import read_table
from caviar.errors import InputError

TEXT = ("width,kind\n" + "".join(f"{number / 7},rose\n" for number in range(20_000))).encode()


def zipped(*names, content=TEXT):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def zstandard(content):
    package = pytest.importorskip("zstandard", reason="zstandard is a part of the test extra")
    return package.ZstdCompressor().compress(content)


COMPRESS = {
    "gz": gzip.compress,
    "zip": lambda content: zipped("a.csv", content=content),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard,
}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_is_read_whatever_its_name(suffix, tmp_path):
    for name in (f"a.csv.{suffix}", "a.csv", "a.gz"):
        (tmp_path / name).write_bytes(COMPRESS[suffix](TEXT))
        assert read_table(tmp_path / name)["width"].tolist() == [number / 7 for number in range(20_000)]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_torn_file_raises_one_sentence(suffix, tmp_path):
    file, content = tmp_path / f"a.csv.{suffix}", COMPRESS[suffix](TEXT)
    for size in (len(content) - 1, len(content) // 2, 20):
        file.write_bytes(content[:size])
        with pytest.raises(InputError, match=r"a\.csv\.\w+ is damaged or incomplete \(.*\); copy or download it again"):
            read_table(file)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_damaged_file_raises_one_sentence(suffix, tmp_path):
    content = bytearray(COMPRESS[suffix](TEXT))
    content[len(content) // 2 : len(content) // 2 + 100] = b"x" * 100
    file = tmp_path / f"a.csv.{suffix}"
    file.write_bytes(content)
    with pytest.raises(InputError, match="is damaged or incomplete"):
        read_table(file)


def test_a_misnamed_file_is_read(tmp_path):
    file = tmp_path / "a.csv.gz"
    file.write_bytes(TEXT)
    assert len(read_table(file)) == 20_000


def test_a_file_that_is_compressed_twice_or_in_parts_is_read():
    twice, zip_in_gzip = gzip.compress(gzip.compress(b"a,b")), gzip.compress(zipped("a", content=b"a,b"))
    for content in (twice, zip_in_gzip, gzip.compress(zstandard(b"a,b")), zstandard(b"a") + zstandard(b",b")):
        assert decompressed(io.BufferedReader(io.BytesIO(content)), "a").read() == b"a,b"


def test_a_file_that_is_compressed_without_an_end_raises_one_sentence(tmp_path):
    content = TEXT
    for _ in range(300):
        content = gzip.compress(content)
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv must be compressed fewer than 5 times"):
        read_table(tmp_path / "a.csv")


def test_a_zip_must_contain_one_file(tmp_path):
    file = tmp_path / "a.zip"
    file.write_bytes(zipped("a.csv", "b.csv"))
    with pytest.raises(InputError, match=r"a\.zip must contain one file, got 2 \(a\.csv, b\.csv\); unpack it and give"):
        read_table(file)
    file.write_bytes(zipped())
    with pytest.raises(InputError, match=r"must contain one file, got 0 \(none\)"):
        read_table(file)
    file.write_bytes(zipped("tables/", "tables/a.csv", "__MACOSX/tables/._a.csv", "tables/.DS_Store"))
    assert len(read_table(file)) == 20_000


def test_an_encrypted_zip_raises_one_sentence(tmp_path):
    content = bytearray(zipped("a.csv"))
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot unpack .*a\.zip \(.*encrypted.*\); unpack it and give"):
        read_table(tmp_path / "a.zip")


def test_an_excel_workbook_raises_one_sentence(tmp_path):
    (tmp_path / "a.csv").write_bytes(zipped("[Content_Types].xml", "xl/workbook.xml"))
    with pytest.raises(InputError, match=r"a\.csv is an Excel workbook; save its table as a CSV file"):
        read_table(tmp_path / "a.csv")


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"0" * 100)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(InputError, match=r"reading .*a\.zst needs zstandard; .* 'caviar-tune\[tables\]'"):
        read_table(tmp_path / "a.zst")
