"""The driver with simulated trainers: on disk first, tables in time, pauses and outputs."""

import logging
import math
import random
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.errors import PausedError, StorageError
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.events import StudyPaused, TrialEnded, WaveBegan
from caviar.records.journal import NAME, read
from caviar.records.outcome import Outcome
from tests.fleet.simulation import SimulatedTrainers

SPACE = caviar.Space(x=caviar.uniform(0, 1))


def bowl(config):
    print(f"x is {config['x']}")
    return {"loss": (config["x"] - 1) ** 2}


def study_of(function, out, **changes):
    arguments = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 24, "waves": 3, "workers": 0, "out": out}
    return caviar.Study(function, **{**arguments, **changes})


def simulated(function, workers=3, **options):
    return SimulatedTrainers(FunctionTrainable(function), "loss", workers, **options)


class Watched(SimulatedTrainers):
    """Simulated trainers that look at the journal whenever they are given or asked for something."""

    def __init__(self, function, folder):
        super().__init__(FunctionTrainable(function), "loss", workers=3)
        self._folder = folder
        self.begun_first = []  # whether each submitted trial's wave was on disk
        self.counted = []  # how many trials were on disk at each poll

    def submit(self, stacks):
        numbers = {n for event in read(self._folder) if isinstance(event, WaveBegan) for n in event.numbers}
        self.begun_first += [trial.number in numbers for stack in stacks for trial in stack]
        super().submit(stacks)

    def poll(self, timeout=1.0):
        self.counted.append(sum(isinstance(event, TrialEnded) for event in read(self._folder)))
        return super().poll(timeout)


def test_trainers_start_before_the_first_wave_is_planned_and_after_a_resume_as_many_as_have_trials(tmp_path):
    class Started(SimulatedTrainers):
        def __init__(self, limit):
            super().__init__(FunctionTrainable(bowl), "loss", workers=3)
            self.steps, self._limit = [], limit

        def start(self, trials):
            self.steps.append(("start", trials))

        def submit(self, stacks):
            stacks = list(stacks)
            self.steps.append(("submit", len(stacks)))
            super().submit(stacks)

        def poll(self, timeout=1.0):
            self._limit -= 1
            if not self._limit:
                raise KeyboardInterrupt
            return super().poll(timeout)

    first, second = Started(limit=13), Started(limit=math.inf)
    with pytest.raises(KeyboardInterrupt):
        study_of(bowl, tmp_path / "s").run(progress=False, trainers=first)
    assert first.steps == [("start", 8), ("submit", 8)]
    study = caviar.Study.open(tmp_path / "s", data=bowl)
    left = 8 - len(study.table)
    study.run(progress=False, trainers=second)
    assert 0 < left < 8
    assert second.steps == [("start", left), ("submit", left), ("submit", 8), ("submit", 8)]


def test_a_wave_is_on_disk_before_its_trials_begin_and_a_trial_before_the_next_poll(tmp_path):
    trainers = Watched(bowl, tmp_path / "s")
    study_of(bowl, tmp_path / "s").run(progress=False, trainers=trainers)
    assert trainers.begun_first == [True] * 24
    assert trainers.counted == sorted(trainers.counted)
    assert trainers.counted[-1] > 0
    assert sum(isinstance(event, TrialEnded) for event in read(tmp_path / "s")) == 24


def test_what_a_trial_prints_has_a_file_of_its_own(tmp_path):
    study = study_of(bowl, tmp_path / "s")
    table = study.run(progress=False, trainers=simulated(bowl))
    for trial, x in zip(table["trial"], table["x"], strict=True):
        assert (study.folder / "output" / f"{trial:06d}.txt").read_text() == f"x is {x}\n"


def test_a_table_that_cannot_be_written_now_does_not_end_the_study(tmp_path, caplog):
    table = tmp_path / "s" / "results.csv"
    table.mkdir(parents=True)  # as good as a spreadsheet that has it open on Windows

    def close_it_later(config):
        if table.is_dir() and "will retry" in caplog.text:
            table.rmdir()
        return bowl(config)

    study_of(close_it_later, tmp_path / "s", isolation="none").run(progress=False)
    assert len(pd.read_csv(table)) == 24


def test_waves_and_new_edges_are_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "caviar"):
        study_of(bowl, tmp_path / "s").run(progress=False, trainers=simulated(bowl))
    messages = caplog.messages
    assert [m for m in messages if m.startswith("wave")] == [f"wave {n}: 8 trials on 3 trainers" for n in (1, 2, 3)]
    assert messages.count("x: the best values lie at the upper bound 1; consider widening it") == 1


def test_a_study_that_pauses_says_so_in_its_journal_and_ignores_that_failure_when_it_continues(tmp_path):
    def broken(config):
        raise OSError("no data")

    study = study_of(broken, tmp_path / "s")
    with pytest.raises(PausedError, match="3 trials in a row"):
        study.run(progress=False, failures=3, trainers=simulated(broken))
    (pause,) = [event for event in read(study.folder) if isinstance(event, StudyPaused)]
    assert pause.signature == "OSError: no data"
    failed = Outcome.read(study.folder).table
    assert list(failed["state"]) == ["failed"] * 3
    assert list(failed["trial"]) == sorted(pause.again)
    table = study.run(progress=False, failures=3, trainers=simulated(broken))
    assert list(table["state"]) == ["failed"] * 24


def test_trials_whose_trainer_is_lost_again_and_again_fail_and_the_others_finish(tmp_path):
    table = study_of(bowl, tmp_path / "s").run(progress=False, trainers=simulated(bowl, losses={5: 99}))
    assert table["state"].tolist().count("failed") == 1
    assert table.set_index("trial")["state"][5] == "failed"


