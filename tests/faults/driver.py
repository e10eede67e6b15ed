"""The study as a user runs it: `caviar run`, then `caviar resume` each time that it has ended too early."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.faults.processes import kill

ROOT = Path(__file__).parents[2]
FILE = """\
trainable = "trial:train"
metric = "loss"
mode = "min"
trials = {trials}
waves = 4
seed = {seed}
epochs = {epochs}
name = "study"
{stopping}

[space]
x = {{ uniform = [-1, 1] }}
y = {{ loguniform = [1e-3, 1] }}
"""


@dataclass(frozen=True)
class Exit:
    """How a driver ended: its status, and what it printed."""

    status: int
    text: str

    @property
    def sentence(self):
        """The last line that it printed."""
        return ([line for line in self.text.splitlines() if line.strip()] or [""])[-1]


class Driver:
    """The driver of the study, one process after another.

    Args:
        folder: where it runs; `runs/study` will be the study's.
        mirror: the URI to which the study is mirrored.
        prefix: the start of the command line, which runs it on the head.
        environment: of the cluster.
        log: the file of all that it prints.
        clock: the file that steps its clock.
    """

    def __init__(self, folder, mirror, prefix, environment, log, clock):
        self.folder, self.study = folder, folder / "runs" / "study"
        self._mirror, self._prefix, self._log, self.clock = mirror, prefix, log, clock
        self._environment = {**environment, "FAULTS_CLOCK": str(clock), "PYTHONPATH": str(ROOT)}
        self._process, self._printed = None, 0
        self.step_clock(0.0)

    def step_clock(self, seconds):
        self.clock.with_suffix(".new").write_text(str(seconds), encoding="utf-8")
        self.clock.with_suffix(".new").replace(self.clock)

    @property
    def process(self):
        """The number of its process; None if it has ended."""
        return None if self._process is None else self._process.pid

    def start(self):
        """Begin the study, or continue it; return the command."""
        journal = self.study / "journal.jsonl"
        if journal.exists() and b"\n" in journal.read_bytes():
            command = ["resume", "runs/study"]
        else:
            command = ["run", "study.toml", "--out", self._mirror]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*self._prefix, sys.executable, "-m", "tests.faults.stepped", *command],
                cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        return f"caviar {' '.join(command)}"

    def kill(self):
        if self._process is not None:
            kill(self._process.pid)
            self._process.wait()

    def poll(self):
        """Return how the process has ended; None if it runs, or has been told of."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._process = None
        text = self._log.read_text(encoding="utf-8", errors="replace")
        printed, self._printed = text[self._printed :], len(text)
        return Exit(status, printed)


def run_undisturbed(folder, environment):
    """Run the study of a folder in one process, as `runs/calm`, and return its folder."""
    command = [sys.executable, "-m", "caviar", "run", "study.toml", "--workers", "0", "--out", "runs/calm"]
    environment = {name: value for name, value in environment.items() if name != "FAULTS_FOLDER"}
    done = subprocess.run(
        command, cwd=folder, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the undisturbed study failed: {done.stderr}")
    return folder / "runs" / "calm"
