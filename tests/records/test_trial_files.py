"""The files of trials: copies in a store, what is fetched from a mirror, and which are kept."""

import contextlib
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError, StorageError
from caviar.files import open_store
from caviar.records.objective import Objective
from caviar.records.trial import Result, State
from caviar.records.trial_files import FolderCopy, StudyFiles, keep_best, trial_folder


def files_in(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture(params=["folder", "uri"])
def store(request, tmp_path):
    return open_store(tmp_path / "store" if request.param == "folder" else f"memory://{uuid.uuid4().hex}/study")


def test_a_copy_follows_its_folder_and_comes_back_elsewhere(store, tmp_path):
    folder = tmp_path / "a" / "000017"
    copy = FolderCopy(folder, store)
    for files in ({"model.pt": b"one", "deep/log": b""}, {"model.pt": b"two", "other": b"\x00"}):
        for path in list(folder.rglob("*")) if folder.exists() else []:
            if path.is_file():
                path.unlink()
        write(folder, files)
        copy.upload()
        again = tmp_path / str(len(files["model.pt"])) / files["model.pt"].decode() / "000017"
        FolderCopy(again, store).download()
        assert files_in(again) == files


def test_a_folder_that_exists_is_not_fetched_over(store, tmp_path):
    folder = tmp_path / "000017"
    write(folder, {"model.pt": b"mine"})
    FolderCopy(folder, store).upload()
    write(folder, {"model.pt": b"newer"})
    FolderCopy(folder, store).download()
    assert files_in(folder) == {"model.pt": b"newer"}


def test_without_a_copy_nothing_is_fetched_and_a_removed_one_is_gone(store, tmp_path):
    folder = tmp_path / "000017"
    FolderCopy(folder, store).download()
    assert not folder.exists()
    write(folder, {"a": b"a", "b/c": b"c"})
    FolderCopy(folder, store).upload()
    FolderCopy(folder, store).remove()
    again = tmp_path / "again" / "000017"
    FolderCopy(again, store).download()
    assert not again.exists()


def test_half_a_copy_is_not_taken_for_a_whole_one(store, tmp_path):
    folder = tmp_path / "000017"
    write(folder, {"a": b"a", "b": b"b"})
    FolderCopy(folder, store).upload()
    store.remove("trials/000017/b")
    again = tmp_path / "again" / "000017"
    with pytest.raises(StorageError, match="cannot read"):
        FolderCopy(again, store).download()
    assert not again.exists()


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/../../evil"])
def test_a_hostile_list_of_names_writes_nothing_outside_of_the_folder(store, tmp_path, name):
    folder = tmp_path / "deep" / "deep" / "000017"
    store.write("trials/000017.json", json.dumps([name]).encode())
    with pytest.raises(StorageError, match="as a file of trials/000017"):
        FolderCopy(folder, store).download()
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("name", ["../../journal.jsonl", "../000018/model.pt", "a/../../../journal.jsonl"])
def test_a_hostile_list_of_names_removes_nothing_outside_of_the_folder(store, tmp_path, name):
    store.write("journal.jsonl", b"the study's")
    store.write("trials/000018/model.pt", b"another trial's")
    store.write("trials/000017.json", json.dumps(["a", name]).encode())
    write(tmp_path / "000017", {"model.pt": b"mine"})
    copy = FolderCopy(tmp_path / "000017", store)
    for step in (copy.download, copy.upload, FolderCopy(tmp_path / "000017", store).remove):
        with contextlib.suppress(StorageError):
            step()
        store.write("trials/000017.json", json.dumps(["a", name]).encode())
    assert store.read("journal.jsonl") == b"the study's"
    assert store.read("trials/000018/model.pt") == b"another trial's"


def result(number, loss, state=State.FINISHED):
    return Result(number, 1, state, {}, {"loss": loss}, 1, 0.1, 7, "host:1")


@given(losses=st.lists(st.sampled_from([0.1, 0.2, 0.3]), max_size=6), count=st.integers(0, 4), failed=st.integers(0, 6))
def test_only_the_best_trials_that_ended_keep_their_files(tmp_path_factory, losses, count, failed):
    study = tmp_path_factory.mktemp("study")
    results = {n: result(n, loss, State.FAILED if n == failed else State.FINISHED) for n, loss in enumerate(losses)}
    running = len(losses)
    for number in range(running + 1):
        write(trial_folder(study, number), {"model.pt": b""})
    keep_best(study, results, Objective("loss", "min"), count)
    finished = sorted((loss, n) for n, loss in enumerate(losses) if n != failed)
    expected = {n for _, n in finished[:count]} | {running}
    assert {int(path.name) for path in (study / "trials").iterdir()} == expected


def save(config):
    folder = caviar.trial().folder
    (folder / "x").write_text(str(config["x"]))
    return {"loss": config["x"]}


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_study_keeps_the_files_of_its_best(tmp_path, isolation):
    space = {"x": caviar.uniform(0, 1)}
    study = caviar.Study(
        save,
        space=space,
        metric="loss",
        mode="min",
        trials=12,
        workers=0,
        keep=2,
        out=tmp_path / "s",
        isolation=isolation,
    )
    table = study.run(progress=False).sort_values("loss")
    assert sorted(p.name for p in (tmp_path / "s" / "trials").iterdir()) == sorted(
        f"{n:06d}" for n in table["trial"][:2]
    )
    for number, loss in zip(table["trial"][:2], table["loss"][:2], strict=True):
        assert float((study.outcome.trial(number).folder / "x").read_text()) == loss


def test_files_come_back_from_the_mirror(tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    uri = f"file://{tmp_path}/bucket/study"
    settings = {"space": {"x": caviar.uniform(0, 1)}, "metric": "loss", "mode": "min", "trials": 6, "waves": 1}
    study = caviar.Study(save, **settings, workers=0, keep=2, out=uri)
    table = study.run(progress=False).sort_values("loss")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    outcome = caviar.Outcome.read(uri)
    best = outcome.best
    assert float((best.folder / "x").read_text()) == best.metrics["loss"] == table["loss"].iloc[0]
    assert not outcome.trial(int(table["trial"].iloc[-1])).folder.exists()


def test_the_winner_is_read_without_its_mirror(tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    settings = {"space": {"x": caviar.uniform(0, 1)}, "metric": "loss", "mode": "min", "trials": 6, "waves": 1}
    study = caviar.Study(lambda config: {"loss": config["x"]}, **settings, workers=0, out="memory://bucket/study")
    study.run(progress=False)
    monkeypatch.setattr("caviar.records.trial_files.open_store", lambda uri: Unreachable())
    outcome = caviar.Outcome.read(study.folder)
    assert outcome.best.metrics == outcome.trial(outcome.best.trial).metrics
    with pytest.raises(StorageError, match="cannot reach"):
        _ = outcome.best.folder
    with pytest.raises(InputError, match=r"use outcome.trial\(0\).folder"):
        _ = outcome.results[0].folder


class Unreachable:
    """A store without its network."""

    def __getattr__(self, name):
        raise StorageError("cannot reach memory://bucket/study")


def test_a_folder_of_another_machine_is_not_taken_for_the_studys(tmp_path):
    (tmp_path / "driver.txt").write_text("host:1", encoding="utf-8")
    assert StudyFiles(str(tmp_path), "host:1").is_here
    assert not StudyFiles(str(tmp_path), "host:2").is_here
    assert not StudyFiles(str(tmp_path / "missing"), "host:1").is_here


@pytest.mark.parametrize("content", [b"", b"\xff", b"5", b"{}", b"[5]", b'"a"', b"[" * 100_000])
def test_a_damaged_list_of_files_is_one_sentence(tmp_path, content):
    store = open_store(tmp_path / "store")
    store.write("trials/000003.json", content)
    with pytest.raises(StorageError, match=r"trials/000003\.json at .* is damaged"):
        FolderCopy(tmp_path / "trials" / "000003", store).download()
