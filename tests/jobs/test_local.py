"""The studies on this machine, as `caviar status`, `list`, `logs`, `results` and `stop` see them."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import caviar
from caviar.csv import read_csv
from caviar.errors import InputError
from caviar.jobs.local import LocalJobs
from caviar.jobs.status import JobState
from caviar.records.lock import driver_lock, is_asked_to_stop

ROOT = Path(caviar.__file__).parents[1]
SPACE = caviar.Space(x=caviar.uniform(0, 1))


def study(folder, train, confirm=False, **settings):
    settings = {"metric": "loss", "mode": "min", "trials": 8, "waves": 1, "workers": 0, "confirm": confirm} | settings
    return caviar.Study(train, space=SPACE, out=folder, **settings)


def train(config, seed):
    return {"loss": config["x"]}


def fail(config, seed):
    raise ValueError("no")


def test_a_study_is_finished_only_when_its_confirming_trials_have_ended(tmp_path):
    study(tmp_path / "complete", train, (2, 3)).run(progress=False)
    status = LocalJobs(tmp_path).status("complete")
    best = LocalJobs(tmp_path).file("complete", "results.csv")
    lowest = read_csv(io.BytesIO(best))["loss"].min()
    assert (status.state, status.progress) == (JobState.FINISHED, f"14/14 trials, best loss {lowest:.4g}")
    seeds = []

    def interrupted(config, seed):
        if len(seeds) == 8:
            raise KeyboardInterrupt
        seeds.append(seed)
        return {"loss": config["x"]}

    with pytest.raises(KeyboardInterrupt):
        study(tmp_path / "interrupted", interrupted, (2, 3), isolation="none").run(progress=False)
    status = LocalJobs(tmp_path).status("interrupted")
    assert status.state is JobState.STOPPED
    assert status.progress.startswith("8/14 trials, best loss 0.")


def test_a_study_that_a_rule_ended_is_finished_and_says_why(tmp_path):
    study(tmp_path / "flat", lambda config: 1.0, trials=32, waves=4, stop="plateau").run(progress=False)
    status = LocalJobs(tmp_path).status("flat")
    ended = "24/24 trials, best loss 1; its rule ended it after wave 3: the last 2 waves have gained 0"
    assert (status.state, status.progress) == (JobState.FINISHED, ended)


def test_a_study_without_a_finished_trial_has_nothing_to_confirm(tmp_path):
    study(tmp_path / "failed", fail, (2, 3)).run(progress=False, failures=float("inf"))
    status = LocalJobs(tmp_path).status("failed")
    assert (status.state, status.progress) == (JobState.FINISHED, "8/8 trials")


def test_studies_are_listed_oldest_first_and_an_unknown_name_is_an_error(tmp_path):
    for name in ("one", "two"):
        study(tmp_path / name, train).run(progress=False)
    (tmp_path / "empty").mkdir()
    assert [status.name for status in LocalJobs(tmp_path).studies()] == ["one", "two"]
    with pytest.raises(InputError, match="no study named 'three'"):
        LocalJobs(tmp_path).status("three")


def test_a_name_is_a_folder_in_runs_or_a_path(tmp_path):
    study(tmp_path / "one", train).run(progress=False)
    assert LocalJobs(tmp_path).folder("one") == tmp_path / "one"
    assert LocalJobs(tmp_path / "runs").folder(str(tmp_path / "one")) == tmp_path / "one"


def test_the_log_has_a_line_for_each_wave_trial_and_pause(tmp_path):
    study(tmp_path / "two-waves", train, waves=2).run(progress=False)
    lines = "".join(LocalJobs(tmp_path).logs("two-waves")).splitlines()
    assert [line for line in lines if line.startswith("wave")] == ["wave 1 begins", "wave 2 begins"]
    trials = [line for line in lines if line.startswith("trial ")]
    assert len(trials) == 8
    assert all(re.fullmatch(r"trial \d+ finished, \S+ s: loss \S+", line) for line in trials)
    with pytest.raises(caviar.PausedError):
        study(tmp_path / "paused", fail, trials=20).run(progress=False, failures=3)
    lines = "".join(LocalJobs(tmp_path).logs("paused")).splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "wave 1 begins",
        *(f"trial {number} failed" for number in range(3)),
        "paused: 'ValueError: no'",
    ]
    study(tmp_path / "failed", fail).run(progress=False, failures=float("inf"))
    assert re.search(r"^trial 0 failed, \S+ s: ", "".join(LocalJobs(tmp_path).logs("failed")), flags=re.MULTILINE)


def test_a_file_is_returned_byte_for_byte_and_a_missing_one_is_an_error(tmp_path):
    study(tmp_path / "one", train).run(progress=False)
    jobs = LocalJobs(tmp_path)
    assert jobs.file("one", "results.csv") == (tmp_path / "one" / "results.csv").read_bytes()
    with pytest.raises(InputError, match=r"has no other\.csv yet"):
        jobs.file("one", "other.csv")


def test_a_study_at_a_uri_is_read_from_its_journal(tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    uri = f"file://{tmp_path}/bucket/one"
    study(uri, train).run(progress=False)
    table = (tmp_path / "runs" / "one" / "results.csv").read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert LocalJobs().file(uri, "results.csv") == table


DRIVER = """
import sys, time, caviar

