"""The lock of a study's folder: one driver holds it, others see who, and a file system without locks says so."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from caviar.errors import StorageError
from caviar.records.journal import Journal
from caviar.records.lock import DRIVER, LEFT, LOCK, STOP, Driver, driver, driver_lock, start_of

HOLDER = """
import pathlib, sys
from caviar.records.lock import driver_lock

with driver_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def refuse(number):
    """Return an flock that raises the error with this number."""

    def flock(descriptor, operation):
        raise OSError(number, os.strerror(number))

    return flock


def test_a_second_driver_is_refused_and_a_killed_one_leaves_no_lock(tmp_path, holder):
    assert driver(tmp_path).process == holder.pid
    with pytest.raises(StorageError, match="another driver is running"):
        Journal(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert driver(tmp_path) is None
    Journal(tmp_path).close()


def test_a_driver_that_ends_is_forgotten(tmp_path, holder):
    holder.communicate("\n", timeout=60)
    assert driver(tmp_path) is None
    assert [file.name for file in tmp_path.iterdir()] == [LOCK]


def test_a_driver_that_fails_to_open_its_journal_releases_the_lock(tmp_path):
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        Journal(tmp_path)
    with driver_lock(tmp_path):
        pass


def test_asking_who_drives_writes_nothing_and_works_in_a_folder_that_can_only_be_read(tmp_path, holder, monkeypatch):
    assert driver(tmp_path / "missing") is None
    before = {file.name: file.stat() for file in tmp_path.iterdir()}
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert driver(tmp_path).process == holder.pid
    assert {file.name: file.stat() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("running", [True, False])
def test_where_readers_may_not_ask_for_the_lock_the_file_of_the_driver_is_believed(tmp_path, monkeypatch, running):
    (tmp_path / LOCK).touch()
    if running:
        (tmp_path / DRIVER).write_text("elsewhere:7")
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EBADF))  # as NFS does
    assert driver(tmp_path) == (Driver("elsewhere", 7, "") if running else None)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL])
def test_a_file_system_without_locks_is_not_taken_for_another_driver(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refuse(number))
    with pytest.raises(StorageError, match=r"this file system has no locks .* choose a folder on a local disk"):
        Journal(tmp_path)


def test_a_lock_that_fails_for_another_reason_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    with pytest.raises(StorageError, match=r"cannot write .*driver\.lock \(Input/output error\)"):
        Journal(tmp_path)


def test_asking_who_drives_a_study_does_not_keep_its_driver_out(tmp_path):
    over = threading.Event()

    def ask():
        while not over.is_set():
            driver(tmp_path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(20):
            Journal(tmp_path).close()
    finally:
        over.set()
        asking.join()


def test_a_driver_is_told_from_another_process_with_its_number(tmp_path, holder):
    found = driver(tmp_path)
    assert found.is_here
    assert found.start == start_of(holder.pid) != ""
    assert not Driver(found.host, found.process, found.start + "1").is_here
    holder.kill()
    holder.communicate()
    assert not found.is_here


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"host", b"host:seven:8", b"host:\xc2\xb2:8", b"\0" * 20])
def test_a_damaged_file_of_the_driver_names_no_process(tmp_path, holder, content):
    (tmp_path / DRIVER).write_bytes(content)
    assert driver(tmp_path).process is None
    (tmp_path / DRIVER).unlink()
    (tmp_path / DRIVER).mkdir()
    assert driver(tmp_path).process is None


def test_what_a_killed_driver_has_left_says_nothing_of_the_next_one(tmp_path):
    for name in (LEFT, STOP):
        (tmp_path / name).write_text(", 12 s (9 to 20) left")
    with driver_lock(tmp_path):
        assert not (tmp_path / LEFT).exists()
        assert not (tmp_path / STOP).exists()
