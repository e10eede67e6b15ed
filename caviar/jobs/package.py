"""The files that travel with a job: the study's journal, its data, or its function and the user's own modules that it
needs; of a program, all files of its folder.

A job runs its sender's own code on the sender's own cluster. Its pickle is read once, at the start of the job.
Nothing that a study writes is ever unpickled: it is plain text.
"""

import itertools
import json
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from ray import cloudpickle

from caviar.data.source import SourceKind
from caviar.errors import ClusterError, InputError
from caviar.files import is_uri, reading
from caviar.fleet.placement import Placement
from caviar.fleet.programs.program import Program
from caviar.records import journal
from caviar.records.mirror import mirror_uri
from caviar.space.conditions import values_in
from caviar.space.references import references_in
from caviar.study.own_code import modules_needed
from caviar.study.study import Study

LOG_SUBDIR = "caviar"  # the folder of all studies under the Ray session's logs, which the Jobs API can read
_DATA, _RUN, _PROGRAM = "data.pkl", "run.json", "program"
_MAX_BYTES = 200 << 20
_LARGEST_KEY = 64 << 10  # bytes


class Package(NamedTuple):
    """What a job needs besides the study's journal."""

    data: object  # the data set or function to train
    placement: Placement
    mirror: str | None  # the URI of the study's mirror


def pack(study: Study, folder: Path) -> None:
    """Write the files that a job needs to run a study into an empty folder.

    Raises:
        InputError: the function cannot be pickled, or the data are too large.
        StorageError: a file that travels cannot be read.
    """
    _check_options(study)
    target = study.target
    data: object = target.dataset if target.function is None else target.function
    if isinstance(data, Program):
        _copy_files(Path(data.working_folder), folder / _PROGRAM)
        data = replace(data, working_folder=_PROGRAM)  # the trainers' working folder is that of the job
    elif target.function is not None:
        for module in modules_needed(target.function):
            _copy(module.file, module.root, folder)
    try:
        content = cloudpickle.dumps(data)
    except Exception as error:  # the user's objects may raise anything
        raise InputError(f"cannot send {target.name} to a cluster: {error}; keep open handles out of it") from None
    if len(content) > _MAX_BYTES:
        raise InputError(
            f"the data of {target.name} must be at most {_MAX_BYTES >> 20} MB to travel with a job, got "
            f"{len(content) >> 20} MB; try a function that reads them from storage that the cluster can reach"
        )
    (folder / _DATA).write_bytes(content)
    run = {
        "placement": asdict(study.placement),
        "mirror": mirror_uri(study.folder) or None,
        "python": platform.python_version(),
    }
    (folder / _RUN).write_text(json.dumps(run), encoding="utf-8")
    if journal.holds_study(study.folder):  # it began on this machine, and continues on the cluster
        shutil.copy(study.folder / journal.NAME, folder)
    with (folder / journal.NAME).open("ab") as file:
        file.write(journal.encode_lines(study.record.header).encode())


def unpack(folder: Path) -> Package:
    """Read the files that `pack` wrote; the pickle among them may run its sender's code.

    Raises:
        ClusterError: another version of Python packed them, whose functions cannot be read.
    """
    run = json.loads((folder / _RUN).read_text(encoding="utf-8"))
    sender, here = run["python"], platform.python_version()
    if sender.split(".")[:2] != here.split(".")[:2]:
        raise ClusterError(f"the cluster must run Python {sender}, as the sender does, got {here}; use that version")
    data = cloudpickle.loads((folder / _DATA).read_bytes())
    return Package(data, Placement(**run["placement"]), run["mirror"])


def describe(study: Study, folder: Path) -> str:
    """Return what `pack` has written, in a sentence with numbers."""
    source, files = study.target.source, [path for path in folder.rglob("*") if path.is_file()]
    match source.kind:
        case SourceKind.COMMAND:
            what = f"{_count(files, folder / _PROGRAM, 'file')} of {source.path}"
            if secret := [path.name for path in _files(Path(source.path)) if _is_secret(path)]:
                what += f", but no keys ({', '.join(secret)})"
        case SourceKind.FUNCTION:
            what = f"{source.function} and {_count(files, folder, 'module', '.py')}"
        case SourceKind.TABLE | SourceKind.CSV if not is_uri(source.path):  # a URL may hold a password
            what = f"the data of {source.path}"
        case _:
            what = f"the data of {study.target.name}"
    size = sum(path.stat().st_size for path in files)
    return f"sends {what}, {f'{size / 1e6:.1f} MB' if size >= 1e5 else f'{size / 1e3:.0f} kB'}"


def _count(files: Sequence[Path], folder: Path, noun: str, suffix: str = "") -> str:
    count = sum(path.is_relative_to(folder) and path.name.endswith(suffix) for path in files)
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _check_options(study: Study) -> None:
    """Raise InputError for an option that only a script or notebook on this machine defines."""
    for name, value in values_in(study.settings.space):
        for reference in references_in(value):
            if reference.module == "__main__":
                raise InputError(
                    f"{name} has {reference.name}, which a script or notebook defines, so a job cannot import it; move "
                    "it into a module beside the function's"
                )


def _copy_files(source: Path, folder: Path) -> None:
    """Copy the files in a program's folder."""
    folder.mkdir()
    size = 0
    for path in itertools.filterfalse(_is_secret, _files(source)):
        with reading(path):
            size += path.stat().st_size
        if size > _MAX_BYTES:
            raise InputError(
                f"the files in {source} must be at most {_MAX_BYTES >> 20} MB to travel with the program; try a folder "
                "without its data, and keep them in storage that the cluster can reach"
            )
        _copy(path, source, folder)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder, without what is hidden, caches, virtual environments and studies."""
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if _travels(Path(place, name)))
        paths = (Path(place, name) for name in sorted(files) if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _travels(folder: Path) -> bool:
    unwanted = folder.name.startswith(".") or folder.name in ("__pycache__", "node_modules")
    return not (unwanted or (folder / "pyvenv.cfg").exists() or journal.holds_study(folder))


def _is_secret(path: Path) -> bool:
    """Return whether a file holds a private key, or variables such as tokens."""
    if path.suffix in (".env", ".key", ".p12", ".pfx"):
        return True
    with reading(path):
        return path.stat().st_size < _LARGEST_KEY and b"PRIVATE KEY-----" in path.read_bytes()


def _copy(path: Path, source: Path, folder: Path) -> None:
    target = folder / path.relative_to(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with reading(path):
        shutil.copy(path, target)
