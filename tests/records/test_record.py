"""A study's record: on disk first, then in the state."""

import pytest

from caviar.errors import InputError, StorageError
from caviar.records.events import Enqueued, StudyBegan, StudyPaused
from caviar.records.journal import Journal, read
from caviar.records.record import StudyRecord
from tests.records.test_replay import SETTINGS


def test_what_is_given_before_the_run_is_written_when_the_journal_opens(tmp_path):
    record = StudyRecord.begin(tmp_path / "s", SETTINGS)
    record.give(Enqueued(({"x": 0.5},)))
    assert not (tmp_path / "s").exists()
    assert [type(event) for event in record.header] == [StudyBegan, Enqueued]
    with record.writing():
        record.append([StudyPaused("OSError")])
    assert [type(event) for event in read(tmp_path / "s")] == [StudyBegan, Enqueued, StudyPaused]
    assert record.header == []
    assert StudyRecord.open(tmp_path / "s").state.pauses == record.state.pauses == ["OSError"]


def test_an_event_that_cannot_be_written_does_not_change_the_state(tmp_path):
    record = StudyRecord.begin(tmp_path / "s", SETTINGS)
    with record.writing():
        pass
    journal = Journal(tmp_path / "s")
    with pytest.raises(StorageError, match="another driver"), record.writing():
        record.append([StudyPaused("OSError")])
    assert record.state.pauses == []
    journal.close()


def test_a_folder_that_holds_a_study_is_refused(tmp_path):
    with StudyRecord.begin(tmp_path, SETTINGS).writing():
        pass
    with pytest.raises(InputError, match="already holds a study"):
        StudyRecord.begin(tmp_path, SETTINGS)
