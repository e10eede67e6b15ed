"""Early stopping replayed: `python -m tests.benchmarks.early_stopping [--lcbench FOLDER] [--seeds 20] [--json FILE]`.

Studies of 64 trials, searched by Caviar, on tables of real trainings (20 epochs) and, with `--lcbench`, on LCBench's
curves (50 epochs, noise of .5 points a trial and of .5 an epoch). The winner is the trial with the lowest smoothed
value among those trained to their ends. What is compared is its true value, without noise, with that of the study of
the same task and seed that stops no trial, as a share of what there is to gain: from the median to the best of 1,000
random points. The rules are in `RULES`; Hyperband, median and Wilcoxon are Optuna's pruners with their defaults.
"""

import argparse
import functools
import json
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from caviar.records.early_stopping import Halving
from caviar.search import Budget, CoarseToFine
from caviar.search.gaussian_process import GaussianProcess
from caviar.search.schedule import Waves
from caviar.space.scales import Array
from caviar.study.halving import survivors
from tests.benchmarks.curves import Task, lcbench, tables
from tests.benchmarks.ends import predicted_ends, process_of_ends

TRIALS = 64
HALVING = Halving()
Integers = NDArray[np.int_]


@dataclass
class Replay:
    """A study so far: the measured curves of its trials, and how many epochs of each were trained."""

    task: Task
    points: Array
    curves: Array  # (n, epochs)
    trained: Integers  # (n,)
    wave: Integers  # (n,)
    seed: int
    memory: dict[str, object] = field(default_factory=dict)  # of a rule that keeps a state

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which trials were trained to their ends."""
        return self.trained == self.task.epochs

    @property
    def last(self) -> Array:
        """The last measured value of each trial."""
        return self.curves[np.arange(len(self.curves)), self.trained - 1]

    def go_on(self, trials: Integers, rung: int, room: int, losses: Array) -> Integers:
        """Train trials to a rung, and return the `room` best by `losses`, of all trials."""
        self.trained[trials] = rung
        return np.sort(trials[np.argsort(losses[trials], kind="stable")[:room]])


@dataclass(frozen=True)
class Rule:
    """Which trials of a wave are trained how long, and what the search is told."""

    train: Callable[[Replay, Integers], None]
    tell: Callable[[Replay], Array]
    waves: Callable[[int], Waves] = lambda epochs: "auto"
    trials: int = TRIALS
    surrogate: Callable[[Replay], GaussianProcess] | None = None  # that the search uses instead of its own
    finish: int = 0  # how many of the best stopped trials are trained to their ends at the end


def last(replay: Replay) -> Array:
    """Tell the last value of each trial."""
    return replay.last


def no_better(replay: Replay) -> Array:
    """Tell what Caviar's halving tells: a stopped trial is no better than the worst survivor of its wave."""
    values = replay.last.copy()
    for wave in range(replay.wave[-1] + 1):
        survived, stopped = (replay.wave == wave) & replay.whole, (replay.wave == wave) & ~replay.whole
        worst = values[survived] if survived.any() else values[replay.whole & (replay.wave < wave)]
        values[stopped] = np.maximum(values[stopped], worst.max(initial=-np.inf))
    return values


def exact(replay: Replay) -> Array:
    """Tell how every trial would have ended, which nobody knows."""
    return replay.curves[:, -1]


def doublings(replay: Replay) -> Array:
    """Tell ends predicted from the curves."""
    return predicted_ends(replay.curves, replay.trained, replay.trained)


def short_and_half(epochs: int) -> tuple[int, int]:
    """Return the epochs of trials in the first waves, and of most in the others."""
    return round(epochs / 8), round(epochs / 2)


def configs_too(replay: Replay) -> GaussianProcess:
    """Return a process that predicts ends from configs and curves."""
    rungs = short_and_half(replay.task.epochs)
    return process_of_ends(replay.points, replay.curves, replay.trained, replay.task.space.categorical, rungs)


def whole(replay: Replay, new: Integers) -> None:
    replay.trained[new] = replay.task.epochs


def part(share: float) -> Callable[[Replay, Integers], None]:
    """Train a share of the epochs."""

    def train(replay: Replay, new: Integers) -> None:
        replay.trained[new] = round(share * replay.task.epochs)

    return train


def halving(rungs: Callable[[int], tuple[int, ...]]) -> Callable[[Replay, Integers], None]:
    """Let the best third continue at each rung."""

    def train(replay: Replay, new: Integers) -> None:
        for rung in rungs(replay.task.epochs):
            replay.trained[new] = rung
            chosen = survivors({int(n): replay.curves[n, rung - 1] for n in new}, len(new), factor=3)
            new = np.array(sorted(chosen))
        whole(replay, new)

    return train


