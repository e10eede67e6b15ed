"""Trials a second on the digits, from sampling to table: `python -m tests.benchmarks.trials [--quick] [--json FILE]`.

The same 256 trials of the default space on 4 trainers: stacked, each network alone, and as a plain PyTorch loop in
a pool of 4 processes. Then sampling in which the shape of the network is drawn once for several trials: its trials a
second, and the best validation loss in the same wall-clock time. Ray and the processes are warm before the clock.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import caviar
from caviar.fleet.cluster import Placement, connected
from caviar.fleet.messages import Trial
from caviar.fleet.open import open_pool
from caviar.fleet.trainables import NetworkTrainable
from caviar.study.stacking import stacked
from caviar.study.wave import run_wave, trials_of

WORKERS = 4
EPOCHS = 20
SHAPE = [
    j
    for j, dimension in enumerate(caviar.default_space().dimensions)
    if dimension.name in ("hidden_layers", "hidden_units", "batch_size")
]


def sampled(count: int, same_shape: int = 1, seed: int = 0) -> list[Trial]:
    """Random trials of the default space."""
    space = caviar.default_space()
    search = caviar.search.Random(space, count, seed=seed, shared=SHAPE if same_shape > 1 else (), group=same_shape)
    return trials_of(space.configs(search.ask()), seed, 1, 0)


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def torch_trial(trial: Trial) -> float:
    """The built-in network's training as a PyTorch user would write it."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(trial.seed)
    data, config = caviar.load_digits(), trial.config
    x, y = torch.tensor(np.array(data.train_x)), torch.tensor(np.array(data.train_y))
    val_x, val_y = torch.tensor(np.array(data.val_x)), torch.tensor(np.array(data.val_y))
    layers: list[torch.nn.Module] = []
    width = data.features
    for _ in range(config["hidden_layers"]):
        units = config["hidden_units"]
        layers += [torch.nn.Linear(width, units, bias=False), torch.nn.BatchNorm1d(units), torch.nn.ReLU()]
        width = units
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, data.outputs))
    optimizer = torch.optim.Adam(model.parameters(), config["learning_rate"], (config["momentum"], 0.999))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + config["lr_decay"] * epoch))
    batch = config["batch_size"]
    for _ in range(EPOCHS):
        model.train()
        order = torch.randperm(len(x))
        for i in range(len(x) // batch):
            rows = order[i * batch : (i + 1) * batch]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            loss = torch.nn.functional.cross_entropy(model(val_x), val_y)
    return float(loss)


def throughput(count: int, repeats: int) -> list[dict[str, Any]]:
    """Trials a second of each way, in turn, medians of repeats."""
    trainable = NetworkTrainable(caviar.load_digits(), EPOCHS)
    ways: dict[str, Callable[[], Any]] = {}
    spawn = multiprocessing.get_context("spawn")
    with (
        connected(Placement(workers=WORKERS)),
        open_pool(trainable, "val_accuracy", Placement(workers=WORKERS)) as pool,
        spawn.Pool(WORKERS) as processes,
    ):
        for same_shape in (1, 4, 8, 16):
            trials = sampled(count, same_shape)
            ways[f"stacked, {same_shape} trials a shape" if same_shape > 1 else "stacked"] = (
                lambda trials=trials: run_wave(pool, stacked(trials, trainable, WORKERS), list)  # type: ignore
            )
        alone = sampled(count)
        ways["each network alone"] = lambda: run_wave(pool, stacked(alone, trainable, WORKERS, False), list)
        ways["PyTorch in a process pool"] = lambda: processes.map(torch_trial, alone, chunksize=1)
        run_wave(pool, stacked(sampled(4 * WORKERS, seed=9), trainable, WORKERS), list)
        processes.map(torch_trial, sampled(2 * WORKERS, seed=9), chunksize=1)
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way, work in ways.items():
                times[way].append(seconds(work))
    base = statistics.median(times["PyTorch in a process pool"])
    return [
        {"way": way, "trials_a_second": count / statistics.median(t), "ratio_to_torch": base / statistics.median(t)}
        for way, t in times.items()
    ]


def searched(trials: int, same_shape: int, seed: int) -> tuple[float, float]:
    """The best validation loss of a study of four waves on one core, and the processor seconds it took."""
    trainable = NetworkTrainable(caviar.load_digits(), EPOCHS)
    space = caviar.default_space()
    search = caviar.search.CoarseToFine(
        space, trials=trials, waves=4, seed=seed, shared=SHAPE if same_shape > 1 else (), group=same_shape
    )
    best, begun = np.inf, time.process_time()
    while not search.done:
        points = search.ask()
        wave = trials_of(space.configs(points), seed, search.wave + 1, len(search.estimates()))
        losses = {}
        for stack in stacked(wave, trainable, workers=1):
            run = trainable.start([trial.config for trial in stack], [trial.seed for trial in stack])
            while reports := run.epoch():
                last = reports
                losses |= {t.number: r["val_loss"] for t, r in zip(stack, last, strict=True) if r is not None}
        values = np.array([losses.get(trial.number, np.nan) for trial in wave])
        search.tell(points, values)
        best = min(best, float(np.nanmin(values)))
    return best, time.process_time() - begun


def quality(seeds: int) -> list[dict[str, Any]]:
    """The best validation loss in the processor time that 64 trials of shapes of their own take."""
    threadpool_limits(1)
    rows: list[dict[str, Any]] = []
    for same_shape in (1, 4, 8):
        took = statistics.median(searched(64, same_shape, seed=100 + seed)[1] for seed in range(3))
        base = took if not rows else rows[0]["seconds_of_64"]
        trials = round(64 * base / took)
        best = [searched(trials, same_shape, seed)[0] for seed in range(seeds)]
        rows.append(
            {"same_shape": same_shape, "seconds_of_64": took, "trials": trials,
             "best_val_loss": statistics.fmean(best), "standard_error": statistics.stdev(best) / seeds**0.5}
        )  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="64 trials, no repeats, 3 seeds")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    count, repeats, seeds = (64, 1, 3) if arguments.quick else (256, 3, 10)
    good = quality(seeds)
    fast = throughput(count, repeats)
    print("| way | trials a second | ratio to PyTorch |\n| --- | --- | --- |")
    for row in fast:
        print(f"| {row['way']} | {row['trials_a_second']:.1f} | {row['ratio_to_torch']:.2f} |")
    print("\n| trials a shape | trials in the same time | best validation loss |\n| --- | --- | --- |")
    for row in good:
        print(f"| {row['same_shape']} | {row['trials']} | {row['best_val_loss']:.4f} ± {row['standard_error']:.4f} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(fast + good, indent=1))


if __name__ == "__main__":
    main()
