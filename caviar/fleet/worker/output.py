"""Keeps the last part of a trial's output, including warnings."""

import contextlib
import functools
import io
import os
import sys
import warnings
from pathlib import Path
from typing import TextIO

_OUTPUT_CHARACTERS = 1 << 16  # the last 64 KiB are kept
_FILE_BYTES = 1 << 26  # a file of output is cut when it is larger


class _Tail(io.TextIOBase):
    """A text stream that keeps the last part of its output, and counts all characters as `written`."""

    def __init__(self) -> None:
        self.written = 0
        self._parts: list[str] = []
        self._characters = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() takes str, not {type(text).__name__}")
        self.written += len(text)
        self._characters += len(text)
        self._parts.append(text)
        if self._characters > 2 * _OUTPUT_CHARACTERS:
            self._parts = [self.text()]
            self._characters = len(self._parts[0])
        return len(text)

    def text(self) -> str:
        return without_surrogates("".join(self._parts)[-_OUTPUT_CHARACTERS:])


class OutputFile:
    """The file that a process and its children print into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cut = 0

    @property
    def written(self) -> int:
        """How many bytes were written so far."""
        return self._cut + self._size

    def cut(self) -> None:
        """Keep only the last part if the file has become large; its writers append, so they continue at the new end."""
        if (size := self._size) > _FILE_BYTES:
            kept = self._tail()
            self.path.write_bytes(kept)
            self._cut += size - len(kept)

    def text(self) -> str:
        """Return the last part; bytes that are not UTF-8 are escaped."""
        with contextlib.suppress(FileNotFoundError):
            return self._tail().decode(errors="backslashreplace")
        return ""

    def append(self, text: str) -> None:
        """Add text at the end."""
        with self.path.open("ab") as file:
            file.write(text.encode(errors="backslashreplace"))

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    @property
    def _size(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return self.path.stat().st_size
        return 0

    def _tail(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _OUTPUT_CHARACTERS))
            return file.read()


def without_surrogates(text: str) -> str:
    r"""Return text that UTF-8 can hold; the name of a file, for example, may contain a byte that it cannot.

    >>> without_surrogates("no file a\udcff")
    'no file a\\udcff'
    """
    return text.encode(errors="backslashreplace").decode()


def _debug(stdout: TextIO, *arguments: object, **named: object) -> None:
    """Start the debugger at a `breakpoint()`, on the standard output that is not redirected."""
    import pdb  # slow to import, for the few who need it

    pdb.Pdb(stdout=stdout).set_trace(sys._getframe(1))


class Capture(contextlib.ExitStack):
    """Redirects output and all warnings to `tail` inside a `with` block; it can be entered repeatedly.

    >>> capture = Capture()
    >>> with capture:
    ...     print("epoch 1")
    >>> capture.tail.text()
    'epoch 1\\n'
    """

    def __init__(self) -> None:
        super().__init__()
        self.tail = _Tail()

    def __enter__(self) -> "Capture":
        if sys.breakpointhook is sys.__breakpointhook__ and "PYTHONBREAKPOINT" not in os.environ:
            self.callback(setattr, sys, "breakpointhook", sys.breakpointhook)
            sys.breakpointhook = functools.partial(_debug, sys.stdout)
        self.enter_context(contextlib.redirect_stdout(self.tail))
        self.enter_context(contextlib.redirect_stderr(self.tail))
        self.enter_context(warnings.catch_warnings())
        if not sys.warnoptions:  # of -W
            warnings.simplefilter("default")
        return self
