"""The networks that a study keeps: on disk before their trials count, and there at the end whatever happened."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.errors import InputError
from caviar.files import open_store
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.events import TrialEnded
from caviar.records.journal import read
from caviar.records.model_files import ModelFiles, trials_to_keep
from tests.fleet.simulation import SimulatedTrainers

DIGITS = caviar.load_digits()
COLUMNS = ["trial", "wave", "state", "learning_rate", "val_accuracy", "val_loss", "seed", "confirms"]


def study_of(out, **changes):
    settings = {"trials": 8, "waves": 2, "epochs": 2, "confirm": (2, 2), "workers": 0, **changes}
    return caviar.Study("digits", out=out, **settings)


def names(folder):
    return sorted(path.name for path in (folder / "models").glob("*"))


def expected(study):
    results = {result.trial: result for result in study.outcome.results}
    return sorted(["data.json", *(f"{n:06d}.npz" for n in trials_to_keep(results, study.settings))])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    study = study_of(tmp_path_factory.mktemp("keeping") / "whole")
    study.run(progress=False)
    return study


def test_the_confirmed_and_their_replicates_are_kept_exactly(whole):
    confirming = [result for result in whole.outcome.results if result.confirms is not None]
    numbers = {result.trial for result in confirming} | {result.confirms for result in confirming}
    assert len(numbers) == 6
    assert ModelFiles(whole.folder).numbers() == numbers
    for number in numbers:
        result, network = whole.outcome.trial(number), ModelFiles(whole.folder).read(number)
        assert network.origin.metrics == result.metrics
        assert (network.logits(DIGITS.val_x).argmax(axis=1) == DIGITS.val_y).mean() == result.metrics["val_accuracy"]
    assert len(whole.table) == 12  # training the confirmed again gives no rows


def test_keeping_changes_no_row_and_no_report_is_told_twice(whole, tmp_path):
    told = []

    class Reports(caviar.Callback):
        def on_report(self, trial, point):
            told.append((trial.number, point.epoch))

    study = study_of(tmp_path / "s")
    trainers = SimulatedTrainers(NetworkTrainable(DIGITS, 2), "val_accuracy", workers=3)
    table = study.run(progress=False, callbacks=[Reports()], trainers=trainers)
    pd.testing.assert_frame_equal(table[COLUMNS], whole.table[COLUMNS], check_exact=True)
    assert sorted(told) == [(n, epoch) for n in range(12) for epoch in (1, 2)]
    assert names(study.folder) == names(whole.folder)


def test_a_trial_counts_only_once_its_network_is_on_disk(tmp_path, monkeypatch):
    study, seen = study_of(tmp_path / "s"), []
    append = type(study.record).append

    def watched(record, events, **options):
        for event in events:
            if isinstance(event, TrialEnded) and event.result.confirms is not None:
                seen.append((record.folder / "models" / f"{event.result.trial:06d}.npz").exists())
        append(record, events, **options)

    monkeypatch.setattr(type(study.record), "append", watched)
    study.run(progress=False)
    assert seen == [True] * 4


def test_with_keep_those_of_the_best_are_kept_too(tmp_path):
    study = study_of(tmp_path / "s", keep=3, confirm=False)
    study.run(progress=False)
    best = study.table.sort_values(["val_accuracy", "trial"], ascending=[False, True])["trial"][:3]
    assert ModelFiles(study.folder).numbers() == set(best)
    both = study_of(tmp_path / "both", keep=1)
    both.run(progress=False)
    assert names(both.folder) == expected(both)


@pytest.mark.parametrize("changes", [{"confirm": False}, {"confirm": False, "keep": 0}])
def test_nothing_is_kept_where_nothing_is_asked_for(tmp_path, changes):
    study = study_of(tmp_path / "s", **changes)
    study.run(progress=False)
    assert not (study.folder / "models").exists()


def test_the_trials_of_a_function_keep_nothing(tmp_path):
    space = caviar.Space(x=caviar.uniform(0, 1))
    study = caviar.Study(
        lambda config, seed: {"loss": config["x"]}, space=space, metric="loss", mode="min", trials=4, confirm=(1, 2),
        workers=0, isolation="none", out=tmp_path / "s",
    )  # fmt: skip
    study.run(progress=False)
    assert not (study.folder / "models").exists()
    for source in (study, study.outcome):
        with pytest.raises(InputError, match=r"your own code.*study\.best\.folder"):
            source.model()


def test_what_is_missing_is_made_again_to_the_same_bits(whole, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    files = {name: (folder / "models" / name).read_bytes() for name in names(folder)}
    shutil.rmtree(folder / "models")
    caviar.Study.open(folder, workers=0).run(progress=False)
    assert {name: (folder / "models" / name).read_bytes() for name in names(folder)} == files
    for name in list(files)[:2]:
        (folder / "models" / name).unlink()
    before = (folder / "journal.jsonl").read_bytes()
    caviar.Study.open(folder, workers=0).run(progress=False)
    assert {name: (folder / "models" / name).read_bytes() for name in names(folder)} == files
    assert (folder / "journal.jsonl").read_bytes() == before


def test_a_row_of_another_machine_is_told_apart(whole, tmp_path, caplog):
    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    shutil.rmtree(folder / "models")
    best = whole.best
    lines = (folder / "journal.jsonl").read_text().splitlines()
    old = f'"val_accuracy":{best.metrics["val_accuracy"]}'
    changed = [line.replace(old, '"val_accuracy":0.5') if f'"trial":{best.trial},' in line else line for line in lines]
    (folder / "journal.jsonl").write_text("\n".join(changed) + "\n")
    caviar.Study.open(folder, workers=0).run(progress=False)
    assert f"trial {best.trial} was trained again for its weights, on other software or hardware" in caplog.text


KILLED = """
import sys, caviar
folder, begun = sys.argv[1:]
if begun == "yes":
    study = caviar.Study.open(folder, workers=0)
