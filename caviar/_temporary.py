"""Temporary folders. One whose process was killed is removed by another process that makes or loses one."""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import lock_descriptor

from caviar.errors import StorageError

_LOCK = "lock"  # locked while the process that made the folder lives, and not empty from then on


def temporary_root() -> Path:
    """Return the folder for temporary files, which TMPDIR names; raise StorageError if there is none.

    >>> temporary_root().is_dir()
    True
    """
    with writing_temporary():
        return Path(tempfile.gettempdir())


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for the block; raise StorageError if there is no place for one.

    >>> with temporary_folder() as folder:
    ...     folder.is_dir()
    True
    """
    remove_abandoned()
    with contextlib.ExitStack() as stack:
        with writing_temporary():
            folder = Path(tempfile.mkdtemp(prefix=_prefix()))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            lock = stack.enter_context((folder / _LOCK).open("wb", buffering=0))
        with contextlib.suppress(OSError):  # on a file system without locks, a killed process leaves it behind
            lock_descriptor(lock.fileno())
            lock.write(b"\n")
        yield folder


@contextlib.contextmanager
def writing_temporary() -> Iterator[None]:
    """Turn an OSError of a block that writes temporary files into a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write temporary files ({error.strerror or error}); free some space, or set TMPDIR to a folder of "
            "your own"
        ) from error


def remove_abandoned() -> None:
    """Remove the temporary folders of this user whose processes were killed on this machine."""
    with contextlib.suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{_prefix()}*/{_LOCK}"):
            with contextlib.suppress(OSError):
                if _is_own(path) and _is_free(path):
                    shutil.rmtree(path.parent, ignore_errors=True)


def _prefix() -> str:
    """How the names of this machine's folders begin: others may share its temporary folder, but not its locks."""
    return f"caviar-{socket.gethostname()}-"


def _is_own(path: Path) -> bool:
    return sys.platform == "win32" or path.lstat().st_uid == path.parent.lstat().st_uid == os.getuid()


def _is_free(path: Path) -> bool:
    """Return whether the process that has locked a file is gone."""
    with path.open("r+b") as file:
        return lock_descriptor(file.fileno(), blocking=False) and file.read() != b""
