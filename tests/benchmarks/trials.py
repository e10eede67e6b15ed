"""Trials a second on the digits: `python -m tests.benchmarks.trials [--quick] [--only NAME] [--json FILE]`.

throughput: the same 256 trials of the default space on 4 trainers, stacked, each network alone, and as a plain PyTorch
loop in a pool of 4 processes; and where several trials share a shape of network. All are warm before the clock.
quality: sampling in which the shape is drawn once for several trials, against drawing it for every trial: the best
validation loss that a coarse-to-fine study finds in the same processor time.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import caviar
from caviar.fleet.cluster import Placement, connected
from caviar.fleet.connect import open_pool
from caviar.records.trial import Trial
from caviar.fleet.worker.trainables import NetworkTrainable
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
    groups, took, best = (1, 4, 8), defaultdict(list), defaultdict(list)
    for seed in range(3):
        for same_shape in groups:
            took[same_shape].append(searched(64, same_shape, seed=100 + seed)[1])
    seconds_of_64 = {same_shape: statistics.median(took[same_shape]) for same_shape in groups}
    trials = {same_shape: round(64 * seconds_of_64[1] / seconds_of_64[same_shape]) for same_shape in groups}
    for seed in range(seeds):
        for same_shape in groups:
            best[same_shape].append(searched(trials[same_shape], same_shape, seed)[0])
    return [
        {
            "same_shape": same_shape,
            "seconds_of_64": seconds_of_64[same_shape],
            "trials": trials[same_shape],
            "best_val_loss": statistics.fmean(best[same_shape]),
            "standard_error": statistics.stdev(best[same_shape]) / seeds**0.5,
        }
        for same_shape in groups
    ]


def throughput_table(rows: list[dict[str, Any]]) -> str:
    lines = ["| 256 trials on 4 trainers | trials a second | times PyTorch's |", "| --- | --- | --- |"]
    lines += [f"| {row['way']} | {row['trials_a_second']:.1f} | {row['ratio_to_torch']:.1f}x |" for row in rows]
    return "\n".join(lines)


def quality_table(rows: list[dict[str, Any]]) -> str:
    lines = ["| trials that share a shape | trials in the same time | best validation loss |", "| --- | --- | --- |"]
    for row in rows:
        loss = f"{row['best_val_loss']:.4f} ± {row['standard_error']:.4f}"
        lines.append(f"| {row['same_shape']} | {row['trials']} | {loss} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no repeats, 3 seeds")
    parser.add_argument("--only", choices=("throughput", "quality"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    repeats, seeds = (1, 3) if arguments.quick else (3, 30)
    rows: list[dict[str, Any]] = []
    if arguments.only != "quality":
        rows += throughput(256, repeats)
        print(throughput_table(rows), end="\n\n")
    if arguments.only != "throughput":
        good = quality(seeds)
        rows += good
        print(quality_table(good))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
