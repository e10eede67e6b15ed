"""Trials per second on the digits: `python -m tests.benchmarks.trials [--quick] [--json FILE]`.

The same 256 trials of the default space on 4 trainers: in stacks, each network alone, and as a plain PyTorch loop in a
pool of 4 processes. All are warm before the clock starts.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import caviar
from caviar.fleet.connect import open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.trial import Trial
from caviar.study.planner import trial_seed
from caviar.study.stacking import stack_trials
from caviar.study.wave import run_wave

TRIALS = 256
WORKERS = 4
EPOCHS = 20
PYTORCH = "PyTorch in a process pool"


def random_trials(count: int, seed: int = 0) -> list[Trial]:
    """Return random trials of the default space."""
    space = caviar.default_space()
    search = caviar.search.Random(space, caviar.search.Budget(count, waves=1, seed=seed))
    return [Trial(i, 1, config, trial_seed(seed, 1, i)) for i, config in enumerate(space.configs(search.ask()))]


def train_with_pytorch(trial: Trial) -> float:
    """Train a trial's network in PyTorch; return its validation accuracy."""
    from tests.benchmarks.pytorch import train  # the trainers of Caviar do not need it

    return train(trial.config, trial.seed)[0]


def throughput(repeats: int) -> list[dict[str, Any]]:
    """Return the trials per second of each way, medians of repeats in turn."""
    trainable, placement = NetworkTrainable(caviar.load_digits(), EPOCHS), Placement(workers=WORKERS)
    trials, warm_up = random_trials(TRIALS), random_trials(4 * WORKERS, seed=9)
    spawn = multiprocessing.get_context("spawn")
    with open_pool(trainable, "val_accuracy", placement) as trainers, spawn.Pool(WORKERS) as processes:
        ways: dict[str, Callable[[], Any]] = {
            "in stacks": lambda: run_wave(trainers, stack_trials(trials, trainable, WORKERS), list),
            "each network alone": lambda: run_wave(trainers, [(trial,) for trial in trials], list),
            PYTORCH: lambda: processes.map(train_with_pytorch, trials, chunksize=1),
        }
        run_wave(trainers, stack_trials(warm_up, trainable, WORKERS), list)
        processes.map(train_with_pytorch, warm_up[: 2 * WORKERS], chunksize=1)
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way, train in ways.items():
                start = time.perf_counter()
                train()
                times[way].append(time.perf_counter() - start)
    seconds = {way: statistics.median(measured) for way, measured in times.items()}
    return [
        {"way": way, "trials_a_second": TRIALS / median, "ratio_to_torch": seconds[PYTORCH] / median}
        for way, median in seconds.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no repeats")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = throughput(repeats=1 if arguments.quick else 3)
    print(f"| {TRIALS} trials on {WORKERS} trainers | trials a second | times PyTorch's |\n| --- | --- | --- |")
    for row in rows:
        print(f"| {row['way']} | {row['trials_a_second']:.1f} | {row['ratio_to_torch']:.1f}x |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
