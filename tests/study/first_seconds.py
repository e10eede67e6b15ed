"""End the drivers of a study again and again in their first ten seconds: `python -m tests.study.first_seconds FOLDER`.

The built-in network trains in processes first, and on a Ray of its own as soon as that has started. So the end often
falls into the start of Ray or the handover. With --function, a function trains in processes throughout. Prints the
signals, and whether the table equals that of one process.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

import caviar
from caviar.fleet import opening
from caviar.records import journal

SETTINGS = {"trials": 160, "waves": 4, "epochs": 20, "seed": 3, "early_stopping": "halving", "confirm": False}
OF_FUNCTION = {"space": {"x": caviar.uniform(0, 1)}, "metric": "loss", "mode": "min"}
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
SECONDS = 10.0  # from the start of a driver, in which it ends


def curve(config: dict[str, float], seed: int) -> Iterator[float]:
    """Take 10 ms for each of 20 epochs."""
    for epoch in range(20):
        time.sleep(0.01)
        yield (config["x"] - 0.3) ** 2 + 1 / (epoch + 1) + 1e-12 * seed


def drive(folder: Path, workers: int, of_function: bool) -> pd.DataFrame:
    """Begin the study, or continue it."""
    if journal.holds_study(folder):
        study = caviar.Study.open(folder, data=curve if of_function else None, workers=workers)
    elif of_function:
        study = caviar.Study(curve, **OF_FUNCTION, **SETTINGS, workers=workers, out=folder)
    else:
        study = caviar.Study("digits", **SETTINGS, workers=workers, out=folder)
    return study.run(progress=False)


def end_at_a_random_moment(folder: Path, draw: random.Random, options: Sequence[str]) -> str:
    """Start a driver and end it; return the moment and the signal, or how it ended before."""
    command = [sys.executable, "-m", "tests.study.first_seconds", str(folder), "--drive", *options]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds, sent = draw.uniform(0, SECONDS), draw.choice(SIGNALS)
    try:
        return f"{seconds:.1f} s: it had ended with {driver.wait(seconds)}"
    except subprocess.TimeoutExpired:
        os.kill(driver.pid, sent)
        driver.wait(60)
    return f"{seconds:.1f} s: {sent.name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ends", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--function", action="store_true")
    parser.add_argument("--drive", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drive:
        opening.RAY_AFTER = 0.0
        drive(options.folder, 2, options.function)
        return
    draw = random.Random(options.seed)
    for _ in range(options.ends):
        print(end_at_a_random_moment(options.folder, draw, ["--function"] if options.function else []), flush=True)
    begun = time.monotonic()
    table = drive(options.folder, 2, options.function).drop(columns=["seconds", "began", "ended", "worker"])
    print(f"the last driver took {time.monotonic() - begun:.0f} s")
    whole = drive(options.folder.with_name(f"{options.folder.name}-undisturbed"), 0, options.function)
    pd.testing.assert_frame_equal(table, whole.drop(columns=["seconds", "began", "ended", "worker"]), check_exact=True)
    print("the table is equal to the bit")


if __name__ == "__main__":
    main()
