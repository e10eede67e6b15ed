"""How long tables take to load and how much memory they take: `python -m tests.benchmarks.loading`.

A ratio of times is that of runs of `caviar.load_table` and `pandas.read_csv` in turn, each in a process of its own: in
CPU seconds, and by the clock, as pandas may read in several threads. Memory is the growth of the peak, over the size of
the float32 matrix.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

ROUNDS = 5
PROGRAM = """
import sys, time
import caviar, caviar.data.table, pandas as pd, sklearn.model_selection, sklearn.preprocessing, sklearn.tree

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

before, start, clock = memory("VmRSS"), time.process_time(), time.perf_counter()
if sys.argv[1] == "pandas":
    pd.read_csv(sys.argv[2])
    size = 0
else:
    size = sum(x.nbytes for x in caviar.load_table(sys.argv[2], "y").arrays[::2])
cpu, wall = time.process_time() - start, time.perf_counter() - clock
print(cpu, wall, (memory("VmHWM") - before) * 1024, size)
"""


def numbers(rows: int = 1_000_000, columns: int = 20) -> pd.DataFrame:
    """Return a long table of floats."""
    x = np.random.default_rng(0).normal(size=(rows, columns))
    return pd.DataFrame(x).add_prefix("x").assign(y=x[:, 0] + x[:, 1])


def mixed(rows: int = 300_000) -> pd.DataFrame:
    """Return a long table with numbers, text, booleans and dates."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": random.normal(size=rows),
            "integer": random.integers(0, 100, rows),
            "colour": np.array(["red", "green", "blue"])[random.integers(0, 3, rows)],
            "town": np.char.add("town ", random.integers(0, 3000, rows).astype(str)),
            "married": random.random(rows) < 0.5,
            "day": np.datetime64("2020-01-01") + random.integers(0, 1000, rows),
            "y": np.array(["no", "yes"])[random.integers(0, 2, rows)],
        }
    )


def wide(rows: int = 60, columns: int = 5000) -> pd.DataFrame:
    """Return a short table of text."""
    random = np.random.default_rng(0)
    x = np.array(["red", "green", "blue"])[random.integers(0, 3, (rows, columns))]
    return pd.DataFrame(x).add_prefix("x").assign(y=np.array(["no", "yes"])[random.integers(0, 2, rows)])


def measure(reader: str, file: Path) -> tuple[float, float, float, float]:
    """Return seconds of the CPU and of the clock, and bytes of the peak and of the matrix."""
    command = [sys.executable, "-c", PROGRAM, reader, str(file)]
    cpu, wall, peak, size = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(cpu), float(wall), float(peak), float(size)


def main() -> None:
    """Print the ratios of each table."""
    with tempfile.TemporaryDirectory() as folder:
        for make in (numbers, mixed, wide):
            file = Path(folder) / f"{make.__name__}.csv"
            make().to_csv(file, index=False, float_format="%.6g")
            pairs = [(measure("pandas", file), measure("caviar", file)) for _ in range(ROUNDS)]
            cpu, wall = (median(caviar[i] / pandas[i] for pandas, caviar in pairs) for i in (0, 1))
            seconds, memory = (median(found) for found in zip(*((c[0], c[2] / c[3]) for _, c in pairs), strict=True))
            print(
                f"{make.__name__}: {seconds:.2f} s, {cpu:.2f} times the CPU time of pandas.read_csv ({wall:.2f} times "
                f"by the clock), {memory:.2f} times the matrix"
            )


if __name__ == "__main__":
    main()
