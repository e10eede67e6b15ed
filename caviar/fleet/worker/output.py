"""Keeps the last part of a trial's output, including warnings."""

import contextlib
import io
import warnings

_OUTPUT_CHARACTERS = 1 << 16  # the last 64 KiB are kept


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


def without_surrogates(text: str) -> str:
    r"""Return text that UTF-8 can hold; the name of a file, for example, may contain a byte that it cannot.

    >>> without_surrogates("no file a\udcff")
    'no file a\\udcff'
    """
    return text.encode(errors="backslashreplace").decode()


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
        self.enter_context(contextlib.redirect_stdout(self.tail))
        self.enter_context(contextlib.redirect_stderr(self.tail))
        self.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")
        return self
