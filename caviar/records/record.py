"""A study's record: its state, and the journal behind it. An event is on disk before it changes the state.

Before a run events wait in memory, and are written when the journal opens.
"""

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from caviar._checks import check_integer
from caviar.errors import InputError, StorageError
from caviar.files import write_atomically, writing
from caviar.records import journal
from caviar.records.effect import check_effect
from caviar.records.events import DataPrepared, Event, StudyBegan, StudyExtended
from caviar.records.journal import Journal
from caviar.records.outcome import Outcome
from caviar.records.replay import StudyState
from caviar.records.settings import Settings
from caviar.records.versions import installed_versions


class StudyRecord:
    """A study in memory and on disk.

    Args:
        folder: of the study.
        state: that follows from all of its events.
        unwritten: its events that are not in a journal yet.
        claimed: False if another study may take the folder before this one creates it.

    `temporary` says that the folder is deleted after the run: nothing waits for the disk, and no tables are written.
    """

    temporary = False

    def __init__(
        self, folder: Path, state: StudyState, unwritten: Sequence[Event] = (), *, claimed: bool = True
    ) -> None:
        self.folder, self.state = folder, state
        self._unwritten = list(unwritten)
        self._journal: Journal | None = None
        self._outcome: Outcome | None = None
        self._claimed = claimed
        self._files: dict[str, bytes] = {}  # to be written beside the journal

    @classmethod
    def begin(cls, where: str | Path | None, settings: Settings, notes: Sequence[str] = ()) -> "StudyRecord":
        """Begin a study without writing yet; refuse settings without effect, and a folder that is taken or read-only.

        Args:
            where: the study's folder, or the URI of its mirror; None: `runs/NAME-TIME`, created by the first run.
            settings: of the study.
            notes: what was done with the columns of its table, and why, a sentence each.
        """
        settings.new_search()  # raises for waves that the space and the trials do not allow
        check_effect(settings)
        folder = _default_folder(settings.name) if where is None else journal.local_folder(where)
        if where is not None and journal.holds_study(folder):
            raise InputError(f"{folder} already holds a study; choose another folder, or continue with `caviar resume`")
        journal.check_writable(folder)
        began = StudyBegan(settings, installed_versions())
        record = cls(folder, StudyState(began), [began], claimed=where is not None)
        if notes:
            record.give(DataPrepared(tuple(notes)))
        return record

    @classmethod
    def open(cls, where: str | Path) -> "StudyRecord":
        """Read the record of a study in a folder, or at the URI of its mirror; raise InputError if there is none."""
        folder = journal.local_folder(where)
        return cls(folder, journal.read_state(folder))

    @property
    def header(self) -> list[Event]:
        """The events that a new journal begins with."""
        return list(self._unwritten)

    @property
    def outcome(self) -> Outcome:
        """What can be read from the study as it is now; created once for each state."""
        if self._outcome is None:
            self._outcome = Outcome.of(self.state, self.folder)
        return self._outcome

    def give(self, event: Event) -> None:
        """Apply an event before the first run, to be written when the journal opens; raise InputError later on."""
        if self.state.waves:
            raise InputError(f"the study in {self.folder} has begun; call this before its first run")
        self._wait(event)

    def put(self, name: str, content: bytes) -> None:
        """Write a file into the study's folder, at once, or as soon as the first run creates one."""
        self._files[name] = content
        if self._claimed:
            self._write_files()

    def _write_files(self) -> None:
        while self._files:
            name, content = self._files.popitem()
            with writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / name, content)

    def extend(self, trials: int) -> None:
        """Let a study that has ended go on with more trials; written when the journal opens.

        Args:
            trials: how many more, >= 1, in as many waves as a study of that many would have.

        Raises:
            InputError: it has trials left to train, or no waves.
        """
        trials = check_integer("trials", trials)
        state = self.state
        if state.continuous:
            raise InputError(
                "a study with waves='continuous' cannot be extended; try a new one that begins with its trials: "
                "study.warm_start(this_one)"
            )
        if state.running or not state.searched:
            raise InputError(f"the study in {self.folder} has trials left to train; run it before it is extended")
        self._wait(StudyExtended(state.settings.more_waves(trials)))

    def _wait(self, event: Event) -> None:
        self._unwritten.append(event)
        self._apply([event])

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Open the journal for the block, as the only driver that may write it; write the events that waited first."""
        if not self._claimed:
            self.folder, self._outcome, self._claimed = _claim(self.folder), None, True
        with contextlib.closing(Journal(self.folder, durable=not self.temporary)) as opened:
            if opened.lines != self.state.events - len(self._unwritten):
                self._read_again()
            opened.append(self._unwritten)
            self._write_files()
            self._unwritten, self._journal = [], opened
            try:
                yield
            finally:
                self._journal = None

    def check(self) -> None:
        """Raise StorageError if the open journal is no longer in the study's folder."""
        assert self._journal is not None
        self._journal.check()

    def append(self, events: Sequence[Event], *, mirror_now: bool = False) -> None:
        """Write events to the open journal, then apply them to the state."""
        assert self._journal is not None
        self._journal.append(events, mirror_now=mirror_now)
        self._apply(events)

    def _apply(self, events: Sequence[Event]) -> None:
        for event in events:
            self.state.apply(event)
        self._outcome = None

    def _read_again(self) -> None:
        """Catch up with a journal that another driver has continued, or that a late write has reached."""
        state = journal.read_state(self.folder)
        if self._unwritten or state.began.settings != self.state.began.settings:
            raise StorageError(
                f"another driver has begun or continued the study in {self.folder}; open it again, or choose another "
                "folder"
            )
        self.state, self._outcome = state, None


def _default_folder(name: str) -> Path:
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    return Path("runs") / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"


def _claim(folder: Path) -> Path:
    """Create a folder, with a number after its name if it exists, so that no other study takes it."""
    free = folder
    for number in itertools.count(2):
        with contextlib.suppress(FileExistsError), writing(free):
            free.mkdir(parents=True)
            break
        free = folder.with_name(f"{folder.name}-{number}")
    return free
