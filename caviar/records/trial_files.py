"""The files of trials: a folder for each in the study's, and a copy of it where the study has one.

trials/000017/...     what trial 17 keeps
trials/000017.json    in a copy: the names of its files, written last
"""

import contextlib
import heapq
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caviar.errors import StorageError
from caviar.files import FileStore, open_store, writing
from caviar.records.lock import DRIVER
from caviar.records.mirror import mirror_uri
from caviar.records.objective import Objective
from caviar.records.plain import text, tuple_of
from caviar.records.trial import Result, State


@dataclass(frozen=True)
class StudyFiles:
    """Where a study keeps its files, for trainers that may run on other machines.

    Args:
        folder: of the study on the driver's machine, absolute.
        driver: host:process:start of the driver, which its folder names too.
        uri: of the study's mirror; "" if it has none.
        node: the driver's in the Ray cluster; "" if trainers cannot ask it for files.
    """

    folder: str
    driver: str
    uri: str = ""
    node: str = ""

    @classmethod
    def of(cls, folder: Path) -> "StudyFiles":
        """Return those of a study whose driver is this process."""
        return cls(str(folder.resolve()), (folder / DRIVER).read_text(encoding="utf-8"), mirror_uri(folder))

    @property
    def is_here(self) -> bool:
        """Whether the study's folder is one of this machine, or one that it shares with the driver's."""
        try:
            return (Path(self.folder) / DRIVER).read_text(encoding="utf-8") == self.driver
        except OSError:
            return False


def trial_folder(study: Path, number: int) -> Path:
    """Return the folder of a trial, which exists if the trial has asked for it.

    >>> trial_folder(Path("runs/first"), 17).as_posix()
    'runs/first/trials/000017'
    """
    return study / "trials" / f"{number:06d}"


def output_file(number: int) -> Path:
    """Return the file in a study's folder that holds what a trial printed, and its whole error.

    >>> output_file(17).as_posix()
    'output/000017.txt'
    """
    return Path("output", f"{number:06d}.txt")


class FolderCopy:
    """The copy of a trial's folder in a store, such as that of the study's mirror."""

    def __init__(self, folder: Path, store: FileStore) -> None:
        self._folder, self._store = folder, store
        self._name = f"trials/{folder.name}"
        self._copied: dict[str, tuple[int, int]] = {}  # size and time of change of what was copied, by name

    def upload(self) -> None:
        """Copy the files that have changed since the last call; the list of names is replaced last."""
        while (seen := self._files()) != self._copied:
            try:
                for name, state in seen.items():
                    if self._copied.get(name) != state:
                        self._store.write(f"{self._name}/{name}", (self._folder / name).read_bytes())
            except FileNotFoundError:  # its trial goes on, and has replaced a checkpoint
                continue
            self._store.write(f"{self._name}.json", json.dumps(sorted(seen)).encode())
            for name in self._copied.keys() - seen.keys():
                self._store.remove(f"{self._name}/{name}")
            self._copied = seen
            return

    def download(self) -> None:
        """Fetch the copy into the folder, if there is one and the folder does not exist."""
        names = self._names() if self._exists() else []
        self._copied = dict.fromkeys(names, (-1, -1))  # of an unknown state
        if self._folder.exists():
            return
        try:
            for name in names:
                self._fetch(name)
        except StorageError:
            shutil.rmtree(self._folder, ignore_errors=True)  # half of it would look whole
            raise
        self._copied = self._files()

    def _fetch(self, name: str) -> None:
        path = self._folder / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._store.read(f"{self._name}/{name}"))

    def remove(self) -> None:
        """Remove the copy, which exists."""
        for name in self._names():
            self._store.remove(f"{self._name}/{name}")
        self._store.remove(f"{self._name}.json")

    def _files(self) -> dict[str, tuple[int, int]]:
        files: dict[str, tuple[int, int]] = {}
        for path in self._folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    size, changed = path.stat().st_size, path.stat().st_mtime_ns
                    files[path.relative_to(self._folder).as_posix()] = size, changed
        return files

    def _exists(self) -> bool:
        return f"{self._folder.name}.json" in self._store.sizes("trials")

    def _names(self) -> list[str]:
        try:
            names = list(tuple_of(text)(json.loads(self._store.read(f"{self._name}.json"))))
        except (ValueError, RecursionError):
            raise StorageError(
                f"{self._name}.json at {self._store} is damaged, so the files of the trial cannot be found; remove it"
            ) from None
        for name in names:  # of files that are read, written and removed
            if not (self._folder / name).resolve().is_relative_to(self._folder.resolve()):
                raise StorageError(f"{self._store} lists {name!r} as a file of {self._name}; remove {self._name}.json")
        return names


def fetch_folder(study: Path, number: int) -> Path:
    """Return the folder of a trial; first fetch it from the study's mirror if it is only there."""
    folder = trial_folder(study, number)
    if not folder.exists() and (uri := mirror_uri(study)):
        FolderCopy(folder, open_store(uri)).download()
    return folder


def best_trials(results: Mapping[int, Result], objective: Objective, count: int) -> set[int]:
    """Return the numbers of the `count` trials that have finished with the best metrics."""
    finished = [result for result in results.values() if result.state is State.FINISHED]
    best = heapq.nsmallest(count, finished, key=lambda result: (objective.to_minimise(result.metrics), result.trial))
    return {result.trial for result in best}


def keep_best(study: Path, results: Mapping[int, Result], objective: Objective, count: int) -> None:
    """Remove the files of trials that have ended, except those of the `count` best, here and at the study's mirror."""
    others = results.keys() - best_trials(results, objective, count)
    store = open_store(uri) if (uri := mirror_uri(study)) else None
    here, copied = {path.name for path in study.glob("trials/*")}, set(store.sizes("trials") if store else ())
    for folder in (trial_folder(study, number) for number in sorted(others)):
        if folder.name in here:
            shutil.rmtree(folder, ignore_errors=True)
        if f"{folder.name}.json" in here:
            folder.with_suffix(".json").unlink(missing_ok=True)
        if store and f"{folder.name}.json" in copied:
            FolderCopy(folder, store).remove()
