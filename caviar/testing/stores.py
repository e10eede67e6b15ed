"""The laws of storages: files that are written whole, created once, listed and removed."""

import uuid

from caviar.errors import StorageError
from caviar.files import FileStore
from caviar.testing.laws import raises, require


def check_store(store: FileStore) -> None:
    """Check how a storage reads, writes, creates, lists and removes files, in a new folder that is removed afterwards.

    >>> import tempfile
    >>> from caviar.files import open_store
    >>> check_store(open_store(tempfile.mkdtemp()))
    """
    folder = f"caviar-testing-{uuid.uuid4().hex}"
    name, created, deep = f"{folder}/a.bin", f"{folder}/b.bin", f"{folder}/deep/c.bin"
    require(store.sizes(folder) == {}, "sizes() must be {} for a folder that does not exist")
    require(raises(StorageError, lambda: store.read(name)), "read() must raise StorageError for a missing file")
    store.remove(name)  # removing a missing file does nothing
    try:
        for content in (b"first", bytes(range(256)) * 64, b""):
            store.write(name, content)
            require(store.read(name) == content, "read() must return what write() wrote last, byte for byte")
        store.create(created, b"new")
        again = raises(FileExistsError, lambda: store.create(created, b"other"))
        whole = store.read(created) == b"new"
        require(again and whole, "create() must raise FileExistsError and keep an existing file")
        store.write(deep, b"deep")
        sizes = store.sizes(folder)
        require(sizes == {"a.bin": 0, "b.bin": 3}, f"sizes() must list the files of one folder, got {sizes!r}")
    finally:
        for written in (name, created, deep):
            store.remove(written)
    require(raises(StorageError, lambda: store.read(created)), "read() must raise StorageError for a removed file")
