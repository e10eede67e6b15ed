"""What trainers must know about this machine: its CPUs, its Python, and a folder for Ray's sockets."""

import os
import shutil
import sys
from pathlib import Path

from caviar._temporary import temporary_root
from caviar.errors import ClusterError

_LONGEST_FOLDER = 39  # bytes: Ray's sockets need 64 more, and macOS allows 103 in all


def usable_cpus(of_container: float) -> int:
    """Return how many CPUs this process may use: those that it is bound to, and no more than its container has.

    >>> usable_cpus(of_container=1.5)
    1
    """
    if sys.platform == "linux":
        bound = len(os.sched_getaffinity(0))
    else:
        bound = os.cpu_count() or 1
    return max(1, int(min(bound, of_container)))


def this_python() -> str:
    """Return the program of this Python, which starts others; raise ClusterError if it cannot be started (again).

    >>> this_python() == sys.executable
    True
    """
    if not sys.executable or shutil.which(sys.executable) is None:
        raise ClusterError(
            f"there is no Python at {sys.executable or repr(sys.executable)} to start processes with; restore the "
            "environment that this one runs in, or set sys.executable to the path of the Python that has Caviar"
        )
    return sys.executable


def fits_sockets(folder: Path) -> bool:
    """Return whether the path of a folder is short enough for Ray's sockets in it; on Windows, Ray uses none."""
    return sys.platform == "win32" or len(os.fsencode(folder)) <= _LONGEST_FOLDER


def ray_folder() -> Path:
    """Return a folder of this user for Ray's sockets and logs, created if missing; "auto" does not look in it.

    Raises:
        ClusterError: it cannot be created, or belongs to somebody else.
        StorageError: there is no folder for temporary files.
    """
    root = temporary_root()
    if sys.platform == "win32":
        return root / "caviar"  # each user has a temporary folder there, and Ray uses no Unix sockets
    name = f"caviar-{os.getuid()}"
    folder = root / name if fits_sockets(root / name) else Path("/tmp", name)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.lstat().st_uid
    except OSError as error:
        raise ClusterError(
            f"cannot create {folder} for Ray ({error.strerror}); try a short TMPDIR of your own"
        ) from None
    if owner != os.getuid():
        raise ClusterError(f"{folder} must be yours, for Ray, but another user owns it; try a short TMPDIR of your own")
    return folder
