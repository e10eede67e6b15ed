"""Bytes as text: by a byte-order mark, as the user says, or as UTF-8 with whatever is not as Windows-1252."""

import codecs
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from caviar._interface import setting
from caviar.errors import InputError

_MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_FALLBACK = "caviar-windows-1252"
_replaced = 0  # bytes so far, of all files
_logger = logging.getLogger("caviar")


@contextmanager
def decoded(stream: IO[bytes], head: bytes, encoding: str | None) -> Iterator[IO[str]]:
    r"""Open a stream of bytes as text; the stream stays open.

    Args:
        stream: at its start.
        head: its first bytes.
        encoding: what the user says; None: UTF-8, except for bytes that are not.

    >>> with decoded(io.BytesIO(b"caf\xe9"), b"caf", None) as text:
    ...     text.read()
    'café'
    """
    marked = next((known for mark, known in _MARKS.items() if head.startswith(mark)), encoding)
    errors = "strict" if marked else _FALLBACK
    text = io.TextIOWrapper(stream, marked or "utf-8", errors, newline="")
    try:
        yield text
    finally:
        text.detach()


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Say once if text that is read in the block is not UTF-8; raise InputError if it is not as its mark or user says.

    Args:
        name: of the file.
    """
    before = _replaced
    try:
        yield
    except UnicodeError as error:
        encoding = getattr(error, "encoding", "text in its encoding")
        raise InputError(
            f"{name} is not {encoding} ({getattr(error, 'reason', error)}); say its encoding, such as "
            f"{setting('encoding', 'cp1252')}"
        ) from None
    if _replaced > before:
        _logger.info(
            "%s is not UTF-8 throughout: other characters were read as Windows-1252; if they are wrong, say %s",
            name,
            setting("encoding"),
        )


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    global _replaced
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _replaced += 1
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end  # has a character for each byte


codecs.register_error(_FALLBACK, _as_windows)
