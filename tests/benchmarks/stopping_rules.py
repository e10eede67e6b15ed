"""Rules of early stopping: which trials of a study are trained how long, and what the search is told of them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from caviar.records.early_stopping import Halving
from caviar.search.curves import Curves, predicted_ends
from caviar.space.scales import Array
from caviar.study.halving import survivors
from tests.benchmarks.curves import Task

TRIALS = 64
HALVING = Halving()
THIRDS = Halving(factor=3, predicted=False)  # Caviar's halving until November 2026
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


@dataclass(frozen=True)
class Rule:
    """Which trials of a wave are trained how long, and what the search is told."""

    train: Callable[[Replay, Integers], None]
    tell: Callable[[Replay], Array]
    trials: int = TRIALS
    finish: int = 0  # how many of the best stopped trials are trained to their ends at the end


def last(replay: Replay) -> Array:
    """Tell the last value of each trial."""
    return replay.last


def no_better(replay: Replay) -> Array:
    """Tell that a stopped trial is no better than the worst survivor of its wave."""
    values = replay.last.copy()
    for wave in range(replay.wave[-1] + 1):
        survived, stopped = (replay.wave == wave) & replay.whole, (replay.wave == wave) & ~replay.whole
        worst = values[survived] if survived.any() else values[replay.whole & (replay.wave < wave)]
        values[stopped] = np.maximum(values[stopped], worst.max(initial=-np.inf))
    return values


def exact(replay: Replay) -> Array:
    """Tell how every trial would have ended, which nobody knows."""
    return replay.curves[:, -1]


def predicted(replay: Replay) -> Array:
    """Tell predicted ends of stopped trials, as Caviar's halving does."""
    epochs = np.array(HALVING.compared(replay.task.epochs))
    values = np.where(replay.trained[:, None] >= epochs, replay.curves[:, epochs - 1], np.nan)
    curves = Curves(values, stopped=~replay.whole)
    return predicted_ends(replay.points, replay.last, curves, replay.task.space.categorical)


def whole(replay: Replay, new: Integers) -> None:
    replay.trained[new] = replay.task.epochs


def part(share: float) -> Callable[[Replay, Integers], None]:
    """Train a share of the epochs."""

    def train(replay: Replay, new: Integers) -> None:
        replay.trained[new] = round(share * replay.task.epochs)

    return train


def halving(kind: Halving, losses: Callable[[Replay], Array] = last) -> Callable[[Replay, Integers], None]:
    """Let the best trials of a wave continue at each rung, by their losses there, and those that are spared."""
    spared = range(kind.spared(TRIALS))

    def train(replay: Replay, new: Integers) -> None:
        for rung in kind.rungs(replay.task.epochs):
            replay.trained[new] = rung
            values, room = losses(replay), kind.room(int(np.sum(new >= spared.stop)))
            new = np.array(sorted(survivors({int(n): values[n] for n in new}, room, spared)))
        whole(replay, new)

    return train


def asha(replay: Replay, new: Integers) -> None:
    """Decide about each trial when it comes to a rung; they come by number."""
    for trial in new:
        whole(replay, np.array([trial]))
        for rung in THIRDS.rungs(replay.task.epochs):
            losses = replay.memory.setdefault(f"rung {rung}", {})
            assert isinstance(losses, dict)
            losses[int(trial)] = replay.curves[trial, rung - 1]
            if trial not in survivors(losses, THIRDS.room(len(losses))):
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


RULES = {
    "none": Rule(whole, last),
    "none, 25 trials": Rule(whole, last, trials=25),
    "halving": Rule(halving(HALVING, predicted), predicted),
    "halving, told no better": Rule(halving(HALVING), no_better),
    "halving, exact": Rule(halving(HALVING), exact),
    "halving, thirds": Rule(halving(THIRDS), no_better),
    "asha": Rule(asha, no_better),
    "hyperband": Rule(optuna_pruner("hyperband"), last),
    "median": Rule(optuna_pruner("median"), last),
    "wilcoxon": Rule(optuna_pruner("wilcoxon"), last),
    "quarter": Rule(part(1 / 4), last, finish=8),
    "half": Rule(part(1 / 2), last, finish=3),
}
