"""Time the trainer against PyTorch and scikit-learn: python -m tests.benchmarks.trainer [--quick] [--json FILE]

All take turns in one process on one core and one thread; figures are medians over the turns, and the peak
that shares refer to comes from the same turns. --quick leaves out torch.compile, which needs minutes to compile.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from caviar.data.dataset import Dataset
from tests.benchmarks.contenders import Shape, Steps, caviar, random_data, scikit_learn, torch_compile, torch_eager

SHAPES = (
    Shape(64, (32,), 32),
    Shape(64, (64, 64), 64),
    Shape(64, (128, 128), 128),
    Shape(784, (256, 256), 128),
    Shape(784, (512, 512), 256),
    Shape(784, (1024, 1024, 1024), 512),
)
STACKS = (1, 4, 16, 64)
EAGER = "torch eager"
PEAK = "sgemm peak"
Record = dict[str, Any]


def sgemm(count: int, size: int = 1024) -> None:
    """Multiply two square matrices `count` times."""
    a, b = np.ones((2, size, size), np.float32)  # two, since NumPy halves the work of a product with its own transpose
    out = np.empty_like(a)
    for _ in range(count):
        np.matmul(a, b, out=out)


def contenders(shape: Shape, data: Dataset, quick: bool) -> Iterator[tuple[str, int, Callable[[], Steps]]]:
    """Yield name, models at a time, and a maker of the function that trains; the peak comes first."""
    yield PEAK, 1, lambda: sgemm
    yield EAGER, 1, partial(torch_eager, shape, data)
    if not quick:
        yield "torch.compile", 1, partial(torch_compile, shape, data)
    yield "scikit-learn", 1, partial(scikit_learn, shape, data)
    for stack in STACKS:
        if stack == 1 or shape.operations * stack < (1e9 if quick else 4e10):  # wider ones take seconds a step
            yield "caviar", stack, partial(caviar, shape, data, stack)


def seconds(steps: Steps, count: int) -> float:
    """Return the processor time of one call, which other processes disturb less than wall-clock time."""
    start = time.process_time()
    steps(count)
    return time.process_time() - start


def measure(shape: Shape, quick: bool) -> list[Record]:
    """Return a record of each contender for one shape."""
    data = random_data(shape, batches=max(8, min(512, 4 * 10**9 // shape.operations)))
    ready: dict[tuple[str, int], tuple[Steps, int]] = {}
    turn, turns = (0.02, 5) if quick else (0.2, 9)
    unit = len(data.train_x) // shape.batch
    for name, stack, make in contenders(shape, data, quick):
        try:
            steps = make()
            steps(2)  # warm up, and compile
        except Exception as error:
            print(f"{name} left out for {shape}: {type(error).__name__}: {str(error).splitlines()[:1]}")
            continue
        whole = unit if name == "scikit-learn" else 1  # it trains whole epochs
        once = seconds(steps, whole) / whole
        ready[name, stack] = steps, max(1, round(turn / once / whole)) * whole
    times: dict[tuple[str, int], list[float]] = {contender: [] for contender in ready}
    for _ in range(turns):
        for contender, (steps, count) in ready.items():
            times[contender].append(seconds(steps, count) / count / contender[1])
    median = {contender: statistics.median(values) for contender, values in times.items()}
    peak = 2 * 1024**3 / median[PEAK, 1]
    return [
        {
            "trainer": name,
            "shape": str(shape),
            "batch": shape.batch,
            "stack": stack,
            "microseconds": round(took * 1e6, 2),
            "torch_eager_ratio": round(median[EAGER, 1] / took, 3) if (EAGER, 1) in median else None,
            "peak_share": round(shape.operations / took / peak, 3),
            "peak_gigaflops": round(peak / 1e9, 1),
        }
        for (name, stack), took in median.items()
        if name != PEAK
    ]


def table(records: list[Record]) -> str:
    """Return a Markdown table of the records: microseconds per step of one model, and times faster than PyTorch."""
    columns = [(EAGER, 1), ("torch.compile", 1), ("scikit-learn", 1), *(("caviar", stack) for stack in STACKS)]
    columns = [column for column in columns if any((r["trainer"], r["stack"]) == column for r in records)]
    titles = [f"{name} K={stack}" if name == "caviar" else name for name, stack in columns]
    lines = ["| network, batch | " + " | ".join(titles) + " | best stack, share of peak |"]
    lines.append("| --- " * (len(columns) + 2) + "|")
    for shape in dict.fromkeys((record["shape"], record["batch"]) for record in records):
        of_shape = {(r["trainer"], r["stack"]): r for r in records if (r["shape"], r["batch"]) == shape}
        cells = [f"{shape[0]}, {shape[1]}"]
        for column in columns:
            record = of_shape.get(column)
            ratio = f" ({record['torch_eager_ratio']:.2f}x)" if record and column[0] != EAGER else ""
            cells.append(f"{record['microseconds']:,.1f}{ratio}" if record else "")
        stacks = [record for (name, _), record in of_shape.items() if name == "caviar"]
        best = min(stacks, key=lambda record: record["microseconds"])
        cells.append(f"K={best['stack']}: {best['torch_eager_ratio']:.2f}x, {best['peak_share']:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="within a minute: fewer turns, no torch.compile")
    parser.add_argument("--json", metavar="FILE", help="write the figures as flat records")
    parser.add_argument("--shapes", type=int, nargs="+", default=range(len(SHAPES)), help="which of the six, from 0")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    records: list[Record] = []
    with threadpool_limits(1):
        for number in arguments.shapes:
            records += measure(SHAPES[number], arguments.quick)
            print(f"timed {SHAPES[number]}, batch {SHAPES[number].batch}", file=sys.stderr)
    print(table(records))
    peaks = [record["peak_gigaflops"] for record in records]
    print(f"\nOne core, one thread, float32; sgemm peak {min(peaks):.0f} to {max(peaks):.0f} Gflop/s; medians.")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(records, file, indent=1)


if __name__ == "__main__":
    main()
