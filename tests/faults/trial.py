"""What the study trains: a function that takes a second, saves checkpoints, and gives the same numbers however often
it is interrupted. The study has a copy of this file in its folder, beside study.toml.

In the disturbed study, `FAULTS_FOLDER` names a folder where each start is noted, its seed and its process, and where
the file `greedy` asks the next trial to take all memory.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

import caviar

EPOCHS, EPOCH_SECONDS = 6, 0.15
_BLOCK = 100_000_000  # bytes
_GREEDY_SECONDS = 20.0


def train(config, seed):
    """Report a loss in each epoch that follows from the config, the seed and all epochs before."""
    folder = os.environ.get("FAULTS_FOLDER")
    if folder is not None:
        with open(Path(folder, "starts"), "a", encoding="utf-8") as notes:
            notes.write(f"{seed} {os.getpid()}\n")
        take_memory(Path(folder))
    checkpoint = caviar.trial().checkpoint
    if checkpoint is None:
        epoch, loss = 0, config["x"] ** 2 + config["y"]
    else:
        first, second = checkpoint.read_text(encoding="utf-8").split()
        epoch, loss = int(first), float.fromhex(second)
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch, "state.txt")
        while epoch < EPOCHS:
            epoch += 1
            loss = 0.9 * loss + 0.01 * float(np.random.default_rng([seed, epoch]).normal())
            saved.write_text(f"{epoch} {loss.hex()}", encoding="utf-8")
            if folder is not None:
                time.sleep(EPOCH_SECONDS)
            caviar.report({"loss": loss}, checkpoint=saved)


def take_memory(folder):
    """If asked to, take memory until Ray's monitor ends this trial."""
    try:
        needed = int((folder / "greedy").read_text(encoding="utf-8"))
        (folder / "greedy").unlink()  # only one trial can remove it
    except OSError:
        return
    hoard, deadline = [], time.monotonic() + _GREEDY_SECONDS
    while time.monotonic() < deadline:
        if len(hoard) * _BLOCK < needed:
            hoard.append(np.ones(_BLOCK, np.uint8))
        else:
            time.sleep(0.1)
