"""A study's record: on disk first, then in the state."""

import shutil
from dataclasses import replace

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


def test_of_two_studies_begun_in_one_folder_the_second_is_refused(tmp_path):
    first, second = (StudyRecord.begin(tmp_path / "s", SETTINGS) for _ in range(2))
    with first.writing():
        pass
    with (
        pytest.raises(StorageError, match="another driver has begun or continued the study in"),
        second.writing(),
    ):
        pass
    assert len(list(read(tmp_path / "s"))) == 1


def test_default_folders_of_the_same_second_differ_and_are_created_by_the_first_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = [StudyRecord.begin(None, replace(SETTINGS, name="my data/v2")) for _ in range(3)]
    assert not (tmp_path / "runs").exists()
    for record in records:
        with record.writing():
            pass
    assert len({record.folder for record in records}) == len({record.outcome.folder for record in records}) == 3
    for record in records:
        assert record.folder.name.startswith("my-data-v2-")
        assert [type(event) for event in read(record.folder)] == [StudyBegan]


def test_a_record_catches_up_with_what_another_driver_has_written(tmp_path):
    with StudyRecord.begin(tmp_path, SETTINGS).writing():
        pass
    stale, other = StudyRecord.open(tmp_path), StudyRecord.open(tmp_path)
    before = stale.outcome
    with other.writing():
        other.append([StudyPaused("OSError")])
    with stale.writing():
        stale.append([StudyPaused("MemoryError")])
    assert stale.state.pauses == ["OSError", "MemoryError"]
    assert StudyRecord.open(tmp_path).state.events == stale.state.events == 3
    assert stale.outcome is stale.outcome is not before


def test_a_journal_that_was_removed_is_not_begun_in_the_middle(tmp_path):
    with StudyRecord.begin(tmp_path / "s", SETTINGS).writing():
        pass
    record = StudyRecord.open(tmp_path / "s")
    shutil.rmtree(tmp_path / "s")
    with pytest.raises(InputError, match="no study in"), record.writing():
        pass
