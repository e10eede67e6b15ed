"""A program in a group of processes of its own: its output is copied, and nothing that it starts outlives it."""

import codecs
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

_TERMINATE_SECONDS = 2.0  # for a program to end itself after SIGTERM
_OUTPUT_SECONDS = 1.0  # for the rest of the output, which a process that has left the group may hold open
_PATIENCE = 0.5  # seconds of waiting after which a program is stopped
_CHUNK = _TAIL = 1 << 16


class Process:
    """A running program; at the end of a `with` block it is ended, with everything that it started.

    Args:
        words: the program and its arguments.
        folder: where it runs.
        environment: its environment variables.
        scratch: a folder that is removed if this process is killed.
    """

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], scratch: Path) -> None:
        self._process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._guard = _guard(self._process.pid, scratch)
        assert self._process.stdout
        assert self._process.stderr
        self.output = _Copy(self._process.stdout, sys.stdout)
        self.errors = _Copy(self._process.stderr, sys.stderr)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._signal("SIGTERM")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_TERMINATE_SECONDS)
        self._signal("SIGKILL")
        self._process.wait()
        self.output.join(_OUTPUT_SECONDS)
        self.errors.join(_OUTPUT_SECONDS)
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()

    def runs(self, seconds: float) -> bool:
        """Wait up to some seconds for its end; return whether it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is None

    @property
    def failure(self) -> str:
        """How it failed; "" if it has exited with 0."""
        status = self._process.returncode
        if not status:
            return ""
        if status > 0:
            ending = f"exited with status {status}"
        else:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
            ending = f"was killed by {name}"
        return ending + (f": {self.errors.last_line:.300}" if self.errors.last_line else "")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Stop the program where the block takes long, as a pause does, so that it does not take others' CPU."""
        if self._process.poll() is not None:
            yield
            return
        timer = threading.Timer(_PATIENCE, self._signal, ["SIGSTOP"])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._signal("SIGCONT")

    def _signal(self, name: str) -> None:
        """Send a signal to the program and what it has started; on Windows, end the program alone."""
        if sys.platform == "win32":
            if name == "SIGTERM":
                self._process.kill()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a zombie is left
            os.killpg(self._process.pid, signal.Signals[name])


def _guard(group: int, scratch: Path) -> subprocess.Popen[bytes] | None:
    """Start a shell that kills a group of processes and removes a folder once this process has ended in any way."""
    if sys.platform == "win32":
        return None
    script = 'read nothing; kill -s KILL -- "-$0"; rm -rf -- "$1"'  # it reads until this process is gone
    return subprocess.Popen(
        ["sh", "-c", script, str(group), str(scratch)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class _Copy(threading.Thread):
    """Copies what a program prints to a stream of this process, and keeps its last part."""

    def __init__(self, source: IO[bytes], target: TextIO) -> None:
        super().__init__(daemon=True)
        self._source, self._target = source, target
        self._tail = ""
        self.start()

    @property
    def last_line(self) -> str:
        """The last line that is not blank."""
        lines = self._tail.rstrip().splitlines()
        return lines[-1].strip() if lines else ""

    def run(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        with self._source as source:
            while chunk := os.read(source.fileno(), _CHUNK):
                self._write(decoder.decode(chunk))
        self._write(decoder.decode(b"", final=True))

    def _write(self, text: str) -> None:
        self._tail = (self._tail + text)[-_TAIL:]
        with contextlib.suppress(OSError, ValueError):  # it is read on, so that the program does not block
            self._target.write(text)
            self._target.flush()
