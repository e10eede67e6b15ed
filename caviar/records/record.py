"""A study's record: its state, and the journal behind it. An event is on disk before it changes the state.

Before the first run there is no journal yet: what the study is given until then waits, and is written when it opens.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from caviar.errors import InputError
from caviar.records import journal
from caviar.records.events import Event, StudyBegan
from caviar.records.journal import Journal
from caviar.records.outcome import Outcome
from caviar.records.replay import StudyState, replay
from caviar.records.settings import Settings
from caviar.records.versions import installed_versions


class StudyRecord:
    """What is known of a study, in memory and on disk; `unwritten` holds events that are not in a journal yet."""

    def __init__(self, folder: Path, state: StudyState, unwritten: Sequence[Event] = ()) -> None:
        self.folder, self.state = folder, state
        self._unwritten = list(unwritten)
        self._journal: Journal | None = None
        self._events = 0
        self._outcome: tuple[int, Outcome] | None = None

    @classmethod
    def begin(cls, folder: Path, settings: Settings) -> "StudyRecord":
        """Begin a study, without writing yet; refuse a folder that holds one or cannot be written."""
        if journal.holds_study(folder):
            raise InputError(f"{folder} already holds a study; choose another folder, or continue with `caviar resume`")
        journal.check_writable(folder)
        began = StudyBegan(settings, installed_versions())
        return cls(folder, StudyState(began), [began])

    @classmethod
    def open(cls, where: str | Path) -> "StudyRecord":
        """Read the record of a study in a folder, or at the URI of its mirror; raises InputError if there is none."""
        folder = journal.local_folder(where)
        return cls(folder, replay(journal.read(folder)))

    @property
    def header(self) -> list[Event]:
        """The events that a new journal begins with: what the study is, and what it was given."""
        return list(self._unwritten)

    @property
    def outcome(self) -> Outcome:
        """What can be read from the study as it is now; made once for each state."""
        if self._outcome is None or self._outcome[0] != self._events:
            self._outcome = self._events, Outcome.of(self.state, self.folder)
        return self._outcome[1]

    def give(self, event: Event) -> None:
        """Take in an event before the first run, to be written when the journal opens; raise InputError after it."""
        if self.state.waves:
            raise InputError(f"the study in {self.folder} has begun; give it this before its first run")
        self._unwritten.append(event)
        self._apply([event])

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Open the journal for the block, as the one driver that may write it; what was given is written first."""
        with contextlib.closing(Journal(self.folder)) as opened:
            opened.append(self._unwritten)
            self._unwritten, self._journal = [], opened
            try:
                yield
            finally:
                self._journal = None

    def append(self, events: Sequence[Event], *, mirror_now: bool = False) -> None:
        """Write events to the open journal, then apply them to the state."""
        assert self._journal is not None
        self._journal.append(events, mirror_now=mirror_now)
        self._apply(events)

    def _apply(self, events: Sequence[Event]) -> None:
        for event in events:
            self.state.apply(event)
        self._events += len(events)
