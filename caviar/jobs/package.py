"""What travels with a job: the study's settings, its data or function, and the Python files beside it.

The job is its sender's own code, run by its sender's own cluster; the pickle in it is read there and then, and
never comes back: what a study writes is plain text.
"""

import inspect
import json
import platform
import shutil
import sysconfig
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from ray import cloudpickle

from caviar.errors import ClusterError, InputError
from caviar.records import journal
from caviar.records.mirror import MIRROR
from caviar.study.study import Study

SUBJECT, PLACEMENT = "subject.pkl", "placement.json"
LARGEST = 200 << 20  # bytes


def pack(study: Study, folder: Path) -> None:
    """Write all that a job needs to run a study into an empty folder.

    Raises:
        InputError: the function cannot be sent, or the data are too large to travel with a job.
    """
    subject = study._subject
    what = subject.function if subject.function is not None else subject.dataset
    if subject.function is not None:
        _copy_modules(subject.function, folder)
    try:
        pickled = cloudpickle.dumps(what)
    except Exception as error:
        raise InputError(f"{subject.name} cannot be sent to a cluster: {error}; keep it free of open handles") from None
    if len(pickled) > LARGEST:
        raise InputError(
            f"the data of {subject.name} are {len(pickled) >> 20} MB; above {LARGEST >> 20} MB, have a function "
            "read them from where the cluster can reach them"
        )
    (folder / SUBJECT).write_bytes(pickled)
    mirror = study.folder / MIRROR
    placement = {**asdict(study._placement), "mirror": mirror.read_text() if mirror.exists() else None}
    placement |= {"timeout": study._timeout, "python": platform.python_version()}
    (folder / PLACEMENT).write_text(json.dumps(placement))
    if journal.holds_study(study.folder):  # it has begun here, and goes on there
        shutil.copy(study.folder / journal.NAME, folder / journal.NAME)
    else:
        (folder / journal.NAME).write_text(journal.encoded(study.opening))


def unpack(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The data or function, and the placement, that `pack` has put into a folder.

    Raises:
        ClusterError: they were packed by another Python, whose functions this one cannot read.
    """
    placement = json.loads((folder / PLACEMENT).read_text())
    theirs, ours = placement["python"], platform.python_version()
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        raise ClusterError(f"the cluster runs Python {ours}, the study was sent from {theirs}; use the same on both")
    return cloudpickle.loads((folder / SUBJECT).read_bytes()), placement


def _copy_modules(function: Any, folder: Path) -> None:
    """Copy the Python files beside a function's own, so that what it imports from there is found."""
    module = inspect.getmodule(function)
    beside = _folder_of(module) if module is not None and module.__name__ != "__main__" else None
    if beside is None:
        return  # in a notebook or in an installed package: nothing to copy
    for path in sorted(beside.rglob("*.py")):
        inside = path.relative_to(beside)
        if not any(part.startswith((".", "__pycache__")) or (beside / part / "pyvenv.cfg").exists()
                   for part in inside.parts[:-1]):  # fmt: skip
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / inside)


def _folder_of(module: ModuleType) -> Path | None:
    """The folder that a module is imported from; None for an installed one."""
    if not getattr(module, "__file__", None):
        return None
    folder = Path(str(module.__file__)).resolve().parents[module.__name__.count(".")]
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")]
    return None if any(place == folder or place in folder.parents for place in installed) else folder
