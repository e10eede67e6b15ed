"""The mirror of a study's folder, on a real S3 protocol server and in memory."""

import io
import itertools
import json
import shutil
import time
import uuid

import pandas as pd
import pytest

import caviar
from caviar.cli.jobs import fetched
from caviar.errors import InputError, StorageError
from caviar.jobs.local import Here
from caviar.records import mirror as storage
from caviar.records.journal import NAME, Journal, folder_of, read


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
    import boto3

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


def records(count, first=0):
    return [{"trial": number, "state": "finished"} for number in range(first, first + count)]


def lose(folder):
    shutil.rmtree(folder)


def test_a_study_comes_back_from_its_mirror_when_its_disk_is_lost(uri, monkeypatch):
    monkeypatch.setattr(storage, "PUSH_SECONDS", 0.0)
    folder = folder_of(uri)
    journal = Journal(folder)
    journal.append([{"study": {"name": "it"}}])
    for i in range(5):
        journal.append(records(3, 3 * i))
    (folder / "results.csv").write_text("trial\n1\n")
    journal.close()
    written = (folder / NAME).read_bytes()
    lose(folder)
    again = folder_of(uri)
    assert (again / NAME).read_bytes() == written
    journal = Journal(again)
    journal.append(records(2, 15))
    journal.close()
    lose(again)
    assert [record.get("trial") for record in read(folder_of(uri))] == [None, *range(17)]
    import fsspec

    assert fsspec.core.url_to_fs(uri)[0].cat_file(f"{uri}/results.csv") == b"trial\n1\n"


def test_parts_go_there_at_intervals_and_when_a_wave_begins(uri):
    journal = Journal(folder_of(uri))
    journal.append([{"study": {}}])
    journal.append(records(2))
    mirror = storage.mirror_of(folder_of(uri), NAME)
    before = mirror.content()
    journal.append([{"wave": 2, "points": []}], now=True)
    assert len(before) < len(storage.mirror_of(folder_of(uri), NAME).content())
    assert (folder_of(uri) / NAME).read_bytes() == storage.mirror_of(folder_of(uri), NAME).content()
    journal.close()


def test_a_second_driver_elsewhere_is_refused_and_a_dead_one_is_forgotten(uri, monkeypatch, tmp_path):
    journal = Journal(folder_of(uri))
    journal.append([{"study": {}}])
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(StorageError, match="is driving the study"):
        Journal(folder_of(uri, elsewhere))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + storage.DEAD_SECONDS + 1)
    other = Journal(folder_of(uri, elsewhere))
    other.append([{"wave": 1, "points": []}], now=True)
    journal._mirror._pushed = -1e9
    with pytest.raises(StorageError, match="another driver has written"):
        journal.append(records(1))
    other.close()


def test_a_folder_that_went_its_own_way_is_not_overwritten(uri, tmp_path):
    journal = Journal(folder_of(uri))
    journal.append([{"study": {}}])
    journal.close()
    folder = folder_of(uri)
    (folder / NAME).write_text(json.dumps({"study": {"other": 1}}) + "\n")
    with pytest.raises(StorageError, match="gone different ways"):
        folder_of(uri)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / NAME).write_text("{}\n")
    with pytest.raises(StorageError, match="holds another study"):
        folder_of(uri, tmp_path / "own")


def test_a_uri_of_no_known_kind_and_a_bucket_that_is_not_there(uri):
    with pytest.raises(InputError, match="nowhere://"):
        folder_of("nowhere://bucket/study")
    if uri.startswith("s3"):
        with pytest.raises(StorageError, match="cannot be written"):
            Journal(folder_of(f"s3://{uuid.uuid4().hex}/study"))


def bowl(config, seed):
    return {"loss": (config["x"] - 0.3) ** 2}


@pytest.mark.usefixtures("ray_cluster")
def test_results_report_and_resume_need_nothing_but_the_uri(uri, tmp_path):
    space = caviar.Space(x=caviar.uniform(0, 1))
    settings = {"metric": "loss", "mode": "min", "trials": 16, "waves": 2}
    whole = caviar.Study(bowl, space=space, out=tmp_path / "whole", **settings)
    table = whole.run(progress=False)
    journal = Journal(folder_of(uri))
    journal.append(itertools.islice(read(whole.folder), 14))  # its driver died in the middle of the second wave
    journal.close()
    lose(journal.path.parent)

    seen = pd.read_csv(io.BytesIO(Here().file(uri, "results.csv")))
    assert 8 < len(seen) < 16
    assert "<html" in caviar.Study.read(fetched(uri, None)).report().read_text()
    lose(journal.path.parent)

    again = caviar.Study.open(uri, data=bowl).run(progress=False)
    columns = ["trial", "wave", "state", "x", "loss", "seed"]
    pd.testing.assert_frame_equal(again[columns], table[columns], check_exact=True)
    lose(journal.path.parent)
    assert len(pd.read_csv(io.BytesIO(Here().file(uri, "results.csv")))) == 16
