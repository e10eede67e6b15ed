"""What a job has to do, and its clock: seconds since its process was started, which the benchmark passes on."""

import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

EPOCHS, WORKERS = 20, 2
_START = "WHOLE_JOB_START"


@dataclass(frozen=True)
class Job:
    """A number of trials with a seed, in a folder of its own."""

    trials: int
    seed: int
    folder: Path

    @classmethod
    def of_arguments(cls) -> "Job":
        """Read the command line: TRIALS SEED FOLDER."""
        return cls(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))

    def mark_trial(self) -> None:
        """Note that a trial has ended, in any process; the first one counts."""
        with contextlib.suppress(FileExistsError), (self.folder / "first").open("x", encoding="ascii") as file:
            file.write(str(seconds()))

    def finish(self, winner: float, accuracy: float) -> None:
        """Print what was measured: when the winner was known, and its accuracy on the held-out rows."""
        first = float((self.folder / "first").read_text(encoding="ascii"))
        print(json.dumps({"first": first, "winner": winner, "accuracy": accuracy}), flush=True)


def environment() -> dict[str, str]:
    """Return the environment of a job that starts now, with one thread of BLAS and OpenMP in each process."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **threads, _START: repr(time.time())}


def seconds() -> float:
    """Return the seconds since the job's process was started."""
    return time.time() - float(os.environ[_START])
