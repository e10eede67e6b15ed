"""Studies in several threads of a process, and studies inside trials, do not disturb each other."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import caviar
from caviar.errors import InputError
from tests.fleet.processes.studies import finished, run, study_of

HERE = {"workers": 0, "isolation": "none"}


@pytest.mark.parametrize("settings", [HERE, {"workers": 1}], ids=["here", "processes"])
def test_each_report_belongs_to_the_trial_of_its_thread(tmp_path, settings):
    def train(config):
        for epoch in range(3):
            time.sleep(0.005)
            caviar.report({"loss": config["x"] + epoch, "number": caviar.trial().number})

    def table_of(thread):
        return run(train, tmp_path / str(thread), range(10 * thread, 10 * thread + 4), **settings)[0]

    with ThreadPoolExecutor(4) as executor:
        tables = list(executor.map(table_of, range(4)))
    for thread, table in enumerate(tables):
        assert finished(table)
        assert list(table["loss"]) == [10 * thread + x + 2 for x in range(4)]
        assert list(table["epochs"]) == [3] * 4
        assert list(table["number"]) == list(table["trial"])


def test_a_thread_that_cannot_tell_its_trial_is_told(tmp_path):
    both = threading.Barrier(2)

    def report(errors):
        try:
            caviar.report({"loss": 1.0})
        except InputError as error:
            errors.append(str(error))

    def train(config):
        both.wait(timeout=10)
        errors = []
        thread = threading.Thread(target=report, args=(errors,))
        thread.start()
        thread.join()
        both.wait(timeout=10)
        return {"loss": 0.0, "refused": "2 studies run in threads of this process" in errors[0]}

    studies = [study_of(train, tmp_path / name, **HERE) for name in "ab"]
    with ThreadPoolExecutor(2) as executor:
        tables = list(executor.map(lambda study: study.run(progress=False), studies))
    assert all(list(table["refused"]) == [1] for table in tables)


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_trial_may_run_a_study_and_report_after_it(tmp_path, isolation):
    def inner(config):
        caviar.report({"loss": 100.0})

    def train(config):
        caviar.report({"loss": 1.0})
        run(inner, tmp_path / f"inner{config['x']}", [0, 1], **HERE)
        caviar.report({"loss": 0.5, "number": caviar.trial().number})

    table, _ = run(train, tmp_path / "s", [0, 1], workers=0, isolation=isolation)
    assert finished(table)
    assert list(table["loss"]) == [0.5, 0.5]
    assert list(table["epochs"]) == [2, 2]
    assert list(table["number"]) == list(table["trial"])
