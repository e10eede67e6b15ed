"""What Ray must know about this machine: its CPUs, and a folder for sockets."""

import os
import sys
import tempfile
from pathlib import Path

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


def fits_sockets(folder: Path) -> bool:
    """Return whether the path of a folder is short enough for Ray's sockets in it; on Windows, Ray uses none."""
    return sys.platform == "win32" or len(os.fsencode(folder)) <= _LONGEST_FOLDER


def temporary_folder() -> Path:
    """Return a folder of this user for Ray's sockets and logs, created if missing; "auto" does not look in it.

    Raises:
        ClusterError: it cannot be created, or belongs to somebody else.
    """
    root = Path(tempfile.gettempdir())
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
