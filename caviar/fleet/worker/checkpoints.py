"""The checkpoint of a trial, in its folder: what its code saved, and what it had reported by then.

    trials/000017/checkpoint/000003/reports.json    [[seconds, metrics], ...], one for each report
    trials/000017/checkpoint/000003/saved/model.pt  a copy of what was passed to caviar.report

A checkpoint is written under another name first, so that it is whole or not there; the one before it is then removed.
Two processes may save checkpoints of one trial: its trainer's machine was cut off, and the trial was given to another.
"""

import contextlib
import errno
import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from caviar.errors import InputError
from caviar.records.trial import CurvePoint

_FOLDER, _REPORTS, _SAVED, _UNFINISHED = "checkpoint", "reports.json", "saved", "unfinished"
_FULL = (errno.ENOSPC, errno.EDQUOT)  # told by their words, since copying a folder joins several errors into one


class Checkpoint(NamedTuple):
    """What a trial can continue from."""

    path: Path  # of the file or folder that it saved
    curve: tuple[CurvePoint, ...]  # what it had reported

    @property
    def epoch(self) -> int:
        """How many reports it had made."""
        return len(self.curve)


def save(folder: Path, path: Path, curve: Sequence[CurvePoint]) -> None:
    """Copy a file or a folder as the checkpoint of the trial with this folder; raise InputError if it does not exist.

    On a full disk there is no new checkpoint and the trial goes on: it could only lose what it has learnt.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "model.pt").write_bytes(b"weights")
    >>> save(folder, folder / "model.pt", [CurvePoint(1, 0.5, {"loss": 0.3})])
    >>> last(folder).path.read_bytes(), last(folder).epoch
    (b'weights', 1)
    """
    if not path.exists():
        raise InputError(f"checkpoint must be a file or a folder that exists, got {str(path)!r}; save it first")
    try:
        _save(folder, path, curve)
    except OSError as error:
        if not any(os.strerror(number) in str(error) for number in _FULL):
            raise
        message = f"caviar: the disk is full, so the checkpoint of report {len(curve)} is not saved ({error})"
        print(message, file=sys.stderr)


def _save(folder: Path, path: Path, curve: Sequence[CurvePoint]) -> None:
    finished, unfinished = folder / _FOLDER / f"{len(curve):06d}", _unique(folder)
    try:
        (unfinished / _SAVED).mkdir(parents=True)
        if path.is_dir():
            shutil.copytree(path, unfinished / _SAVED / path.name, ignore=_not_checkpoints(folder))
        else:
            shutil.copy2(path, unfinished / _SAVED / path.name)
        reports = [[seconds, metrics] for _, seconds, metrics in curve]
        (unfinished / _REPORTS).write_text(json.dumps(reports), encoding="utf-8")
        unfinished.rename(finished)
    except OSError:
        if not finished.exists():  # or another process has saved the same report
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for other in _finished(folder):
        if other.name < finished.name:
            _remove(other)


def _unique(folder: Path) -> Path:
    return folder / _FOLDER / f"{_UNFINISHED}-{uuid.uuid4().hex}"


def _remove(finished: Path) -> None:
    """Remove a checkpoint at once, so that nobody reads half of it."""
    removed = _unique(finished.parent.parent)
    with contextlib.suppress(OSError):  # another process has removed it
        finished.rename(removed)
        shutil.rmtree(removed)


def begin(folder: Path) -> Checkpoint | None:
    """Return the last checkpoint of a trial that begins, and remove what killed processes have left unfinished."""
    for unfinished in (folder / _FOLDER).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    return last(folder)


def last(folder: Path) -> Checkpoint | None:
    """Return the last checkpoint of the trial with this folder, or None."""
    while finished := _finished(folder):
        try:
            return _read(finished[-1])
        except FileNotFoundError:
            if finished[-1].exists():  # or another process has just saved the next one and removed it
                raise
    return None


def _read(finished: Path) -> Checkpoint:
    reports = json.loads((finished / _REPORTS).read_text(encoding="utf-8"))
    curve = tuple(CurvePoint(epoch, seconds, metrics) for epoch, (seconds, metrics) in enumerate(reports, 1))
    return Checkpoint(next((finished / _SAVED).iterdir()), curve)


def _finished(folder: Path) -> list[Path]:
    """Return the folders of the whole checkpoints, oldest first."""
    try:
        names = os.listdir(folder / _FOLDER)
    except OSError:  # most trials have none
        return []
    return [folder / _FOLDER / name for name in sorted(names) if name.isdigit()]


def _not_checkpoints(folder: Path) -> Callable[[str, list[str]], list[str]]:
    """Leave our own folder out where a trial saves all of its folder."""
    return lambda parent, names: [_FOLDER] if Path(parent) == folder and _FOLDER in names else []
