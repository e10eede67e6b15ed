"""A sandbox that leaves nothing behind: namespaces of its own for processes, mounts and the network.

When its first process ends, however that happens, the kernel ends all others and removes what was mounted.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path("/mnt")  # inside: a file system in memory
_INSIDE = "FAULTS_SANDBOX"
_UNSHARE = ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
_MAPPED = [*_UNSHARE, "--user", "--map-root-user"]  # without being root
_PROBE = ["sh", "-c", "ip link add probe type bridge && ip netns list && mount -t tmpfs probe /mnt"]


def is_inside():
    """Return whether this process is in a sandbox."""
    return _INSIDE in os.environ


def enter(arguments):
    """Run `python -m tests.faults ARGUMENTS` in a sandbox; return its status, or None if the machine allows none."""
    needed = ("unshare", "nsenter", "setpriv", "ip", "mount")
    if sys.platform != "linux" or not all(map(shutil.which, needed)):
        return None
    for unshare in (_UNSHARE, _MAPPED):
        if subprocess.run([*unshare, *_PROBE], capture_output=True, check=False).returncode == 0:
            break
    else:
        return None
    inner = ["sh", "-c", '"$@"; exit $?', "sh"]  # the first process has to wait for those that others left behind
    command = ["setpriv", "--pdeathsig", "KILL", *unshare, *inner, sys.executable, "-m", "tests.faults", *arguments]
    process = subprocess.Popen(command, env={**os.environ, _INSIDE: "1"})
    try:
        return process.wait()
    finally:
        process.kill()


def prepare():
    """Mount what the sandbox needs."""
    for folder in (FOLDER, Path("/run"), Path("/dev/shm")):
        mount_memory(folder)


def mount_memory(folder, size="50%"):
    """Mount a file system in memory."""
    folder.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "faults", folder)


def run(*command):
    """Run a command that must succeed."""
    subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
