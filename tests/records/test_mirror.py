"""The mirror of a study's folder, on a real S3 protocol server and in memory."""

import gc
import io
import itertools
import json
import shutil
import time
import uuid

import pandas as pd
import pytest

import caviar
from caviar.errors import InputError, StorageError
from caviar.files import open_store
from caviar.jobs.local import LocalJobs
from caviar.records.events import StudyPaused
from caviar.records.journal import NAME, Journal, encode_lines, local_folder, read
from caviar.records.mirror import DEAD_SECONDS, HEARTBEAT, MIRROR, Mirror, mirror_uri
from caviar.records.record import StudyRecord
from tests.records.test_replay import SETTINGS


@pytest.fixture(scope="session")
def s3_server():
    moto_server = pytest.importorskip("moto.server")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def uri(request, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if request.param == "memory":
        return f"memory://{uuid.uuid4().hex}/study"
    boto3 = pytest.importorskip("boto3")

    for name, value in {
        "AWS_ENDPOINT_URL": request.getfixturevalue("s3_server"),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = uuid.uuid4().hex
    boto3.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/deep/study"


def events(count, first=0):
    return [StudyPaused(f"failure {number}") for number in range(first, first + count)]


def test_a_study_comes_back_from_its_mirror_when_its_disk_is_lost(uri):
    folder = local_folder(uri)
    journal = Journal(folder, push_seconds=0.0)
    for i in range(5):
        journal.append(events(3, 3 * i))
    (folder / "results.csv").write_text("trial\n1\n")
    journal.close()
    written = (folder / NAME).read_bytes()
    shutil.rmtree(folder)
    again = local_folder(uri)
    assert (again / NAME).read_bytes() == written
    journal = Journal(again, push_seconds=0.0)
    journal.append(events(2, 15))
    journal.close()
    shutil.rmtree(again)
    assert list(read(local_folder(uri))) == events(17)
    assert open_store(uri).read("results.csv") == b"trial\n1\n"


def test_parts_are_copied_at_intervals_and_when_a_wave_begins(uri):
    folder = local_folder(uri)
    journal = Journal(folder)
    journal.append(events(1))
    journal.append(events(2, 1))
    before = Mirror(uri, folder / NAME).content()
    journal.append(events(1, 3), mirror_now=True)
    after = Mirror(uri, folder / NAME).content()
    assert len(before) < len(after)
    assert (folder / NAME).read_bytes() == after
    journal.close()


def test_a_second_driver_elsewhere_is_refused_and_a_dead_one_is_forgotten(uri, tmp_path):
    journal = Journal(local_folder(uri), push_seconds=0.0)
    journal.append(events(1))
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(StorageError, match="is driving the study"):
        Journal(local_folder(uri, elsewhere))
    heartbeat = json.loads(open_store(uri).read(HEARTBEAT))
    heartbeat["seen"] -= DEAD_SECONDS + 1
    open_store(uri).write(HEARTBEAT, json.dumps(heartbeat).encode())
    other = Journal(local_folder(uri, elsewhere))
    other.append(events(1, 1), mirror_now=True)
    with pytest.raises(StorageError, match="another driver has written"):
        journal.append(events(1, 2))
    other.close()


def test_a_driver_that_died_in_this_folder_is_not_waited_for(uri, tmp_path):
    journal = Journal(local_folder(uri), push_seconds=0.0)
    journal.append(events(1))
    del journal  # as if its process had been killed: it gives up the lock, but does not say goodbye at the URI
    gc.collect()
    with pytest.raises(StorageError, match="is driving the study"):
        Journal(local_folder(uri, tmp_path / "elsewhere"))
    journal = Journal(local_folder(uri))
    journal.append(events(1, 1))
    journal.close()
    assert Mirror(uri, journal.path).content() == journal.path.read_bytes()


def test_a_driver_whose_clock_was_ahead_is_forgotten(uri, tmp_path, monkeypatch):
    now = time.time()
    monkeypatch.setattr("caviar.records.mirror.time.time", lambda: now + 86_400)
    Journal(local_folder(uri)).append(events(1), mirror_now=True)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    journal = Journal(local_folder(uri, tmp_path / "elsewhere"))
    journal.append(events(1, 1))
    journal.close()
    assert len(list(read(tmp_path / "elsewhere"))) == 2


def test_a_folder_that_has_diverged_is_not_overwritten(uri, tmp_path):
    journal = Journal(local_folder(uri))
    journal.append(events(1))
    journal.close()
    folder = local_folder(uri)
    (folder / NAME).write_text('{"event":"pause","signature":"another one"}\n')
    with pytest.raises(StorageError, match="have diverged"):
        local_folder(uri)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / NAME).write_text("{}\n")
    with pytest.raises(StorageError, match="holds another study"):
        local_folder(uri, tmp_path / "own")


def test_a_folder_that_is_behind_its_mirror_is_not_continued(uri, tmp_path):
    folder = local_folder(uri)
    for first, place in ((0, folder), (3, tmp_path / "elsewhere")):
        journal = Journal(local_folder(uri, place))
        journal.append(events(3, first))
        journal.close()
    with pytest.raises(StorageError, match="holds more of the study"):
        Journal(folder)
    with (folder / NAME).open("a") as file:
        file.write('{"event":"torn')  # its driver died in the middle of a line
    journal = Journal(local_folder(uri))
    journal.append(events(1, 6))
    journal.close()
    assert list(read(folder)) == events(7)
    assert Mirror(uri, folder / NAME).content() == (folder / NAME).read_bytes()


def test_a_part_that_was_written_though_its_answer_was_lost_is_ours(uri):
    folder = local_folder(uri)
    journal = Journal(folder)
    journal.append(events(1), mirror_now=True)
    line = encode_lines(events(1, 1)).encode()
    open_store(uri).create("journal-000002.jsonl", line)
    journal.append(events(2, 1), mirror_now=True)
    journal.append(events(1, 3))
    journal.close()
    assert Mirror(uri, folder / NAME).content() == (folder / NAME).read_bytes()


def test_of_two_equal_studies_that_begin_at_one_uri_at_once_only_one_does(uri, tmp_path):
    places = [local_folder(uri, tmp_path / name) for name in ("one", "two")]
    first, second = (Mirror(uri, place / NAME) for place in places)  # both see that nothing is there
    for place in places:
        (place / NAME).touch()
    first.claim()
    open_store(uri).remove(HEARTBEAT)  # as if the second had looked before the first wrote it
    with pytest.raises(StorageError, match="another study begins at"):
        second.claim()


def test_of_two_studies_with_one_uri_on_two_machines_the_second_is_refused_with_a_sentence(uri, tmp_path, monkeypatch):
    studies = []
    for machine in ("one", "two"):
        (tmp_path / machine).mkdir()
        monkeypatch.chdir(tmp_path / machine)
        studies.append(StudyRecord.begin(uri, SETTINGS))
    monkeypatch.chdir(tmp_path / "one")
    with studies[0].writing():
        monkeypatch.chdir(tmp_path / "two")
        with pytest.raises(StorageError, match="is driving the study"), studies[1].writing():
            pass
        monkeypatch.chdir(tmp_path / "one")
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(StorageError, match="holds more of the study"), studies[1].writing():
        pass
    with pytest.raises(InputError, match="already holds a study"):
        StudyRecord.begin(uri, SETTINGS)
    assert len(list(read(tmp_path / "one" / "runs" / "study"))) == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b'{"driver":"a:1","seen":"now"}', b"[" * 100_000])
