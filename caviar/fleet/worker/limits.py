"""How many threads and how much memory a process of trials may use."""

import contextlib
import math
import os
import sys
from pathlib import Path

from caviar._threads import limit_all_threads

_MEMORY_SHARE = 0.8  # of the machine's memory; a trial that needs more is probably out of control
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def thread_environment(threads: int) -> dict[str, str]:
    """Return the environment in which libraries that are loaded later use this many threads."""
    return dict.fromkeys(_THREAD_VARIABLES, str(threads))


def set_threads(threads: int) -> None:
    """Let BLAS, OpenMP and PyTorch use this many threads in this process, whether they are loaded already or not."""
    os.environ.update(thread_environment(threads))
    limit_all_threads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def limit_memory(limit: float | None) -> None:
    """Make allocations raise MemoryError beyond `limit` bytes on top of what this process has now; Linux only.

    None stands for most of the machine, so that a trial fails before the machine runs out of memory.
    """
    if sys.platform == "linux":
        import resource  # Windows has none

        page = os.sysconf("SC_PAGE_SIZE")
        if limit is None:
            soft = int(_MEMORY_SHARE * min(os.sysconf("SC_PHYS_PAGES") * page, _container_memory()))
        else:
            data = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])  # in pages, with the stack
            soft = data * page + int(limit)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _container_memory() -> float:
    """Return the memory limit of this container in bytes; inf if there is none."""
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the file may say "max"
        return math.inf
