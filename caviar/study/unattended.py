"""A run goes on when nobody watches it any more: its terminal was closed, or what reads its output has ended."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from caviar._streams import open_standard_streams


@contextlib.contextmanager
def unattended() -> Iterator[None]:
    """Let the block outlive its terminal and the readers of its output.

    What nobody can read is dropped. SIGHUP, which a closed terminal sends, is ignored unless it has a handler.
    """
    open_standard_streams()
    with contextlib.ExitStack() as stack:
        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGHUP)
            if handler is signal.SIG_DFL:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                stack.callback(signal.signal, signal.SIGHUP, handler)
        if isinstance(sys.stdout, io.TextIOWrapper):
            stack.enter_context(contextlib.redirect_stdout(cast(TextIO, _Stream(sys.stdout))))
        if isinstance(sys.stderr, io.TextIOWrapper):
            stack.enter_context(contextlib.redirect_stderr(cast(TextIO, _Stream(sys.stderr))))
        yield


class _Stream:
    """A stream that drops text once writing has failed."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._unless_gone(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._unless_gone(self._stream.flush)

    def _unless_gone(self, call: Callable[[], object]) -> None:
        try:
            call()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)  # also for what is still in a buffer
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