def train(config, seed):
    time.sleep(0.05)
    return {"loss": config["x"]}

settings = {"metric": "loss", "mode": "min", "trials": 5000, "waves": 1, "confirm": False, "workers": 0}
caviar.Study(train, space=caviar.Space(x=caviar.uniform(0, 1)), out=sys.argv[1], **settings).run(progress=False)
"""


@pytest.fixture(params=["heeds", "ignores"])
def driver(request, tmp_path):
    """The process of a running study in the folder `long`; a shell that starts one with & makes it ignore Ctrl-C."""
    action = {"heeds": signal.default_int_handler, "ignores": signal.SIG_IGN}[request.param]
    before = signal.signal(signal.SIGINT, action)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(tmp_path / "long")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    journal = tmp_path / "long" / "journal.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (journal.exists() and journal.read_text().count("\n") > 5):
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def test_a_running_study_is_followed_until_it_is_stopped(tmp_path, driver):
    jobs = LocalJobs(tmp_path)
    assert jobs.status("long").state is JobState.RUNNING
    log = jobs.logs("long", follow=True)
    assert next(log) == "wave 1 begins\n"
    while not (progress := jobs.status("long").progress).endswith(" left"):
        time.sleep(0.1)
    assert re.fullmatch(r"\d+/5000 trials, best loss \S+, \S+ (s|min|h) \(\S+ to \S+\) left", progress)
    jobs.stop("long")
    status = jobs.status("long")
    assert status.state is JobState.STOPPED
    lines = list(log)
    assert b"KeyboardInterrupt" in driver.communicate(timeout=60)[1]
    assert all(line.startswith("trial ") for line in lines)
    assert status.progress.startswith(f"{len(lines)}/5000 trials, best loss ")
    assert (tmp_path / "long" / "results.csv").read_text().count("\n") == len(lines) + 1
    assert not (tmp_path / "long" / "driver.stop").exists()
    assert not (tmp_path / "long" / "driver.left").exists()
    jobs.stop("long")  # nothing is running any more


@pytest.mark.parametrize("reason", ["another user's", "another machine's", "on Windows"])
def test_a_driver_that_cannot_be_signalled_is_asked_to_stop(tmp_path, monkeypatch, reason):
    def kill(process, number):
        assert reason == "another user's"
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    if reason == "on Windows":
        monkeypatch.setattr("caviar.records.lock.start_of", lambda process: "")
    study(tmp_path / "one", train).run(progress=False)
    with ThreadPoolExecutor() as threads:
        with driver_lock(tmp_path / "one"):
            if reason == "another machine's":
                (tmp_path / "one" / "driver.txt").write_text("elsewhere:1")
            stopping = threads.submit(LocalJobs(tmp_path).stop, "one")
            while not is_asked_to_stop(tmp_path / "one"):
                assert not stopping.done()
                time.sleep(0.01)
        stopping.result(timeout=10)


@pytest.mark.parametrize("start", ["", ":", ":1"])
def test_a_process_that_only_has_the_number_of_the_driver_is_not_signalled(tmp_path, monkeypatch, start):
    study(tmp_path / "one", train).run(progress=False)
    monkeypatch.setattr("caviar.jobs.local._STOP_SECONDS", 0.1)
    with (
        driver_lock(tmp_path / "one"),
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
    ):
        (tmp_path / "one" / "driver.txt").write_text(f"{socket.gethostname()}:{other.pid}{start}")
        with pytest.raises(InputError, match="'one' was asked to stop"):
            LocalJobs(tmp_path).stop("one")
        other.communicate(b"\n", timeout=60)
    assert other.returncode == 0
    LocalJobs(tmp_path).stop("one")  # has ended by now
