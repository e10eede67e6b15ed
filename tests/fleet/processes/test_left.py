"""No process of a trial stays, however its study ends."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import caviar
from tests.fleet.processes.studies import ended, finished, numbers_in, run, study_of

SCRIPT = """
import os, subprocess, sys, time
import caviar
{module}
def note(number):
    open(os.path.join("pids", str(number)), "w").close()
def train(config):
    os.chdir({folder!r})
    {use}
    note(os.getpid())
    note(subprocess.Popen(["sleep", "1000"]).pid)
    if not {spawned}:
        note(os.getppid())
    if config["x"] > 0.5:
        caviar.report({{"loss": 1.0}})
    open("ready", "w").close()
    time.sleep(1000)
if __name__ == "__main__":
    caviar.Study(train, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min", trials=4,
                 workers={workers}, out="s").run(progress=False)
"""
ENDS = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "kill": signal.SIGKILL}


@pytest.fixture
def pids(tmp_path):
    """A folder for the numbers of processes, which end with the test."""
    folder = tmp_path / "pids"
    folder.mkdir()
    yield folder
    for number in numbers_in(folder):
        if not ended(number, 0.1):
            os.kill(number, signal.SIGKILL)


def start(folder, workers, module="", use="pass"):
    """Start a driver; return it when a trial is in the middle. A module that starts threads prevents forks."""
    spawned = module == "import threaded"
    text = SCRIPT.format(workers=workers, folder=str(folder), use=use, module=module, spawned=spawned)
    (folder / "script.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{Path(caviar.__file__).parents[1]}:{folder}"}
    with (folder / "stderr").open("w") as errors:
        driver = subprocess.Popen([sys.executable, "script.py"], cwd=folder, env=environment, stderr=errors)
    deadline = time.monotonic() + 60
    while not (folder / "ready").exists():
        assert driver.poll() is None, (folder / "stderr").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return driver


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("workers", "module"),
    [(0, ""), (2, ""), pytest.param(2, "import ray", marks=pytest.mark.slow)],  # here, in processes, on Ray
)
def test_none_stays_after_the_driver(tmp_path, pids, end, workers, module):
    driver = start(tmp_path, workers, module)
    driver.send_signal(ENDS[end])
    driver.wait(timeout=60)
    assert len(numbers_in(pids)) >= 3
    assert all(ended(number, 30) for number in numbers_in(pids))


@pytest.mark.parametrize("end", ENDS)
def test_none_stays_of_a_function_whose_module_starts_a_thread(tmp_path, pids, end):
    (tmp_path / "threaded.py").write_text(
        textwrap.dedent("""
            import threading
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            started = True
        """)
    )
    driver = start(tmp_path, 0, "import threaded", "threaded.started")
    driver.send_signal(ENDS[end])
    driver.wait(timeout=60)
    assert len(numbers_in(pids)) == 2
    assert all(ended(number) for number in numbers_in(pids))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.usefixtures("ray_cluster")
def test_none_stays_after_a_study(tmp_path, pids, workers):
    def train(config):
        for number in (os.getpid(), os.getppid()):
            (pids / str(number)).touch()
        caviar.report({"loss": config["x"]})
        caviar.report({"loss": config["x"]})

    halving = caviar.Halving(factor=2, first=1)
    study = study_of(train, tmp_path / "s", range(12), workers=workers, early_stopping=halving, epochs=2)
    table = study.run(progress=False)
    assert set(table["state"]) == {"finished", "stopped"}
    assert len(numbers_in(pids)) > 12
    assert all(ended(number) for number in numbers_in(pids))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.usefixtures("ray_cluster")
def test_none_stays_after_a_study_whose_time_is_over(tmp_path, pids, workers):
    def train(config):
        (pids / str(os.getpid())).touch()
        while True:
            caviar.report({"loss": 1.0})
            time.sleep(0.1)

    table, _ = run(train, tmp_path / "s", range(3), workers=workers, timeout=4.0)
    assert list(table["state"]) == ["timed_out"]
    assert all(ended(number) for number in numbers_in(pids))


def test_none_stays_of_a_trainer_that_is_killed(tmp_path, pids, ray_cluster):
    def train(config):
        first = not (pids / str(os.getppid())).exists()
        for number in (os.getpid(), os.getppid()):
            (pids / str(number)).touch()
        if not first and not (tmp_path / "sleeps").exists():
            (tmp_path / "sleeps").touch()
            time.sleep(1000)
        return {"loss": 1.0}

    def kill_trainer():
        while not (tmp_path / "sleeps").exists():
            time.sleep(0.02)
        journal = (tmp_path / "s" / "journal.jsonl").read_text(encoding="utf-8")
        os.kill(int(re.findall(r'"worker": *"[^"]*:(\d+)"', journal)[-1]), signal.SIGKILL)

    killer = threading.Thread(target=kill_trainer, daemon=True)
    killer.start()
    table, _ = run(train, tmp_path / "s", range(3), workers=1)
    assert finished(table)
    assert table["worker"].nunique() == 2
    assert len(numbers_in(pids)) >= 5
    assert all(ended(number) for number in numbers_in(pids))
