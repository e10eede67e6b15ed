"""Opens a file on disk, or fetches one from a URL, so that it can be read from any place."""

import contextlib
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from caviar._checks import check_path, did_you_mean
from caviar._remote_files import fetch
from caviar._temporary import temporary_folder, writing_temporary
from caviar.errors import InputError, StorageError
from caviar.files import is_uri


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[IO[bytes]]:
    """Open the file of a path or URL; raise InputError if it cannot be read, or turns out to be damaged in the block.

    What is at a URL is first copied to a temporary file, because a part of it may be read twice.

    >>> with opened("/nowhere/flowers.csv"):
    ...     pass
    Traceback (most recent call last):
    caviar.errors.InputError: cannot read /nowhere/flowers.csv: there is no folder /nowhere
    """
    try:
        place = check_path("table", path)
        with _open_uri(place) if is_uri(place) else _open_local(Path(place)) as file:
            yield file
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise damaged(path, error) from None
    except OSError as error:
        if error.errno is None:  # of the decompression
            raise damaged(path, error) from None
        raise InputError(f"cannot read {path} ({error.strerror}); check the path and your access to it") from None


@contextlib.contextmanager
def copied(stream: IO[bytes]) -> Iterator[Path]:
    """Copy a stream to a temporary file, and return its path."""
    with temporary_folder() as folder:
        copy = folder / "copy"
        with copy.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield copy


def damaged(path: str | Path, error: Exception) -> InputError:
    """Return the error for a file that ends too early or holds other bytes than were written."""
    return InputError(f"{path} is damaged or incomplete ({one_line(error)}); copy or download it again")


def one_line(error: Exception) -> str:
    r"""Return the message of another package's error in one line.

    >>> one_line(ValueError("torn\nfile. "))
    'torn file'
    """
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _open_uri(uri: str) -> IO[bytes]:
    with writing_temporary():
        copy = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    try:
        fetch(uri, copy)
    except StorageError as error:
        copy.close()
        raise InputError(one_line(error)) from None
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy


def _open_local(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a file{_choices(None, path)}")
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        if not path.parent.is_dir():
            raise InputError(f"cannot read {path}: there is no folder {path.parent}") from None
        raise InputError(f"cannot read {path}: there is no such file{_choices(path.name, path.parent)}") from None


def _choices(name: str | None, folder: Path) -> str:
    names = sorted(file.name for file in folder.iterdir() if file.is_file())
    return did_you_mean(name, names) if names else ""