def test_a_damaged_heartbeat_is_one_sentence(uri, content):
    folder = local_folder(uri)
    open_store(uri).write(HEARTBEAT, content)
    with pytest.raises(StorageError, match=r"driver\.json at .* is damaged; remove it if no driver runs"):
        Journal(folder)


def test_a_part_that_is_missing_is_named_and_other_files_are_no_parts(uri):
    folder = local_folder(uri)
    journal = Journal(folder)
    for number in range(3):
        journal.append(events(1, number), mirror_now=True)
    journal.close()
    open_store(uri).write("notes.jsonl", b"mine\n")
    shutil.rmtree(folder)
    assert list(read(local_folder(uri))) == events(3)
    open_store(uri).remove("journal-000002.jsonl")
    with pytest.raises(StorageError, match=r"lacks journal-000002\.jsonl"):
        local_folder(uri)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"runs/here", b"\0" * 9, b"s3://" + b"a" * 9999, b"s3://a\nb"])
def test_a_damaged_name_of_the_mirror_is_one_sentence(tmp_path, content):
    (tmp_path / MIRROR).write_bytes(content)
    with pytest.raises(StorageError, match=r"mirror\.txt must hold the URI of the study's mirror, got .*; write that"):
        mirror_uri(tmp_path)


def test_only_whole_lines_are_copied(uri):
    folder = local_folder(uri)
    journal = Journal(folder)
    journal.append(events(1))
    with (folder / NAME).open("a") as file:
        file.write('{"event":"torn')  # a full disk took no more
    journal.close()
    assert Mirror(uri, folder / NAME).content() == encode_lines(events(1)).encode()


def test_an_unknown_kind_of_uri_and_a_missing_bucket(uri):
    with pytest.raises(InputError, match="nowhere://"):
        local_folder("nowhere://bucket/study")
    if uri.startswith("s3"):
        with pytest.raises(StorageError, match=r"cannot (write|reach)"):
            Journal(local_folder(f"s3://{uuid.uuid4().hex}/study"))


def bowl(config, seed):
    return {"loss": (config["x"] - 0.3) ** 2}


def test_results_report_and_resume_need_nothing_but_the_uri(uri, tmp_path):
    space = caviar.Space(x=caviar.uniform(0, 1))
    settings = {"metric": "loss", "mode": "min", "trials": 16, "waves": 2, "workers": 0}
    whole = caviar.Study(bowl, space=space, out=tmp_path / "whole", **settings)
    table = whole.run(progress=False)
    journal = Journal(local_folder(uri))
    journal.append(itertools.islice(read(whole.folder), 14))  # its driver died in the middle of the second wave
    journal.close()
    folder = journal.path.parent
    shutil.rmtree(folder)

    partial = pd.read_csv(io.BytesIO(LocalJobs().file(uri, "results.csv")))
    assert 8 < len(partial) < 16
    assert len(caviar.Outcome.read(uri).table) == len(partial)
    shutil.rmtree(folder)

    resumed = caviar.Study.open(uri, data=bowl, workers=0).run(progress=False)
    columns = ["trial", "wave", "state", "x", "loss", "seed"]
    pd.testing.assert_frame_equal(resumed[columns], table[columns], check_exact=True)
    shutil.rmtree(folder)
    assert len(pd.read_csv(io.BytesIO(LocalJobs().file(uri, "results.csv")))) == 16
