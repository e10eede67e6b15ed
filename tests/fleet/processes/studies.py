"""Small studies of functions, one trial for each value of x, and what their trials have printed."""

import os
import time
from pathlib import Path

import caviar

SETTINGS = {"metric": "loss", "mode": "min", "search": "grid", "waves": 1, "confirm": False, "seed": 7}


def study_of(function, out, xs=(0,), *, workers=0, **settings):
    """Return a study with a trial for each value in `xs`."""
    xs = list(xs)
    space = caviar.Space(x=caviar.choice(xs))
    if len(xs) == 1:  # a study needs something that varies
        space = caviar.Space(x=caviar.choice(xs), y=caviar.choice([0, 1]))
    return caviar.Study(function, space=space, trials=len(xs), out=out, workers=workers, **SETTINGS | settings)


def run(function, out, xs=(0,), **settings):
    """Run a study of the values in `xs`; return its table by x, and the output of its trials in the same order."""
    xs = list(xs)
    study = study_of(function, out, xs, **settings)
    table = study.run(progress=False, failures=float("inf"))
    table = table.iloc[sorted(range(len(table)), key=lambda row: xs.index(table["x"][row]))].reset_index(drop=True)
    return table, [output(study, trial) for trial in table["trial"]]


def output(study, trial):
    """Return the raw bytes of a trial's output as text: what a user sees who opens the file."""
    path = study.folder / "output" / f"{trial:06d}.txt"
    return path.read_bytes().decode() if path.exists() else ""


def finished(table):
    """Whether each trial has finished; the errors say why not."""
    assert list(table["error"]) == [""] * len(table)
    return set(table["state"]) == {"finished"}


def ended(process, seconds=10.0):
    """Wait until a process is gone, or a zombie of somebody who does not collect it; return whether it is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return True
        if status.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def numbers_in(folder):
    """Return the process numbers that trials have noted, as the names of files."""
    return [int(name) for name in os.listdir(folder)]