def verbose(config, seed):
    if config["x"] > 0.5:
        raise ValueError("sizes of tensors: " + f"{config['x']:.3f}, " * 400_000)
    return {"loss": config["x"]}


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_an_error_of_megabytes_is_cut_and_the_trials_file_has_all_of_it(tmp_path, isolation):
    settings = {"metric": "loss", "mode": "min", "trials": 4, "waves": 1, "workers": 0, "isolation": isolation}
    study = caviar.Study(verbose, space={"x": caviar.uniform(0, 1)}, out=tmp_path / "s", **settings)
    failed = study.run(progress=False).query("state == 'failed'")
    study.report()
    assert len(failed) == 2
    for number, x, error in zip(failed["trial"], failed["x"], failed["error"], strict=True):
        assert error.startswith("ValueError: sizes of tensors: 0.")
        assert error.endswith(f"... (2800030 characters, all of them in output/{number:06d}.txt)")
        assert f"{x:.3f}, " * 400_000 in (study.folder / "output" / f"{number:06d}.txt").read_text()
        assert f"{x:.3f}, " * 300 not in (study.folder / "report.html").read_text()
    for name in ("journal.jsonl", "results.csv"):
        assert (study.folder / name).stat().st_size < 10_000


def remove_folder(folder):
    shutil.rmtree(folder)


def move_folder(folder):
    folder.rename(folder.with_name("moved"))


def remove_journal(folder):
    (folder / NAME).unlink()


def cut_journal(folder):
    (folder / NAME).write_bytes(b"")


def replace_journal(folder):
    copy = (folder / NAME).read_bytes()
    (folder / NAME).unlink()
    (folder / NAME).write_bytes(copy)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed")
@pytest.mark.parametrize("quiet", [True, False], ids=["quiet", "verbose"])
@pytest.mark.parametrize("lose", [remove_folder, move_folder, remove_journal, cut_journal, replace_journal])
def test_a_study_whose_journal_is_gone_ends_with_a_sentence(tmp_path, lose, quiet):
    calls = []

    def train(config):
        calls.append(1)
        if len(calls) == 9:
            lose(tmp_path / "study")
        return {"loss": config["x"]} if quiet else bowl(config)

    study = study_of(train, tmp_path / "study", isolation="none")
    with pytest.raises(StorageError, match=r"journal.jsonl was removed, moved or replaced .* `caviar resume .*study`"):
        study.run(progress=False)
    assert len(calls) == 9
    assert (tmp_path / "study").exists() == lose.__name__.endswith("journal")  # no half of a folder takes its place
    if lose is move_folder:
        study = caviar.Study.open(tmp_path / "moved", data=bowl, workers=0)
        assert len(study.run(progress=False)) == 24


def stop_iteration(config):
    caviar.report({"loss": 1.0})
    return next(iter(()))


def generator_exit(config):
    caviar.report({"loss": 1.0})
    raise GeneratorExit("the end")


@pytest.mark.parametrize("isolation", ["none", "process"])
@pytest.mark.parametrize(
    ("function", "error"), [(stop_iteration, "StopIteration"), (generator_exit, "GeneratorExit: the end")]
)
def test_any_exception_is_the_error_of_its_trial_which_keeps_its_reports(tmp_path, function, error, isolation):
    study = study_of(function, tmp_path, trials=1, waves=1, isolation=isolation)
    study.run(progress=False, failures=math.inf)
    (result,) = study.outcome.results
    assert (result.error, result.epochs, result.metrics) == (error, 1, {"loss": 1.0})
    printed = (tmp_path / "output" / "000000.txt").read_text(encoding="utf-8")
    assert f"in {function.__name__}" in printed
    assert "RuntimeError" not in printed


def draw(config):
    for _ in range(3):
        yield {"loss": config["x"] + random.random(), "numpy": np.random.random()}  # noqa: NPY002


@pytest.mark.parametrize("early_stopping", [None, "halving"])
def test_global_generators_are_each_trials_own_whatever_the_isolation(tmp_path, early_stopping):
    histories = []
    settings = {"trials": 9, "waves": 1, "epochs": 3, "early_stopping": early_stopping}
    for isolation, trainers in (("process", None), ("none", None), ("none", simulated(draw))):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        expected = random.random(), np.random.random()  # noqa: NPY002
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        study = study_of(draw, tmp_path / str(len(histories)), isolation=isolation, **settings)
        study.run(progress=False, trainers=trainers)
        assert trainers or (random.random(), np.random.random()) == expected  # noqa: NPY002 - in the user's process
        histories.append(study.history.drop(columns="seconds").sort_values(["trial", "epoch"], ignore_index=True))
    for history in histories[1:]:
        pd.testing.assert_frame_equal(histories[0], history)


def draw_in_a_study(config):
    yield {"loss": random.random()}
    caviar.Study(draw, space=SPACE, metric="loss", mode="min", trials=2, waves=1, workers=0, isolation="none").run(
        progress=False
    )
    yield {"loss": random.random()}


def test_a_study_inside_of_a_trial_does_not_change_what_the_trial_draws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    losses = []
    for isolation in ("process", "none"):
        study = study_of(draw_in_a_study, tmp_path / isolation, trials=2, waves=1, isolation=isolation)
        study.run(progress=False)
        losses.append(study.history["loss"].to_list())
    assert losses[0] == losses[1]
    assert len(set(losses[0])) == 4
