"""What a user says about a file, where it is not to be guessed."""

import codecs
from dataclasses import dataclass

from caviar.errors import InputError


@dataclass(frozen=True)
class Format:
    r"""How a file of text is written; None: detected in its first lines.

    Args:
        separator: between cells, one character such as "," or "\t".
        decimal: "." or ",".
        encoding: a name that Python knows, such as "cp1252"; a byte-order mark comes first.
        header: whether the first line holds the columns' names.

    >>> Format(separator=";", decimal=",").header is None
    True
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.separator is not None and not _is_separator(self.separator):
            raise InputError(f"separator must be one character such as ',' or '\\t', got {self.separator!r}")
        if self.decimal not in (None, ".", ","):
            raise InputError(f"decimal must be '.' or ',', got {self.decimal!r}")
        if self.decimal is not None and self.decimal == self.separator:
            raise InputError(f"separator and decimal must differ, got {self.decimal!r} for both")
        if not isinstance(self.header, bool | None):  # 0 is the first line in pandas, and no header here
            raise InputError(f"header must be True, False or None, got {self.header!r}")
        if self.encoding is not None and not _is_encoding(self.encoding):
            raise InputError(
                f"encoding must be a name that Python knows, such as 'utf-8' or 'cp1252', got {self.encoding!r}"
            )


def _is_separator(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in "\"'.-+\r\n"


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and "".encode(value) is not None and codecs.lookup(value) is not None
    except (LookupError, UnicodeError):  # also for codecs that do not encode text, such as "hex" and "undefined"
        return False
