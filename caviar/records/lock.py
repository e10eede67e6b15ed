"""The lock of a study's folder: only one driver at a time may write, and others can find out which one.

It is a lock of the operating system, so a driver that dies leaves none behind. It has a file of its own, because
Windows lets nobody read a locked one.
"""

import contextlib
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caviar.errors import StorageError
from caviar.files import write_atomically, writing

LOCK = "driver.lock"  # always empty
DRIVER = "driver.txt"  # host:process:start of the driver, until it ends
STOP = "driver.stop"  # is there once the driver should stop
LEFT = "driver.left"  # how much time is left, in words, while the driver knows
_ATTEMPTS = 20  # 10 ms apart: `driver` holds the lock for a moment
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}  # the last one on Windows


@dataclass(frozen=True)
class Driver:
    """The process that runs a study.

    Args:
        host: its machine.
        process: its number there; None if it is unknown.
        start: when it began, in the words of that machine, as numbers are used again; "" if it is unknown.

    >>> Driver.from_text("node7:1234:99999"), Driver.from_text("nonsense").process
    (Driver(host='node7', process=1234, start='99999'), None)
    """

    host: str
    process: int | None
    start: str

    @classmethod
    def here(cls) -> "Driver":
        """Return this process."""
        return cls(socket.gethostname(), os.getpid(), start_of(os.getpid()))

    @classmethod
    def from_text(cls, text: str) -> "Driver":
        """Return the driver that a folder names."""
        host, process, start = (*text.split(":", 2), "", "")[:3]
        return cls(host, int(process) if process.isascii() and process.isdigit() else None, start)

    def __str__(self) -> str:
        return f"{self.host}:{self.process}:{self.start}"

    @property
    def is_here(self) -> bool:
        """Whether a process of this machine has its number and began when it did."""
        return self.process is not None and self.start != "" and self.start == start_of(self.process)


def start_of(process: int) -> str:
    """Return when a process of this machine began, in the system's words; "" if there is none, and on Windows.

    >>> start_of(os.getpid()) == start_of(os.getpid())
    True
    """
    if sys.platform == "linux":  # in ticks since the system began
        with contextlib.suppress(OSError):
            return (
                Path(f"/proc/{process}/stat")
                .read_text(encoding="utf-8", errors="replace")
                .rpartition(")")[2]
                .split()[19]
            )
    elif sys.platform != "win32":
        command = ["ps", "-o", "lstart=", "-p", str(process)]
        with contextlib.suppress(OSError):
            environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
            return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout.strip()
    return ""


@contextlib.contextmanager
def driver_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder in the block, as its driver; raise StorageError if that is impossible."""
    from filelock import unlock_descriptor  # here and below: trainers import this module, and lock nothing

    path = folder / LOCK
    with contextlib.ExitStack() as stack:
        with writing(path):
            descriptor = stack.enter_context(path.open("ab")).fileno()
            _acquire(descriptor, folder)
        stack.callback(unlock_descriptor, descriptor)
        for name in (STOP, LEFT):  # meant for an earlier driver, or left by one that was killed
            with writing(folder / name):
                (folder / name).unlink(missing_ok=True)
        write_atomically(folder / DRIVER, str(Driver.here()).encode())
        try:
            yield
        finally:
            for name in (DRIVER, STOP, LEFT):
                with contextlib.suppress(OSError):  # it only says who holds the lock, and what is asked of it
                    (folder / name).unlink()


def driver(folder: Path) -> Driver | None:
    """Return the driver that runs the study in a folder; None if none does. Nothing is written."""
    from filelock import lock_descriptor

    path = folder / LOCK
    try:
        with path.open("r+b" if os.access(path, os.W_OK) else "rb") as file:
            if lock_descriptor(file.fileno(), blocking=False):
                return None
    except FileNotFoundError:  # no driver has been here
        return None
    except OSError:  # NFS tells only those who may write
        pass
    try:
        return Driver.from_text((folder / DRIVER).read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:  # it begins or ends just now
        return None
    except OSError:
        return Driver("", None, "")


def ask_to_stop(folder: Path) -> None:
    """Ask the driver of a folder to stop, wherever it runs and whatever signals it ignores."""
    write_atomically(folder / STOP, b"")


def is_asked_to_stop(folder: Path) -> bool:
    """Return whether the driver of a folder should stop."""
    return (folder / STOP).exists()


def _acquire(descriptor: int, folder: Path) -> None:
    from filelock import lock_descriptor

    for _ in range(_ATTEMPTS):
        try:
            if lock_descriptor(descriptor, blocking=False):
                return
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise StorageError(
                f"cannot lock {folder}: this file system has no locks ({error.strerror}); choose a folder on a local "
                "disk for the study"
            ) from None
        time.sleep(0.01)
    raise StorageError(
        f"another driver is running the study in {folder}; wait for it, stop it or choose another folder"
    )
