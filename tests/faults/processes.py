"""Processes and what they have started, by /proc."""

import contextlib
import os
import signal
from pathlib import Path


def processes_of(process):
    """Return a process and all that it started."""
    processes = [process]
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            for child in children.read_text(encoding="utf-8").split():
                processes += processes_of(int(child))
    return processes


def command_of(process):
    """Return the command line of a process; "" if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def send(number, processes):
    """Send a signal to those of the processes that are there."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def freeze(process):
    """Stop a process and all that it started, and return them."""
    send(signal.SIGSTOP, [process])  # first, since a stopped process cannot start others
    frozen = processes_of(process)
    send(signal.SIGSTOP, frozen[1:])
    return frozen


def thaw(processes):
    """Let stopped processes go on."""
    send(signal.SIGCONT, processes)


def kill(process):
    """Kill a process and all that it started."""
    send(signal.SIGKILL, freeze(process))