else:
    study = caviar.Study("digits", trials=8, waves=2, epochs=2, confirm=(2, 2), keep=2, workers=0, out=folder)
study.run(progress=False)
"""


def test_a_study_killed_at_any_point_ends_with_all_its_files(tmp_path):
    whole = study_of(tmp_path / "whole", keep=2)
    whole.run(progress=False)
    folder = tmp_path / "killed"
    for lines in (3, 8, 11, 13, 14, 15):  # of 15
        path = folder / "journal.jsonl"
        begun = "yes" if path.exists() and path.stat().st_size else "no"
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder), begun])
        while process.poll() is None and not (path.exists() and path.read_bytes().count(b"\n") >= lines):
            time.sleep(0.001)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    study = caviar.Study.open(folder, workers=0)
    study.run(progress=False)
    assert names(folder) == names(whole.folder) == expected(study)
    for name in names(folder):
        assert (folder / "models" / name).read_bytes() == (whole.folder / "models" / name).read_bytes()
    ended = [event.result.trial for event in read(folder) if isinstance(event, TrialEnded)]
    assert sorted(ended) == list(range(12))


def test_models_go_to_the_mirror_and_come_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = f"memory://{uuid.uuid4().hex}/study"
    study = study_of(uri, keep=1)
    study.run(progress=False)
    predicted = study.outcome.model().predict_proba(DIGITS.val_x)
    assert sorted(open_store(uri).sizes("models")) == names(study.folder) == expected(study)
    shutil.rmtree(study.folder)
    outcome = caviar.Outcome.read(uri)
    assert not (outcome.folder / "models").exists()
    np.testing.assert_array_equal(outcome.model().predict_proba(DIGITS.val_x), predicted)
    shutil.rmtree(outcome.folder)
    again = caviar.Study.open(uri, workers=0)
    again.run(progress=False)  # trains nothing: what is at the mirror is there
    assert not list((again.folder / "models").glob("*.npz"))
    lost = next(name for name in open_store(uri).sizes("models") if name.endswith(".npz"))
    open_store(uri).remove(f"models/{lost}")
    caviar.Study.open(uri, workers=0).run(progress=False)
    assert lost in open_store(uri).sizes("models")


def test_the_best_are_known_without_all_results(tmp_path, monkeypatch):
    from caviar.study import keeping

    sizes = []

    def counted(results, *arguments):
        sizes.append(len(results))
        return trials_to_keep(results, *arguments)

    monkeypatch.setattr(keeping, "trials_to_keep", counted)
    monkeypatch.setattr(keeping.ModelKeeper, "missing", set())
    monkeypatch.setattr(keeping.ModelKeeper, "remove_others", lambda self: None)
    study = study_of(tmp_path / "s", trials=24, waves=6, keep=2, confirm=False)
    study.run(progress=False)
    assert max(sizes) <= 2 + 4  # the best so far, and a wave
    monkeypatch.undo()
    assert set(expected(study)) <= set(names(study.folder))