def asha(replay: Replay, new: Integers) -> None:
    """Decide about each trial when it comes to a rung; they come by number."""
    for trial in new:
        whole(replay, np.array([trial]))
        for rung in HALVING.rungs(replay.task.epochs):
            losses = replay.memory.setdefault(f"rung {rung}", {})
            assert isinstance(losses, dict)
            losses[int(trial)] = replay.curves[trial, rung - 1]
            if trial not in survivors(losses, len(losses), factor=3):
                replay.trained[trial] = rung
                break


def optuna_pruner(name: str) -> Callable[[Replay, Integers], None]:
    """Report the trials of a wave, epoch by epoch, to one of Optuna's pruners."""

    def train(replay: Replay, new: Integers) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruners = {
            "hyperband": lambda: optuna.pruners.HyperbandPruner(max_resource=replay.task.epochs),
            "median": optuna.pruners.MedianPruner,
            "wilcoxon": optuna.pruners.WilcoxonPruner,
        }
        if "study" not in replay.memory:
            replay.memory["study"] = optuna.create_study(study_name=str(replay.seed), pruner=pruners[name]())
        study = replay.memory["study"]
        assert isinstance(study, optuna.Study)
        running = {int(n): study.ask() for n in new}
        for epoch in range(1, replay.task.epochs + 1):
            for n, trial in list(running.items()):
                replay.trained[n] = epoch
                trial.report(value := float(replay.curves[n, epoch - 1]), epoch)
                if epoch < replay.task.epochs and trial.should_prune():
                    study.tell(running.pop(n), state=optuna.trial.TrialState.PRUNED)
                elif epoch == replay.task.epochs:
                    study.tell(running.pop(n), value)

    return train


def long_last(losses: Callable[[Replay], Array]) -> Callable[[Replay, Integers], None]:
    """Train an eighth of the epochs in five waves of eight, then half of them; there the best 3 of 8 go to the end.

    One trial of the first wave goes to its end, too.
    """

    def train(replay: Replay, new: Integers) -> None:
        (short, half), wave = short_and_half(replay.task.epochs), replay.wave[-1]
        rung, room = (short, int(wave == 0)) if wave < 5 else (half, 3)
        replay.trained[new] = rung
        whole(replay, replay.go_on(new, rung, room, losses(replay)))

    return train


def later_rungs(epochs: int) -> tuple[int, ...]:
    return Halving(first=round(epochs / 8)).rungs(epochs)


RULES = {
    "none": Rule(whole, last),
    "none, 21 trials": Rule(whole, last, trials=21),
    "halving": Rule(halving(HALVING.rungs), no_better, functools.partial(HALVING.waves, TRIALS)),
    "halving, later": Rule(halving(later_rungs), no_better, functools.partial(HALVING.waves, TRIALS)),
    "halving, later, 8 waves": Rule(halving(later_rungs), no_better, lambda epochs: 8),
    "asha": Rule(asha, no_better),
    "hyperband": Rule(optuna_pruner("hyperband"), last),
    "median": Rule(optuna_pruner("median"), last),
    "wilcoxon": Rule(optuna_pruner("wilcoxon"), last),
    "quarter": Rule(part(1 / 4), last, finish=8),
    "half": Rule(part(1 / 2), last, finish=3),
    "long last": Rule(long_last(last), last),
    "doublings": Rule(long_last(doublings), doublings),
    "configs too": Rule(long_last(doublings), doublings, surrogate=configs_too),
    "exact": Rule(long_last(doublings), exact),
}


def study(task: Task, seed: int, rule: Rule) -> tuple[float, float]:
    """Return the true value of a study's winner, and its epochs as a share of 64 whole trials'."""
    own = zlib.crc32(f"{task.name},{seed}".encode())
    generator = np.random.default_rng(own)
    search = CoarseToFine(task.space, Budget(rule.trials, rule.waves(task.epochs), own))
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
    search = CoarseToFine(task.space, Budget(rule.trials, rule.waves(task.epochs), seed))
    search.tell(replay.points, rule.tell(replay))
    search._surrogate = None if rule.surrogate is None else rule.surrogate(replay)
    return search


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
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    parser.add_argument("--json", type=Path, help="write a record per study")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    with threadpool_limits(1):
        for seed in range(options.seeds):
            for task in [*tables(), *(lcbench(options.lcbench) if options.lcbench else [])]:
                ends = task.true(np.random.default_rng(0).random((1000, task.space.dimension)))[:, -1]
                for name in options.rules:
                    winner, epochs = study(task, seed, RULES[name])
                    row = {"task": task.name, "group": task.group, "seed": seed, "rule": name, "winner": winner}
                    rows.append({**row, "epochs": epochs, "room": float(np.median(ends) - ends.min())})
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
