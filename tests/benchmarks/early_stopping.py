"""Early stopping replayed: `python -m tests.benchmarks.early_stopping [--lcbench FOLDER] [--seeds 20]`.

Studies of 64 trials, searched by Caviar, on tables of real trainings (20 epochs) and, with `--lcbench`, on LCBench's
curves (50 epochs, noise of .5 points a trial and of .5 an epoch). The winner is the trial with the lowest smoothed
value among those trained to their ends. What is compared is its true value, without noise, with that of the study of
the same task and seed that stops no trial, as a share of what there is to gain: from the median to the best of 1,000
random points. The rules are in `stopping_rules`; Hyperband, median and Wilcoxon are Optuna's pruners with their
defaults. `--first-seed N` begins with another seed than 0.
"""

import argparse
import itertools
import json
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from caviar.search import Budget, CoarseToFine
from tests.benchmarks.curves import Task, lcbench, tables
from tests.benchmarks.stopping_rules import RULES, TRIALS, Replay, Rule


def study(task: Task, seed: int, rule: Rule) -> tuple[float, float]:
    """Return the true value of a study's winner, and its epochs as a share of 64 whole trials'."""
    own = zlib.crc32(f"{task.name},{seed}".encode())
    generator = np.random.default_rng(own)
    search = CoarseToFine(task.space, Budget(rule.trials, seed=own))
    none, points = np.empty(0, int), np.empty((0, task.space.dimension))
    replay = Replay(task, points, np.empty((0, task.epochs)), trained=none, wave=none, seed=own)
    while not search.done:
        points, index = search.ask(), search.wave
        new = np.arange(len(replay.points), len(replay.points) + len(points))
        replay.points = np.concatenate([replay.points, points])
        replay.curves = np.concatenate([replay.curves, task.measure(points, generator)])
        replay.trained = np.append(replay.trained, np.ones(len(points), int))
        replay.wave = np.append(replay.wave, np.full(len(points), index))
        rule.train(replay, new)
        search = told(task, rule, own, replay)
    if rule.finish:
        stopped = np.flatnonzero(~replay.whole)
        replay.trained[stopped[np.argsort(rule.tell(replay)[stopped], kind="stable")[: rule.finish]]] = task.epochs
        search = told(task, rule, own, replay)
    ended = np.flatnonzero(replay.whole)
    winner = ended[np.argmin(search.estimates()[ended])]
    return float(task.true(replay.points[[winner]])[0, -1]), float(replay.trained.sum() / (TRIALS * task.epochs))


def told(task: Task, rule: Rule, seed: int, replay: Replay) -> CoarseToFine:
    """Return a search that is told all trials anew."""
    search = CoarseToFine(task.space, Budget(rule.trials, seed=seed))
    search.tell(replay.points, rule.tell(replay))
    return search


def room(task: Task) -> float:
    """Return what there is to gain: from the median to the best of 1,000 random points."""
    ends = task.true(np.random.default_rng(0).random((1000, task.space.dimension)))[:, -1]
    return float(np.median(ends) - ends.min())


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per group of tasks and rule: mean epochs, and what was lost against no stopping."""
    none = rows[rows["rule"] == "none"].set_index(["task", "seed"])["winner"]
    pairs = pd.MultiIndex.from_frame(rows[["task", "seed"]])
    lost = (rows["winner"] - none.reindex(pairs).to_numpy()) / rows["room"]
    rows = rows.assign(lost=lost, better=lost < 0, worse=lost > 0)
    return rows.groupby(["group", "rule"], sort=False).agg(
        races=("lost", "size"),
        epochs=("epochs", "mean"),
        lost=("lost", "mean"),
        error=("lost", "sem"),
        better=("better", "mean"),
        worse=("worse", "mean"),
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lcbench", help="the folder of the LCBench surrogate")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    parser.add_argument("--json", type=Path, help="write a record per study")
    options = parser.parse_args()
    tasks = [*tables(), *(lcbench(options.lcbench) if options.lcbench else [])]
    rows: list[dict[str, object]] = []
    with threadpool_limits(1):
        rooms = {task.name: room(task) for task in tasks}
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            for task, name in itertools.product(tasks, options.rules):
                winner, epochs = study(task, seed, RULES[name])
                row = {"task": task.name, "group": task.group, "seed": seed, "rule": name, "winner": winner}
                rows.append({**row, "epochs": epochs, "room": rooms[task.name]})
                if options.json:
                    options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("| data | rule | studies | epochs | lost | winner better, worse |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (group, name), row in summary(pd.DataFrame(rows)).sort_index(level="group", sort_remaining=False).iterrows():
        lost = f"{row['lost']:.1%} +- {row['error']:.1%}"
        print(
            f"| {group} | {name} | {row['races']:.0f} | {row['epochs']:.0%} | {lost} "
            f"| {row['better']:.0%}, {row['worse']:.0%} |"
        )


if __name__ == "__main__":
    main()
