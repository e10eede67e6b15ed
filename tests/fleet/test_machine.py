"""What Ray must know about this machine."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from caviar.errors import ClusterError
from caviar.fleet.machine import fits_sockets, ray_folder, usable_cpus

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows, Ray uses no sockets of Unix")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds processes to CPUs")
def test_cpus_are_those_that_the_process_is_bound_to():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); import caviar.fleet.machine as machine;"
    code += "print(machine.usable_cpus(64))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"


def test_cpus_are_no_more_than_the_container_has_and_at_least_one(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert [usable_cpus(of_container) for of_container in (0.5, 2.7, 64.0)] == [1, 2, 8]


@pytest.fixture
def short():
    """The path of an empty folder, as short as that of a temporary folder usually is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        yield path


def test_the_folder_of_ray_is_short_enough_for_its_sockets(short, monkeypatch):
    for root, expected in ((short, short), ("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T", "/tmp")):
        monkeypatch.setattr(tempfile, "tempdir", root)
        assert fits_sockets(Path(root)) == (root == short)
        folder = ray_folder()
        assert folder == Path(expected, f"caviar-{os.getuid()}")
        assert folder.is_dir()
        assert len(f"{folder}/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store") <= 103  # on macOS


def test_a_folder_of_another_user_or_that_cannot_be_created_is_one_sentence(short, monkeypatch):
    mine = os.getuid()
    monkeypatch.setattr(tempfile, "tempdir", short)
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    Path(short, f"caviar-{mine + 1}").mkdir()
    with pytest.raises(ClusterError, match=r"must be yours, for Ray, but another user owns it; try a short TMPDIR"):
        ray_folder()
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    with pytest.raises(ClusterError, match=r"cannot create /dev/null/caviar-.* \(Not a directory\); try a short"):
        ray_folder()
