"""Whatever happens to a journal, it opens to what was complete, or one sentence names the line; others are listed."""

import contextlib
import json
import os
import random
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import caviar
from caviar.errors import CaviarError, InputError, StorageError
from caviar.jobs.local import LocalJobs
from caviar.jobs.status import JobState
from caviar.records.event_lines import encode
from caviar.records.events import StudyPaused
from caviar.records.journal import NAME, Journal, read, read_state
from caviar.records.outcome import Outcome
from tests.damage import full_disk

SETTINGS = {"metric": "loss", "mode": "min", "trials": 4, "waves": 2, "workers": 0, "epochs": 2, "isolation": "none"}
SPACE = caviar.Space(x=caviar.uniform(0, 1), kind=["a", "b"])


def train(config, seed):
    yield {"loss": 1.0}
    yield {"loss": (config["x"] - 0.3) ** 2}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study that has finished."""
    study = caviar.Study(train, space=SPACE, confirm=(1, 2), out=tmp_path_factory.mktemp("runs") / "whole", **SETTINGS)
    study.run(progress=False)
    lines = (study.folder / NAME).read_bytes().splitlines(keepends=True)
    return SimpleNamespace(folder=study.folder, lines=lines, content=b"".join(lines), table=study.table)


@pytest.fixture
def runs(tmp_path, whole):
    """Studies: one that is damaged, and a good one."""
    shutil.copytree(whole.folder, tmp_path / "good", ignore=shutil.ignore_patterns("*.csv"))
    (tmp_path / "bad").mkdir()
    return tmp_path


def damage(runs, content):
    (runs / "bad" / NAME).write_bytes(content)
    return runs / "bad"


def states(runs):
    return {status.name: status.state for status in LocalJobs(runs).studies()}


def test_a_journal_cut_at_any_byte_opens_to_what_was_complete_and_goes_on_from_there(runs, whole):
    for size in range(len(whole.content)):
        folder = damage(runs, whole.content[:size])
        if complete := whole.content[:size].count(b"\n"):
            assert read_state(folder).events == complete
        else:
            with pytest.raises(InputError, match=r"line 1 of .* is torn" if size else "missing or empty"):
                Outcome.read(folder)
        if size % 397 == 0:
            assert states(runs) == {"good": JobState.FINISHED} | ({"bad": JobState.STOPPED} if complete else {})
            study = caviar.Study.open(folder, data=train, workers=0, isolation="none") if complete else None
            study = study or caviar.Study(train, space=SPACE, confirm=(1, 2), out=folder, **SETTINGS)
            table = study.run(progress=False)
            columns = ["trial", "wave", "state", "x", "kind", "loss", "seed"]
            assert table[columns].equals(whole.table[columns])


def test_a_journal_with_any_flipped_bit_opens_or_names_the_line(runs, whole):
    draw, opened, sentences = random.Random(0), 0, []
    for _ in range(250):
        content = bytearray(whole.content)
        position = draw.randrange(len(content))
        content[position] ^= 1 << draw.randrange(8)
        folder = damage(runs, bytes(content))
        try:
            outcome = Outcome.read(folder)
        except CaviarError as error:
            sentences.append(str(error))
            continue
        opened += 1
        assert len(outcome.table) == len(outcome.results)
        assert len(outcome.waves) <= len(outcome.begun)
        with contextlib.suppress(InputError):  # no trial has finished
            assert outcome.best in outcome.results
        outcome.write_tables()
    assert opened > 25
    assert all(re.match(rf"line \d+ of {folder / NAME}", sentence) and "\n" not in sentence for sentence in sentences)
    assert states(runs)["good"] is JobState.FINISHED


def edited(line, **changes):
    """The line of an event with other values."""
    return json.dumps({**json.loads(line), **changes}).encode() + b"\n"


def reported(metrics):
    return {"curve": [[1, 0.1, {"loss": 1.0}], [2, 0.2, metrics]]}


@pytest.mark.parametrize(
    ("number", "changes", "words"),
    [
        (3, reported({"loss": "0.5"}), "'0.5' is not a number"),
        (3, reported({"loss": None}), "None is not a number"),
        (3, reported({"loss": 10**400}), "is not a number"),
        (3, reported({"loss": 1.0, "other": [1]}), "is not a number"),
        (3, reported({}), "has no 'loss'"),
        (3, reported([1]), "is not a mapping"),
        (3, {"curve": [[1.5, 0.1, {"loss": 1.0}]]}, "1.5 is not an integer"),
        (3, {"curve": []}, "has no 'loss'"),
        (3, {"seconds": None}, "seconds: None is not a number"),
        (3, {"seed": 2**70}, "seed: .* is not an integer"),
        (3, {"worker": 3}, "worker: 3 is not a string"),
        (3, {"error": "\ud800"}, "surrogates"),
        (3, {"config": [1]}, "config: .* is not a mapping"),
        (3, {"wave": 7}, "does not belong to wave 7"),
        (3, {"state": "paused"}, "paused"),
        (3, {"trial": 99}, "ends trial 99, which is not running"),
        (3, {"confirms": 0}, "does not belong"),
        (2, {"points": [[0.5]] * 2}, "unit cube"),
        (2, {"points": [[5.0, 0.5]] * 2}, "unit cube"),
        (2, {"points": []}, "points"),
        (2, {"first": 3}, "begins with trial 3"),
        (2, {"edges": "abc"}, "edges: 'abc' is not a list"),
        (2, {"configs": [1]}, "configs: 1 is not a mapping"),
        (2, {"configs": [{}] * 9}, "2 points, but 9 configs"),
        (9, {"confirms": [0]}, "confirms the trials"),
        (9, {"confirms": [77, 78]}, "confirms the trials"),
        (1, {"versions": [1]}, "versions: .* is not a mapping"),
        (1, {"format": "x"}, "format: 'x' is not an integer"),
        (1, {"settings": {}}, "settings"),
        (1, {"format": 9}, "format 9; open it with a newer Caviar"),
    ],
)
def test_a_value_that_no_event_has_is_named_with_its_line(runs, whole, number, changes, words):
    lines = list(whole.lines)
    lines[number - 1] = edited(lines[number - 1], **changes)
    folder = damage(runs, b"".join(lines))
    with pytest.raises(StorageError, match=rf"line {number} of .*{NAME}.*{words}"):
        Outcome.read(folder)
    with pytest.raises(StorageError, match=rf"line {number} of"):
        caviar.Study.open(folder, data=train, workers=0)
    listed = {status.name: status for status in LocalJobs(runs).studies()}
    assert listed["good"].state is JobState.FINISHED
    assert listed["bad"].state is JobState.UNREADABLE
    assert f"line {number} of" in listed["bad"].progress


@pytest.mark.parametrize(
    ("insert", "words"),
    [
        (b"\xff\xfe\n", "is not JSON"),
        (b"\0" * 40 + b"\n", "is not JSON"),
        (b"\n", "is not JSON"),
        (b'{"event":"pause","signature":5}\n', "5 is not a string"),
        (b'{"event":"party"}\n', "party"),
        (b'{"event":["pause"]}\n', "event"),
        (b'{"event":"warm start","points":[[0.1,0.1]],"values":[1,2]}\n', "1 points, but 2 values"),
        (b'{"event":"evaluation","evaluation":{"trial":"x"}}\n', "'x' is not an integer"),
        (
            b'{"event":"evaluation","evaluation":{"trial":9,"rows":1,"metric":"m","metrics":{},"low":1,"high":1,'
            b'"baseline":{}}}\n',
            "evaluates trial 9",
        ),
    ],
)
def test_a_line_in_between_that_is_no_event_is_named(runs, whole, insert, words):
    folder = damage(runs, whole.lines[0] + insert + b"".join(whole.lines[1:]))
    with pytest.raises(StorageError, match=rf"line 2 of .* is damaged .*{words}"):
        Outcome.read(folder)
    assert states(runs) == {"bad": JobState.UNREADABLE, "good": JobState.FINISHED}


def test_a_trial_that_ends_twice_is_named(runs, whole):
    folder = damage(runs, b"".join([*whole.lines[:3], whole.lines[2], *whole.lines[3:]]))
    with pytest.raises(StorageError, match=r"line 4 of .* is damaged"):
        Outcome.read(folder)


@pytest.mark.parametrize("content", [b"\0" * 300, b"[]", b"\xff\n"])
def test_a_journal_that_is_something_else_is_listed_as_unreadable_and_not_overwritten(runs, content):
    folder = damage(runs, content)
    assert states(runs) == {"bad": JobState.UNREADABLE, "good": JobState.FINISHED}
    with pytest.raises(InputError, match="already holds a study"):
        caviar.Study(train, space=SPACE, out=folder, **SETTINGS)
    with pytest.raises(CaviarError, match=r"line 1 of"):
        Outcome.read(folder)


def test_a_folder_in_place_of_the_journal(runs):
    (runs / "bad" / NAME).mkdir()
    assert states(runs) == {"good": JobState.FINISHED}
    with pytest.raises(CaviarError, match=f"bad.*{NAME}"):
        LocalJobs(runs).status("bad")


@pytest.mark.parametrize("what", [NAME, "."])
def test_a_study_of_another_user_is_one_sentence(runs, whole, what):
    folder = damage(runs, whole.content)
    (folder / what).chmod(0)
    try:
        if os.access(folder / what, os.R_OK):
            pytest.skip("root may read everything")
        for read_it in (Outcome.read, caviar.Study.open, lambda folder: LocalJobs(runs).status(folder.name)):
            with pytest.raises(StorageError, match=r"cannot read .* \(Permission denied\)"):
                read_it(folder)
        assert states(runs)["good"] is JobState.FINISHED
    finally:
        (folder / what).chmod(0o700)


def test_events_that_were_written_before_the_disk_was_full_are_kept(tmp_path):
    events = [StudyPaused(f"failure {number}") for number in range(3)]
    total = sum(len(encode(event)) + 1 for event in events)
    for size in range(1, total + 1):
        folder = tmp_path / f"{size}"
        written = 0
        with (
            full_disk(max(size, 64)),
            contextlib.suppress(StorageError),
            contextlib.closing(Journal(folder)) as journal,
        ):
            for event in events:
                journal.append([event])
                written += 1
        found = list(read(folder)) if written else []
        assert found[:written] == events[:written]
        assert found == events[: len(found)]
        with contextlib.closing(Journal(folder)) as journal:
            journal.append(events[len(found) :])
        assert list(read(folder)) == events


def test_a_study_whose_disk_was_full_says_so_and_goes_on_later(tmp_path, whole):
    columns = ["trial", "wave", "state", "x", "kind", "loss", "seed"]
    sizes = np.linspace(1, len(whole.content), 15, dtype=int)
    for size in sizes.tolist():
        folder = tmp_path / f"{size}"
        study = caviar.Study(train, space=SPACE, confirm=(1, 2), out=folder, **SETTINGS)
        with full_disk(size), contextlib.suppress(StorageError):
            study.run(progress=False)
            assert size >= sizes[-2]
        assert study.run(progress=False)[columns].equals(whole.table[columns])
        assert Outcome.read(folder).table[columns].equals(whole.table[columns])
