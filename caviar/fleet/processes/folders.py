"""The folders of trials in a trainer: in the study's folder if that is here, else a copy is kept where the study is."""

import shutil
from pathlib import Path

from caviar.errors import StorageError
from caviar.files import FileStore, open_store
from caviar.records.trial_files import FolderCopy, StudyFiles, trial_folder


class TrialFolders:
    """The folders of the trials that run here.

    Args:
        files: where the study keeps its files; None: nowhere.
        scratch: a temporary folder of this trainer.
    """

    def __init__(self, files: StudyFiles | None, scratch: Path) -> None:
        self._study = Path(files.folder) if files is not None and files.is_here else scratch
        self._is_scratch = self._study == scratch
        self._store = None if files is None else _store_of(files, is_here=not self._is_scratch)
        self._copies: dict[int, FolderCopy] = {}

    @property
    def copied(self) -> bool:
        """Whether the folders have copies elsewhere."""
        return self._store is not None

    def prepare(self, number: int) -> tuple[Path, str]:
        """Return the folder of a trial, with what an earlier process of it has kept, or why that cannot be fetched."""
        folder = trial_folder(self._study, number)
        if self._store is not None:
            self._copies[number] = FolderCopy(folder, self._store)
            try:
                self._copies[number].download()
            except StorageError as error:
                return folder, f"{error}; the trial starts without what it may have kept there"
        return folder, ""

    def copy(self, number: int) -> str:
        """Bring the copy of a trial's folder up to date, if it needs one; return why that failed, or ""."""
        if number in self._copies and trial_folder(self._study, number).exists():
            try:
                self._copies[number].upload()
            except StorageError as error:  # a trial need not fail because a network does
                return str(error)
        return ""

    def release(self, number: int) -> str:
        """Copy the folder of a trial that has ended, and remove it if only this trainer sees it."""
        problem = self.copy(number)
        self._copies.pop(number, None)
        if self._is_scratch:
            shutil.rmtree(trial_folder(self._study, number), ignore_errors=True)
        return problem


def _store_of(files: StudyFiles, *, is_here: bool) -> FileStore | None:
    """Where copies go: to the mirror, else through Ray to the driver's machine; None if they need not, or cannot."""
    if files.uri:
        return open_store(files.uri)
    if is_here or not files.node:
        return None
    from caviar.fleet.file_server import DriverStore  # imports Ray

    return DriverStore(files)
