"""The journal: events come back in order, torn lines are dropped, one driver writes."""

import logging
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caviar.errors import InputError, StorageError
from caviar.records.event_lines import encode
from caviar.records.events import StudyPaused
from caviar.records.journal import NAME, Journal, check_writable, holds_study, local_folder, read

EVENTS = [StudyPaused(f"failure {number}") for number in range(4)]


def write(folder, *events):
    journal = Journal(folder)
    journal.append(events)
    journal.close()


def test_events_come_back_in_order(tmp_path):
    folder = tmp_path / "deep" / "folder"
    assert not holds_study(folder)
    write(folder, *EVENTS[:2])
    write(folder)
    write(folder, *EVENTS[2:])
    assert list(read(folder)) == EVENTS
    assert holds_study(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_in_place_of_a_journal_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / NAME)
    assert holds_study(tmp_path)
    with pytest.raises(InputError, match="no study in"):
        list(read(tmp_path))


@pytest.mark.parametrize("uri", ["s3://", "file:///"])
def test_a_uri_without_a_place_is_refused_and_leaves_nothing(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="which names no place"):
        local_folder(uri)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_last_line_is_dropped_with_a_warning(tmp_path, caplog):
    write(tmp_path, EVENTS[0])
    with (tmp_path / NAME).open("a") as file:
        file.write('{"event":"pause"')
    assert list(read(tmp_path)) == EVENTS[:1]
    with caplog.at_level(logging.WARNING, "caviar"):
        write(tmp_path, EVENTS[1])
    assert "dropped a torn last line of 16 bytes" in caplog.text
    assert list(read(tmp_path)) == EVENTS[:2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, sum(len(encode(event)) + 1 for event in EVENTS)))
def test_a_journal_cut_at_any_byte_opens_to_what_was_complete(tmp_path, length):
    content = "".join(encode(event) + "\n" for event in EVENTS).encode()[:length]
    (tmp_path / NAME).write_bytes(content)
    complete = content.count(b"\n")
    if complete:
        assert list(read(tmp_path)) == EVENTS[:complete]
        write(tmp_path, EVENTS[3])
        assert list(read(tmp_path)) == [*EVENTS[:complete], EVENTS[3]]


def test_a_line_that_is_not_an_event_is_named(tmp_path):
    (tmp_path / NAME).write_text(f"{encode(EVENTS[0])}\nnonsense\n{encode(EVENTS[1])}\n")
    with pytest.raises(StorageError, match=r"line 2 of .* is damaged \(event: it is not JSON\); restore"):
        list(read(tmp_path))


def test_a_folder_without_a_journal(tmp_path):
    with pytest.raises(InputError, match="no study in"):
        list(read(tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file"):
        check_writable(tmp_path / "file" / "study")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("root may write everywhere")
    with pytest.raises(StorageError, match="no permission"):
        check_writable(closed / "study")


@pytest.mark.parametrize(("content", "remedy"), [(b"{}\n", "copy the study to another"), (b"", "choose another")])
def test_a_study_whose_folder_may_not_be_written_is_to_be_copied(tmp_path, monkeypatch, content, remedy):
    (tmp_path / NAME).write_bytes(content)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StorageError, match=f"no permission to write in .*; {remedy} folder"):
        check_writable(tmp_path)
