"""Kill a driver with -9 again and again until its study has ended: `python killed_driver.py FOLDER ADDRESS KILLS SEED`.

Each driver is forked from a process that has imported everything but has not connected to Ray, so a driver costs a
second. It is killed when the journal has reached a random length, or a moment later.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import caviar
from caviar.records import journal

SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.loguniform(0.01, 1))
TRIALS = 400


def train(config, seed):
    time.sleep(0.005)
    return {"loss": (config["x"] - 0.3) ** 2 + config["y"] + seed * 1e-12}


def drive(folder, address):
    """What each driver does: begin the study, or continue it."""
    placement = {"workers": 2, "address": address}
    if journal.holds_study(folder):
        study = caviar.Study.open(folder, data=train, **placement)
    else:
        study = caviar.Study(
            train, space=SPACE, metric="loss", mode="min", trials=TRIALS, waves=4, out=folder, **placement
        )
    return study.run(progress=False)


def kill_at_a_random_moment(folder, address, draw, so_far):
    """One driver, killed; returns whether it lived to be killed."""
    child = os.fork()
    if child == 0:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - warnings of torn lines
        drive(folder, address)
        os._exit(0)
    lines = draw.randint(so_far, so_far + 12)
    path = folder / journal.NAME
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            time.sleep(draw.uniform(0, 0.02))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
        time.sleep(0.001)
    return False


def main():
    folder, address, kills, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    draw = random.Random(seed)
    killed = 0
    for _ in range(kills):
        path = folder / journal.NAME
        so_far = path.read_bytes().count(b"\n") if path.exists() else 0
        killed += kill_at_a_random_moment(folder, address, draw, so_far)
    print(killed, flush=True)
    drive(folder, address)


if __name__ == "__main__":
    main()
