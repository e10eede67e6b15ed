"""Rules of early stopping: which trials of a study are trained how long, and what the search is told of them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from caviar.records.early_stopping import Halving
from caviar.space.scales import Array
from caviar.study.halving import survivors
from tests.benchmarks.curves import Task
from tests.benchmarks.ends import doublings, predicted_ends

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


def from_curves(replay: Replay) -> Array:
    """Tell ends predicted from the curves."""
    return predicted_ends(replay.curves, replay.trained)


def from_configs(replay: Replay) -> Array:
    """Tell ends predicted from the configs and the curves; of whole trials, the measured ones."""
    ends = predicted_ends(replay.curves, replay.trained, replay.points, replay.task.space.categorical)
    return np.where(replay.whole, replay.last, ends)


def whole(replay: Replay, new: Integers) -> None:
    replay.trained[new] = replay.task.epochs


def part(share: float) -> Callable[[Replay, Integers], None]:
    """Train a share of the epochs."""

    def train(replay: Replay, new: Integers) -> None:
        replay.trained[new] = round(share * replay.task.epochs)

    return train


def halving(
    rungs: Callable[[int], tuple[int, ...]], factor: int = 3, losses: Callable[[Replay], Array] = last
) -> Callable[[Replay, Integers], None]:
    """Let the best third continue at each rung, or another share, by their losses there."""

    def train(replay: Replay, new: Integers) -> None:
        for rung in rungs(replay.task.epochs):
            replay.trained[new] = rung
            values = losses(replay)
            new = np.array(sorted(survivors({int(n): values[n] for n in new}, len(new), factor)))
        whole(replay, new)

    return train


def race(replay: Replay, new: Integers) -> None:
    """Train an eighth of the epochs; then train the trial with the best predicted end twice as long, again and again.

    It may be one of an earlier wave. A third of the epochs of all trials so far are spent.
    """
    rungs = doublings(replay.task.epochs)
    replay.trained[new] = rungs[1]
    while not replay.whole.all():
        ends = np.where(replay.whole, np.inf, from_curves(replay))
        best = int(np.argmin(ends))
        rung = next(rung for rung in rungs if rung > replay.trained[best])
        if 3 * (replay.trained.sum() + rung - replay.trained[best]) > replay.trained.size * replay.task.epochs:
            break
        replay.trained[best] = rung


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


def halves(epochs: int) -> tuple[int, ...]:
    return Halving(factor=2, first=round(epochs / 8)).rungs(epochs)


RULES = {
    "none": Rule(whole, last),
    "none, 21 trials": Rule(whole, last, trials=21),
    "halving": Rule(halving(HALVING.rungs), no_better),
    "halves": Rule(halving(halves, factor=2), no_better),
    "halves, predicted": Rule(halving(halves, 2, from_configs), from_configs),
    "race": Rule(race, from_curves),
    "race, exact": Rule(race, exact),
    "asha": Rule(asha, no_better),
    "hyperband": Rule(optuna_pruner("hyperband"), last),
    "median": Rule(optuna_pruner("median"), last),
    "wilcoxon": Rule(optuna_pruner("wilcoxon"), last),
    "quarter": Rule(part(1 / 4), last, finish=8),
    "half": Rule(part(1 / 2), last, finish=3),
}
