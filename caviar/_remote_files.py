"""Files at a URI of an object store, or of anything else that fsspec knows (s3://, gs://, https:// and others).

One request replaces an object, so that it is written whole or not at all.
"""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from typing import IO

from caviar._checks import import_optional
from caviar._version import install_command
from caviar.errors import InputError, StorageError

# schemes of stores without folders (making one would make a bucket), and the extra for each
_OBJECT_STORES = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure"}
_BLOCK = 2**20  # bytes
_NO_TRACEBACKS = logging.NullHandler()


class RemoteStore:
    """Files at a URI of an object store, or of anything else that fsspec knows; `str` gives the URI."""

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")
        scheme = uri.partition("://")[0]
        fsspec = import_optional("fsspec", uri, _OBJECT_STORES.get(scheme, "storage"))
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.uri, use_listings_cache=False)
        except ImportError as error:
            extra = _OBJECT_STORES.get(scheme)
            remedy = f"try: {install_command(extra)}" if extra else "install that package"
            raise InputError(f"cannot use {uri}: {error}; {remedy}") from None
        except Exception as error:  # each kind of store raises its own exceptions
            reason = str(error).partition("\n")[0]
            raise InputError(f"cannot use {uri}: {reason}; check its name") from None
        package = logging.getLogger(type(self._files).__module__.partition(".")[0])
        package.addHandler(_NO_TRACEBACKS)  # of errors that are raised too, unless its user has asked for a log

    def __str__(self) -> str:
        return self.uri

    def read(self, name: str) -> bytes:
        with self._requesting("read"):
            return bytes(self._files.cat_file(self._path(name)))

    def write(self, name: str, content: bytes) -> None:
        with self._requesting("write"):
            self._make_folder(name)
            self._files.pipe_file(self._path(name), content)

    def create(self, name: str, content: bytes) -> None:
        with self._requesting("write"):
            self._make_folder(name)
        with self._requesting("write", FileExistsError):
            self._files.pipe_file(self._path(name), content, mode="create")

    def sizes(self, folder: str = "") -> dict[str, int]:
        with self._requesting("reach"):
            try:
                entries = self._files.ls(self._path(folder).rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
        files = (entry for entry in entries if entry["type"] == "file")
        return {entry["name"].rpartition("/")[2]: int(entry["size"] or 0) for entry in files}

    def remove(self, name: str) -> None:
        with self._requesting("write"), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _make_folder(self, name: str) -> None:
        protocols = self._files.protocol
        if _OBJECT_STORES.keys().isdisjoint([protocols] if isinstance(protocols, str) else protocols):
            self._files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)

    @contextlib.contextmanager
    def _requesting(self, what: str, *expected: type[Exception]) -> Iterator[None]:
        try:
            yield
        except expected:
            raise
        except Exception as error:  # each kind of store raises its own exceptions
            raise StorageError(f"cannot {what} {self.uri}: {error}; check its name and your access to it") from None


def fetch(uri: str, file: IO[bytes]) -> None:
    """Copy what is at a URI into an open file, a block at a time.

    >>> import io, tempfile
    >>> from pathlib import Path
    >>> copy, source = io.BytesIO(), Path(tempfile.mkdtemp(), "a.txt")
    >>> _ = source.write_bytes(b"hello")
    >>> fetch(source.as_uri(), copy)
    >>> copy.getvalue()
    b'hello'
    """
    store = RemoteStore(uri)
    try:
        with store._requesting("read", FileNotFoundError), store._files.open(store._root, "rb") as source:
            shutil.copyfileobj(source, file, _BLOCK)
    except FileNotFoundError as error:
        reason = _why_not_found(error)
        raise StorageError(f"cannot read {uri}: {reason}; check its name and your access to it") from None


def _why_not_found(error: FileNotFoundError) -> str:
    """Return what a web server answered, or why none did: fsspec calls all of them a file that was not found."""
    cause = error.__cause__
    if (status := getattr(cause, "status", None)) and status != 404:
        return f"the server answered {status} {getattr(cause, 'message', '')}".rstrip()
    return f"its host cannot be reached ({cause})" if isinstance(cause, OSError) else "nothing was found"
