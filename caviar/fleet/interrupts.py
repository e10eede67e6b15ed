"""How Ctrl-C and SIGTERM end a study: between two records, and not before the tables are written."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_STATUS = 128 + signal.SIGTERM  # of a process that SIGTERM has ended, as shells give it


class _Terminated(KeyboardInterrupt):
    """Raised by SIGTERM, so that it ends all that Ctrl-C ends."""


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` sends it twice
    raise _Terminated


@contextlib.contextmanager
def end_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, and then the process, with status 143.

    This does nothing outside the main thread, or if SIGTERM already has a custom handler.
    """
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or not _is_main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except _Terminated:
        raise SystemExit(_STATUS) from None
    finally:
        if signal.getsignal(signal.SIGTERM) is _terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def keep_sigterm() -> Iterator[None]:
    """Give SIGTERM back the handler that it had before the block, in which Ray sets its own.

    A handler that was not set by Python cannot be given back.
    """
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if handler is not None and _is_main_thread():
            signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM until the end of the block; a second Ctrl-C interrupts at once.

    This does nothing outside the main thread. A signal that has a custom handler is not delayed.
    """
    held: list[Callable[[], object]] = []
    with _holding(signal.SIGINT, held), _holding(signal.SIGTERM, held):
        yield
    for interrupt in held:
        interrupt()


@contextlib.contextmanager
def _holding(number: signal.Signals, held: list[Callable[[], object]]) -> Iterator[None]:
    handler = signal.getsignal(number)
    if not callable(handler) or handler not in (signal.default_int_handler, _terminate) or not _is_main_thread():
        yield
        return

    def remember(number: int, frame: FrameType | None) -> None:
        held.append(lambda: handler(number, frame))
        if handler is signal.default_int_handler:
            signal.signal(number, handler)

    signal.signal(number, remember)
    try:
        yield
    finally:
        signal.signal(number, handler)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
