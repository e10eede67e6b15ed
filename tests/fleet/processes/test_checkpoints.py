"""The folder and the checkpoint of a trial: what it keeps, and how it continues."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

import caviar
from caviar.fleet.worker import checkpoints
from caviar.records.trial import CurvePoint
from tests.fleet.processes.studies import SETTINGS, finished, numbers_in, output, run, study_of

EPOCHS = 6
HALVING = caviar.Halving(factor=2, first=2)


def test_thirty_trials_each_read_back_what_they_saved(tmp_path):
    out = tmp_path / "runs" / "s"

    def train(config):
        trial = caviar.trial()
        file = trial.folder / "model.pt"
        assert not file.exists()
        file.write_text(str(config["x"]))
        for _ in range(3):
            time.sleep(0.005)
            caviar.report({"loss": float(file.read_text())})
        assert trial.folder == out.resolve() / "trials" / f"{trial.number:06d}"
        assert trial.checkpoint is None
        return {"loss": float(file.read_text()), "number": trial.number, "seed_of_trial": trial.seed}

    table, _ = run(train, out, range(30))
    assert finished(table)
    assert list(table["loss"]) == list(table["x"]) == list(range(30))
    assert list(table["number"]) == list(table["trial"])
    assert list(table["seed_of_trial"]) == list(table["seed"])
    assert sorted(numbers_in(out / "trials")) == list(range(30))


@pytest.mark.parametrize("workers", [2])
@pytest.mark.usefixtures("ray_cluster")
def test_parallel_trials_each_read_back_what_they_saved(tmp_path, workers):
    def train(config):
        file = caviar.trial().folder / "model.pt"
        file.write_text(str(config["x"]))
        time.sleep(0.01)
        return {"loss": float(file.read_text())}

    table, _ = run(train, tmp_path / "s", range(30), workers=workers)
    assert finished(table)
    assert list(table["loss"]) == list(range(30))


def test_no_folder_is_made_if_nobody_asks(tmp_path):
    def train(config):
        return {"loss": float(caviar.trial().number)}

    run(train, tmp_path / "s", range(3))
    assert not (tmp_path / "s" / "trials").exists()


def training(config):
    """Count epochs in a checkpoint, a file or a folder; get into the trouble of x at epoch 3, once."""
    trial = caviar.trial()
    how, flag = config["x"].split(), trial.folder / "troubled"
    state = trial.folder / "state"
    path = state / "epoch" if "folder" in how else state
    if trial.checkpoint is not None:
        saved = trial.checkpoint / "epoch" if "folder" in how else trial.checkpoint
        assert int(saved.read_text()) == trial.epoch
        print("continued from", trial.epoch)
    for epoch in range(trial.epoch, EPOCHS):
        if "folder" in how:
            state.mkdir(exist_ok=True)
        path.write_text(str(epoch + 1))
        if epoch == 3 and not flag.exists():
            flag.touch()
            if "killed" in how:
                os.kill(os.getpid(), signal.SIGKILL)
            if "saving" in how:
                shutil.copy2 = shutil.copytree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        caviar.report({"loss": 1 / (1 + epoch), "count": epoch + 1}, checkpoint=state)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_a_killed_trial_continues_at_its_checkpoint(tmp_path, workers):
    xs = ["file killed", "folder killed", "file saving", "folder saving", "file", "folder"]
    study = study_of(training, tmp_path / "s", xs, workers=workers)
    table = study.run(progress=False)
    assert finished(table)
    assert set(table["epochs"]) == {EPOCHS}
    for number, reports in study.history.groupby("trial"):
        assert list(reports["epoch"]) == list(reports["count"]) == list(range(1, EPOCHS + 1)), number
        assert reports["seconds"].is_monotonic_increasing
    for number, how in zip(table["trial"], table["x"], strict=True):
        assert ("continued from 3" in output(study, number)) == ("killed" in how or "saving" in how), how


def test_a_checkpoint_that_does_not_exist_is_one_sentence(tmp_path):
    def train(config):
        caviar.report({"loss": 1.0}, checkpoint=tmp_path / "none")

    table, _ = run(train, tmp_path / "s")
    assert "checkpoint must be a file or a folder that exists, got" in table["error"][0]


def test_the_whole_folder_can_be_the_checkpoint_and_so_can_the_last_checkpoint(tmp_path):
    def train(config):
        trial = caviar.trial()
        (trial.folder / "a").write_text("a")
        for _ in range(3):
            caviar.report({"loss": 1.0}, checkpoint=trial.folder)
        assert sorted(os.listdir(trial.checkpoint)) == ["a"]
        caviar.report({"loss": 2.0}, checkpoint=trial.checkpoint / "a")
        caviar.report({"loss": 3.0}, checkpoint=trial.checkpoint)
        assert trial.checkpoint.read_text() == "a"
        assert trial.epoch == 5

    table, _ = run(train, tmp_path / "s")
    assert finished(table)


DRIVER = """
import os, sys, time
import caviar
from pathlib import Path
from tests.fleet.processes.test_checkpoints import study_in
study_in(Path(sys.argv[1])).run(progress=False)
"""


def slow(config, seed):
    trial = caviar.trial()
    file = trial.folder / "state"
    value = float(trial.checkpoint.read_text()) if trial.checkpoint else config["x"]
    for _ in range(trial.epoch, EPOCHS):
        time.sleep(0.03)
        value = value * 0.7 + seed % 7
        file.write_text(repr(value))
        caviar.report({"loss": value}, checkpoint=file)


def slow_trial(config, seed):
    if caviar.trial().number % 2 == 0:
        slow(config, seed)
    else:
        for epoch in range(EPOCHS):
            time.sleep(0.01)
            caviar.report({"loss": config["x"] + epoch})


def study_in(folder):
    settings = SETTINGS | {"search": "random", "early_stopping": HALVING, "epochs": EPOCHS, "workers": 0}
    if (folder / "journal.jsonl").exists():
        return caviar.Study.open(folder, data=slow_trial, workers=0)
    space = caviar.Space(x=caviar.uniform(0, 1))
    return caviar.Study(slow_trial, space=space, trials=8, out=folder, **settings)


def test_a_driver_killed_again_and_again_ends_with_the_undisturbed_table(tmp_path):
    whole = study_in(tmp_path / "whole")
    undisturbed = whole.run(progress=False)
    environment = {**os.environ, "PYTHONPATH": str(Path(caviar.__file__).parents[1])}
    for seconds in (0.3, 0.6, 0.9, 1.2):
        driver = subprocess.Popen([sys.executable, "-c", textwrap.dedent(DRIVER), tmp_path / "s"], env=environment)
        while not list((tmp_path / "s").glob("trials/*")) and driver.poll() is None:
            time.sleep(0.02)
        time.sleep(seconds)
        driver.kill()
        driver.wait()
    study = study_in(tmp_path / "s")
    table = study.run(progress=False)
    assert table["continued_from"].notna().any()
    table, undisturbed = (t.drop(columns=["seconds", "began", "ended", "worker"]) for t in (table, undisturbed))
    pd.testing.assert_frame_equal(table.drop(columns="continued_from"), undisturbed, check_exact=True)
    for (number, mine), (_, theirs) in zip(study.history.groupby("trial"), whole.history.groupby("trial"), strict=True):
        assert list(mine["epoch"]) == list(range(1, len(mine) + 1)), number
        assert list(mine["loss"]) == list(theirs["loss"])


def test_an_unfinished_checkpoint_is_not_used(tmp_path):
    folder = tmp_path / "trials" / "000000"
    unfinished = folder / "checkpoint" / "unfinished-7" / "saved"
    unfinished.mkdir(parents=True)
    assert checkpoints.last(folder) is None
    assert checkpoints.begin(folder) is None
    assert not unfinished.exists()


def test_a_trial_that_two_processes_train_is_continued_from_the_furthest(tmp_path):
    """A trial is given to another trainer while the machine of its first one is cut off, and trains on."""
    folder, seen = tmp_path / "trials" / "000000", []
    curve = [CurvePoint(epoch, 0.1, {"loss": 1 / epoch}) for epoch in range(1, 41)]

    def train(name):
        for epoch in range(1, 41):
            saved = tmp_path / f"{name}.pt"
            saved.write_text(str(epoch))
            checkpoints.save(folder, saved, curve[:epoch])
            last = checkpoints.last(folder)
            assert last.epoch >= epoch
            seen.append(last.epoch)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(train, ("first", "second")))
    last = checkpoints.begin(folder)
    assert (last.epoch, last.path.read_text(), last.curve) == (40, "40", tuple(curve))
    assert [path.name for path in (folder / "checkpoint").iterdir()] == ["000040"]


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_process_that_is_behind_leaves_the_newer_checkpoint(tmp_path, epoch):
    folder, saved = tmp_path / "trials" / "000000", tmp_path / "model.pt"
    curve = [CurvePoint(epoch, 0.1, {"loss": 1 / epoch}) for epoch in range(1, 4)]
    for content, reports in (("newer", 3), ("older", epoch)):
        saved.write_text(content)
        checkpoints.save(folder, saved, curve[:reports])
    last = checkpoints.last(folder)
    assert (last.epoch, last.path.read_text()) == (3, "newer")


@pytest.mark.parametrize("isolation", ["process", "none"])
@pytest.mark.parametrize("saves_a_folder", [False, True])
def test_a_full_disk_costs_a_checkpoint_and_no_trial(tmp_path, isolation, saves_a_folder):
    def train(config):
        folder, copy, copytree = caviar.trial().folder, shutil.copy2, shutil.copytree
        saved = folder / "saved" if saves_a_folder else folder / "model.pt"
        for epoch in (1, 2):
            (saved if saves_a_folder else folder).mkdir(exist_ok=True)
            (saved / "model.pt" if saves_a_folder else saved).write_text(str(epoch))
            if epoch == 2:
                shutil.copy2 = full
                shutil.copytree = lambda *args, **options: copytree(*args, copy_function=full, **options)
            caviar.report({"loss": 1 / epoch}, checkpoint=saved)
        shutil.copy2, shutil.copytree = copy, copytree
        return {"loss": 0.5, "from": caviar.trial().epoch}

    def full(source, target, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    table, (printed,) = run(train, tmp_path / "s", isolation=isolation)
    assert finished(table)
    assert list(table["from"]) == [1]  # the checkpoint before
    assert "caviar: the disk is full, so the checkpoint of report 2 is not saved" in printed


def test_a_checkpoint_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def refuse(source, target, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source))

    monkeypatch.setattr(shutil, "copy2", refuse)
    (tmp_path / "model.pt").touch()
    with pytest.raises(PermissionError):
        checkpoints.save(tmp_path, tmp_path / "model.pt", [])
