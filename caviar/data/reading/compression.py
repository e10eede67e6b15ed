"""Decompresses a file by what it contains, whatever its name: gzip, zip, bzip2, xz, Zstandard."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable
from typing import Any

from caviar._checks import import_optional
from caviar.errors import InputError

Stream = Any  # an open file of bytes that has `peek`, as all that the standard library makes have
_BLOCK = 2**18  # bytes
_MOST_TIMES = 5
_ASIDE = re.compile(r"/$|^__MACOSX/|(^|/)\.")  # folders, and what systems add beside a file, such as .DS_Store
_OFFICE = {"xl/": "an Excel workbook", "word/": "a Word document", "content.xml": "an OpenDocument file"}


def decompressed(file: Stream, name: str) -> Stream:
    """Return a file's content, decompressed if need be, a few times if it was compressed more than once.

    Args:
        file: open for reading, at its start.
        name: of the file, for error messages.

    >>> decompressed(io.BufferedReader(io.BytesIO(gzip.compress(b"a,b"))), "letters.csv").read()
    b'a,b'
    """
    for _ in range(_MOST_TIMES):
        head = file.peek(6)
        unpack = next((unpack for magic, unpack in _UNPACK.items() if head.startswith(magic)), None)
        if unpack is None:
            return file
        file = unpack(file, name)
    raise InputError(f"{name} must be compressed fewer than {_MOST_TIMES} times; unpack it and give the file in it")


def _unzip(file: Stream, name: str) -> Stream:
    archive = zipfile.ZipFile(file)
    names = [entry for entry in archive.namelist() if not _ASIDE.search(entry)]
    for part, kind in _OFFICE.items():
        if any(entry.startswith(part) for entry in names):
            raise InputError(f"{name} is {kind}; save its table as a CSV file")
    if len(names) != 1:
        files = ", ".join([*names[:10], "..."] if len(names) > 10 else names) or "none"
        raise InputError(f"{name} must contain one file, got {len(names)} ({files}); unpack it and give one of them")
    try:
        return archive.open(names[0])
    except (NotImplementedError, RuntimeError) as error:  # another method, or a password
        raise InputError(f"cannot unpack {name} ({error}); unpack it and give the file in it") from None


class _Zstandard(io.RawIOBase):
    """A reader that, unlike the package's own, raises an error if the file ends too early."""

    def __init__(self, file: Stream, name: str) -> None:
        self._file = file
        self._zstandard = import_optional("zstandard", f"reading {name}", "tables")
        self._frame: Any = self._zstandard.ZstdDecompressor().decompressobj()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            block = (self._frame.eof and self._frame.unused_data) or self._file.read(_BLOCK)
            if not block:
                if not self._frame.eof:
                    raise EOFError("it ends too early")
                return 0
            if self._frame.eof:  # a file may consist of several frames
                self._frame = self._zstandard.ZstdDecompressor().decompressobj()
            try:
                self._ready = self._frame.decompress(block)
            except self._zstandard.ZstdError as error:
                raise EOFError(str(error)) from None
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


_UNPACK: dict[bytes, Callable[[Stream, str], Stream]] = {
    b"\x1f\x8b": lambda file, _: gzip.GzipFile(fileobj=file, mode="rb"),
    b"PK\x03\x04": _unzip,
    b"PK\x05\x06": _unzip,  # without any file
    b"BZh": lambda file, _: bz2.BZ2File(file),
    b"\xfd7zXZ\x00": lambda file, _: lzma.LZMAFile(file),  # noqa: SIM115
    b"\x28\xb5\x2f\xfd": lambda file, name: io.BufferedReader(_Zstandard(file, name), _BLOCK),
}
