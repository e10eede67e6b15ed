"""Files in a folder or at a URI: both kinds of store obey the published laws, and their errors are StorageErrors."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caviar.errors import InputError, StorageError
from caviar.files import flush_to_disk, is_uri, open_store, write_atomically
from caviar.testing import check_store

KINDS = ["folder", "uri"]


def store_at(path, kind):
    return open_store(path if kind == "folder" else path.as_uri())


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_obeys_the_laws(kind, tmp_path):
    check_store(store_at(tmp_path / "new", kind))


@pytest.mark.parametrize("kind", KINDS)
def test_both_kinds_of_store_see_the_same_files(kind, tmp_path):
    store_at(tmp_path, kind).write("notes/a.txt", b"hello")
    for other in KINDS:
        assert store_at(tmp_path, other).sizes("notes") == {"a.txt": 5}
    assert (tmp_path / "notes" / "a.txt").read_bytes() == b"hello"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cannot_be_written_where_its_folder_is_a_file(kind, tmp_path):
    store = store_at(tmp_path, kind)
    store.write("a", b"file")
    for write in (store.write, store.create):
        with pytest.raises(StorageError, match="cannot write"):
            write("a/b", b"")
    assert store.read("a") == b"file"


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path):
    write_atomically(tmp_path / "a", b"old")
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "a", "no bytes")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, r"\); free some space or choose another folder; what"),
        (errno.EACCES, r"\); fix its permissions, close it in other programs or choose another folder; what"),
        (errno.EROFS, r"\); choose another folder; what"),
        (errno.EMFILE, r"\); raise the limit of open files, which `ulimit -n` shows$"),
    ],
)
def test_the_remedy_is_that_of_the_error_and_no_half_of_a_new_file_is_left(tmp_path, monkeypatch, number, remedy):
    def flush(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("caviar.files.flush_to_disk", flush)
    with pytest.raises(StorageError, match=remedy):
        open_store(tmp_path).create("a", b"new")
    assert not list(tmp_path.iterdir())


def test_a_file_that_another_program_has_open_is_replaced_once_it_is_closed(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    replace, refusals = os.replace, [PermissionError(errno.EACCES, "Access is denied")] * 3

    def replace_later(source, target):  # as on Windows
        if refusals:
            raise refusals.pop()
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_later)
    write_atomically(tmp_path / "a", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"new")]


def test_a_file_that_stays_open_in_another_program_keeps_its_content(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")

    def refuse(source, target):
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr("caviar.files._CLOSE_SECONDS", 0.0)
    with pytest.raises(StorageError, match=r"cannot write .* close it in other programs"):
        write_atomically(tmp_path / "a", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize(
    ("platform", "refused", "calls"),
    [
        ("linux", False, ["fdatasync"]),
        ("darwin", False, ["F_FULLFSYNC"]),
        ("darwin", True, ["F_FULLFSYNC", "fsync"]),
        ("win32", False, ["fsync"]),
    ],
)
def test_content_is_flushed_to_the_disk_as_each_system_can(tmp_path, monkeypatch, platform, refused, calls):
    seen = []

    def control(descriptor, command):
        seen.append(command)
        if refused:
            raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append("fsync"))
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: seen.append("fdatasync"))
    if platform != "linux":
        monkeypatch.delattr(os, "fdatasync")
    monkeypatch.setattr(fcntl, "fcntl", control)
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", "F_FULLFSYNC", raising=False)
    with (tmp_path / "a").open("wb") as file:
        file.write(b"content")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", platform)
            flush_to_disk(file)
        assert (tmp_path / "a").read_bytes() == b"content"
    assert seen == calls


def test_an_unknown_kind_of_uri_raises():
    with pytest.raises(InputError, match="cannot use nowhere://bucket"):
        open_store("nowhere://bucket")
    assert not is_uri("runs/first")


LOUD = """
import logging

from fsspec.implementations.memory import MemoryFileSystem


class LoudFileSystem(MemoryFileSystem):
    protocol = "loud"

    def ls(self, *args, **settings):
        try:
            raise OSError("no such host")
        except OSError:
            logging.getLogger("loud.retry").exception("out of retries")
            raise
"""


def test_what_a_store_logs_beside_its_error_is_not_printed(tmp_path):
    (tmp_path / "loud.py").write_text(LOUD)
    code = "import fsspec, loud; fsspec.register_implementation('loud', loud.LoudFileSystem); "
    code += "import caviar; caviar.Outcome.read('loud://host/study')"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "StorageError: cannot reach loud://host/study: no such host" in done.stderr
    assert "out of retries" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be deleted there")
def test_a_current_folder_that_has_been_deleted_is_named(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for write in (lambda: write_atomically(Path("a"), b""), lambda: open_store("a").write("b", b"")):
        with pytest.raises(StorageError, match=r"^the current folder has been deleted; go to another one$"):
            write()
    write_atomically(tmp_path / "a", b"")
