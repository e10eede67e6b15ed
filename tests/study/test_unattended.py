"""A run goes on without its terminal, and without readers of its output; SIGTERM ends it like Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import caviar

ROOT = Path(caviar.__file__).parents[1]
STUDY = """
import sys, time, caviar

class Slowly(caviar.Callback):
    def on_trial_end(self, result):
        print("a trial has ended", flush=True)
        time.sleep(0.05)

settings = dict(metric="loss", mode="min", trials=48, waves=6, confirm=False, workers=0, isolation="none")
space = caviar.Space(x=caviar.uniform(0, 1))
caviar.Study(lambda config: {"loss": config["x"]}, space=space, out=sys.argv[1], **settings).run(callbacks=[Slowly()])
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command of a study in `tmp_path`/study, whose 48 trials take some seconds."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return [sys.executable, "-c", STUDY, str(tmp_path / "study")]


def rows(folder):
    path = folder / "study" / "results.csv"
    return path.read_text().count("\n") - 1 if path.exists() else 0


def test_a_study_whose_output_nobody_reads_goes_on(command, tmp_path):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline()
    process.stdout.close()
    assert rows(tmp_path) < 48
    assert (process.stderr.read(), process.wait(timeout=60)) == ("", 0)
    assert rows(tmp_path) == 48


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_a_study_whose_terminal_is_closed_goes_on(command, tmp_path):
    import pty

    process, terminal = pty.fork()
    if process == 0:
        os.execv(command[0], command)
    printed = b""
    while b"has ended" not in printed:
        printed += os.read(terminal, 4096)
    os.close(terminal)
    assert rows(tmp_path) < 48
    assert os.waitpid(process, 0)[1] == 0
    assert rows(tmp_path) == 48


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_ends_a_study_like_ctrl_c(command, tmp_path):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "has ended" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 143)
    journal = (tmp_path / "study" / "journal.jsonl").read_text()
    assert 0 < rows(tmp_path) == journal.count('{"event":"trial"') < 48


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_the_command_says_how_to_go_on_after_sigterm(tmp_path):
    folder = tmp_path / "study"
    command = [sys.executable, "-m", "caviar", "run", "--trials", "500", "--workers", "0", "--out", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT)
    while not rows(tmp_path):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=60)[1]
    assert (errors, process.returncode) == (
        f"\nstopped: {rows(tmp_path)} trials are in {folder}; try: caviar resume {folder}\n",
        143,
    )


CLOSED = """
import os, sys, caviar

def train(config):
    return {"loss": config["x"]}

if __name__ == "__main__":
    settings = dict(metric="loss", mode="min", trials=4, waves=1, confirm=False, workers=int(sys.argv[1]))
    study = caviar.Study(train, space=caviar.Space(x=caviar.uniform(0, 1)), out="study", **settings)

    class Printing(caviar.Callback):
        def on_trial_end(self, result):
            for descriptor in (1, 2):
                os.write(descriptor, b"a library prints")

    table = study.run(callbacks=[Printing()])
    open("states", "w").write(" ".join(table["state"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such descriptors")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_study_whose_standard_streams_are_closed_goes_on(tmp_path, workers):
    (tmp_path / "script.py").write_text(CLOSED)
    script = f"exec {sys.executable} script.py {workers} <&- >&- 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, timeout=60).returncode == 0
    assert (tmp_path / "states").read_text() == "finished finished finished finished"
    assert len(caviar.Outcome.read(tmp_path / "study").results) == 4
