"""How another Python is called: its options, its environment, and why it cannot be started."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from caviar.errors import ClusterError
from caviar.fleet.machine import this_python
from caviar.fleet.processes.messages import KILLED
from caviar.fleet.worker.limits import thread_environment

_IGNORE_ENVIRONMENT = {"-E", "-I"}


def own_options() -> tuple[str, ...]:
    """Return the options of this interpreter that one started by it should have too, such as -O and -W error.

    >>> all(isinstance(option, str) for option in own_options())
    True
    """
    return tuple(subprocess._args_from_interpreter_flags())  # type: ignore[attr-defined]  # as multiprocessing does


def command(options: Sequence[str]) -> list[str]:
    """Return the words that start a new Python with these options; raise ClusterError if there is none."""
    options = ["-s" if option == "-I" else option for option in options]
    return [this_python(), *(option for option in options if option != "-E")]


def environment(options: Sequence[str], threads: int) -> dict[str, str]:
    """Return the environment of a new Python; -E and -I would ignore its hash seed too, so they stand for less of it.

    Args:
        options: that it has.
        threads: how many BLAS and OpenMP start with.
    """
    ignored = bool(_IGNORE_ENVIRONMENT.intersection(options))
    inherited = {name: value for name, value in os.environ.items() if not (ignored and name.startswith("PYTHON"))}
    # sets of strings have the same order everywhere
    return {"PYTHONHASHSEED": "0", **inherited, **thread_environment(threads)}


def start_error(reason: str) -> ClusterError:
    """Return the sentence for a Python that the system does not start."""
    return ClusterError(
        f"{sys.executable} cannot be started once more ({reason}); ask for fewer workers, or raise the limits of this "
        "process, which `ulimit -a` shows"
    )


def ending(status: int | None, printed: str) -> str:
    """Return how a new Python has ended that should not have, and what to do.

    Args:
        status: that of `Popen.returncode`; 0 or None where it is not known.
        printed: the end of its standard error.

    >>> print(ending(1, "ImportError: no libpython").replace(sys.executable, "/bin/python"))
    a new Python, /bin/python, has exited with status 1; mend what it says:
    ImportError: no libpython
    """
    end = f"has exited with status {status}" if status else "has exited"
    if status is not None and status < 0:
        known = -status in set(signal.Signals)
        end = f"was killed by {signal.Signals(-status).name if known else f'signal {-status}'}"
    remedy = f"try `{sys.executable} -m caviar` in a terminal"
    if printed:
        remedy = f"mend what it says:\n{printed}"
    elif status == KILLED:
        remedy = "if the machine was short of memory, free some, or ask for fewer workers"
    return f"a new Python, {sys.executable}, {end}; {remedy}"
