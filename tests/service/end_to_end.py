"""What `.ci/run` shows: a head on loopback with a token, a study submitted, followed, read during and after.

    python -m tests.service.end_to_end

The table that the cluster wrote is held against that of the same study run in this process, cell by cell.
"""

import io
import os
import subprocess
import sys
import tempfile
import threading
import time

import pandas as pd

import caviar
from tests.service.head import head

SETTINGS = {"trials": 96, "waves": 3, "epochs": 10, "seed": 5}
OPTIONS = [f"--{name}={value}" for name, value in SETTINGS.items()]


def command(environment, *arguments):
    """What a command of Caviar's prints, or None where it refuses."""
    done = subprocess.run([sys.executable, "-m", "caviar", *arguments], env=environment, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def main():
    with head() as environment:
        print(command(environment, "submit", "--name", "night", "--workers", "2", *OPTIONS).decode(), end="")
        reading, seen = threading.Event(), []

        def read():
            while not reading.wait(0.5):
                table = command(environment, "results", "night")
                if table is not None:
                    seen.append(len(pd.read_csv(io.BytesIO(table))))

        reader = threading.Thread(target=read)
        reader.start()
        log = subprocess.Popen(
            [sys.executable, "-m", "caviar", "logs", "night", "-f"], env=environment, stdout=subprocess.PIPE, text=True
        )
        for line in log.stdout:
            print(f"  | {line}", end="")
        reading.set()
        reader.join()
        while b": finished" not in command(environment, "status", "night"):
            time.sleep(0.5)
        written = command(environment, "results", "night")
    print(f"rows read while it ran: {sorted(set(seen))}")
    assert any(0 < rows < SETTINGS["trials"] for rows in seen), "no table was read before the end"
    os.environ.pop("RAY_ADDRESS", None)
    with tempfile.TemporaryDirectory() as folder:
        here = caviar.Study("digits", out=f"{folder}/here", workers=2, **SETTINGS)
        here.run(progress=False)
        own = pd.read_csv(here.folder / "results.csv")
    there = pd.read_csv(io.BytesIO(written))
    columns = [name for name in own if name not in ("seconds", "worker")]
    pd.testing.assert_frame_equal(there[columns], own[columns], check_exact=True)
    print(f"the cluster's table and this process's are equal: {len(own)} rows, {len(columns)} columns")


if __name__ == "__main__":
    main()
