"""Small studies with a planted fault each, and sound ones: trainings of the built-in network, and functions."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import caviar
from caviar.insight.diagnosis.finding import Finding, Kind

RATE = caviar.loguniform(1e-4, 1.0)


@dataclass(frozen=True)
class Problem:
    """A study, and what is wrong with it.

    Args:
        data: what it trains, by seed: a data set, or a function.
        settings: of the study.
        planted: the kind of the fault; None: the study is sound.
        hyperparameter: that the finding must name; "" if it names none.
        follows: kinds that are true as well, because of the fault.
    """

    name: str
    data: Callable[[int], Any]
    settings: dict[str, Any]
    planted: Kind | None = None
    hyperparameter: str = ""
    follows: tuple[Kind, ...] = field(default=())

    def is_planted(self, finding: Finding) -> bool:
        """Whether a finding is the fault."""
        return finding.kind is self.planted and finding.hyperparameter in ("", self.hyperparameter)

    def run(self, seed: int, folder: str) -> caviar.Outcome:
        """Run the study in this process."""
        study = caviar.Study(self.data(seed), seed=seed, out=folder, workers=0, **self.settings)
        study.run(progress=False, failures=math.inf)
        return study.outcome


def digits(_: int) -> str:
    return "digits"


def table(rows: int, *, flipped: float = 0.0, apart: float = 1.0) -> Callable[[int], Any]:
    """A table of two classes: 10 columns, three of which matter; a share of the labels is flipped."""

    def make(seed: int) -> Any:
        generator = np.random.default_rng(seed)
        x = generator.standard_normal((rows, 10))
        score = x[:, 0] + x[:, 1] * x[:, 2]
        x[:, 0] += apart * np.sign(score) * (apart > 1)
        y = (score > 0) ^ (generator.random(rows) < flipped)
        return caviar.from_arrays(x.astype(np.float32), y.astype(int), seed=seed, task="classification")

    return make


def few_digits(seed: int) -> Any:
    """200 of the digits: 30 are for validation."""
    whole = caviar.load_digits()
    chosen = np.random.default_rng(seed).choice(len(whole.train_x), 200, replace=False)
    return caviar.from_arrays(whole.train_x[chosen], whole.train_y[chosen], seed=seed, task="classification")


def random_labels(seed: int) -> Any:
    """The digits with labels that have nothing to do with them."""
    generator = np.random.default_rng(seed)
    return caviar.from_arrays(
        caviar.load_digits().train_x, generator.integers(0, 2, len(caviar.load_digits().train_x)), seed=seed,
        task="classification",
    )  # fmt: skip


def sums(seed: int) -> Any:
    """A table of numbers to predict."""
    x = np.random.default_rng(seed).standard_normal((600, 8)).astype(np.float32)
    return caviar.from_arrays(x, 10 * x.sum(axis=1) + x[:, 0] ** 2, seed=seed)


def function(value: Callable[[dict[str, Any], np.random.Generator], float], reports: int = 1) -> Callable[[int], Any]:
    """A function that reports `reports` times, and ends at a value that may have noise."""

    def make(_: int) -> Any:
        def train(config, seed):
            reached = value(config, np.random.default_rng(seed))
            for report in range(1, reports + 1):
                yield {"loss": reached + 1.0 * math.exp(-10 * report / reports) * (reports > 1)}

        return train

    return make


def bowl(config: dict[str, Any], _: np.random.Generator) -> float:
    return (config["x"] - 0.4) ** 2 + 0.3 * (config["y"] - 0.6) ** 2


def noisy_bowl(config: dict[str, Any], generator: np.random.Generator) -> float:
    return bowl(config, generator) + 0.02 * generator.standard_normal()


def quiet_bowl(config: dict[str, Any], generator: np.random.Generator) -> float:
    return bowl(config, generator) + 0.005 * generator.standard_normal()


def only_noise(config: dict[str, Any], generator: np.random.Generator) -> float:
    return 0.001 * bowl(config, generator) + generator.standard_normal()


def memory(config: dict[str, Any], generator: np.random.Generator) -> float:
    if config["y"] > 0.75:
        raise MemoryError("no memory left")
    return bowl(config, generator)


def slow(config: dict[str, Any], seed: int) -> dict[str, float]:
    if config["y"] > 0.85:
        time.sleep(60)
    return {"loss": bowl(config, np.random.default_rng(seed))}


def mixed(config: dict[str, Any], generator: np.random.Generator) -> float:
    """Each option is the best for some values of the others."""
    centre = {"a": 0.2, "b": 0.5, "c": 0.8}[config["kind"]]
    return (config["x"] - centre) ** 2 + 0.3 * (config["y"] - 0.6) ** 2 + 0.01 * generator.standard_normal()


CUBE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1))
MIXED = caviar.Space(x=caviar.uniform(0, 1), y=caviar.uniform(0, 1), kind=caviar.choice(["a", "b", "c"]))
LOSS = {"metric": "loss", "mode": "min", "isolation": "none", "space": CUBE, "trials": 48}
BROKEN = (Kind.DIVERGED, Kind.EDGE, Kind.FAILED, Kind.TIMED_OUT)

PLANTED = (
    Problem(
        "rate above an edge", sums,
        {"trials": 32, "epochs": 10, "space": {"learning_rate": caviar.loguniform(1e-4, 100), "momentum": 0.9,
         "hidden_units": caviar.randint(20, 60), "optimizer": "momentum", "batch_norm": False}},
        Kind.EDGE, "learning_rate", (Kind.DIVERGED, Kind.NOT_LEARNING, Kind.TOO_SHORT, Kind.DEAD_UNITS),
    ),
    Problem(
        "too few epochs", digits,
        {"trials": 24, "epochs": 12, "space": {"learning_rate": caviar.loguniform(2e-5, 2e-4),
         "hidden_units": caviar.randint(20, 60)}},
        Kind.TOO_SHORT, "", (Kind.BOUND,),
    ),
    Problem(
        "too many epochs", table(400, flipped=0.25),
        {"trials": 24, "epochs": 60, "metric": "val_loss", "space": {"learning_rate": caviar.loguniform(1e-3, 1e-2),
         "hidden_units": caviar.randint(100, 200), "hidden_layers": 2}},
        Kind.OVERFITTING, "", (Kind.BOUND,),
    ),
    Problem(
        "batches of 2 and 4 rows", digits,
        {"trials": 48, "waves": 2, "epochs": 4,
         "space": {"learning_rate": caviar.loguniform(1e-3, 1e-2), "hidden_layers": 2,
         "batch_size": caviar.choice([2, 4, 64, 128])}},
        Kind.SMALL_BATCHES, "batch_size", (Kind.BOUND, Kind.LOSING_OPTION),
    ),
    Problem(
        "units that die", digits,
        {"trials": 24, "epochs": 10, "space": {"learning_rate": caviar.loguniform(1e-3, 30), "hidden_layers": 3,
         "hidden_units": caviar.randint(20, 60), "batch_norm": False}},
        Kind.DEAD_UNITS, "", (Kind.DIVERGED, Kind.EDGE, Kind.NOT_LEARNING),
    ),
    Problem(
        "networks that do not learn", digits,
        {"trials": 24, "epochs": 10, "space": {"learning_rate": caviar.loguniform(1e-3, 30), "hidden_layers": 3,
         "hidden_units": caviar.randint(20, 60), "batch_norm": False, "activation": "tanh"}},
        Kind.NOT_LEARNING, "", (Kind.DIVERGED, Kind.EDGE),
    ),
    Problem(
        "metric at its ceiling", table(2000, apart=4.0), {"trials": 32, "epochs": 8}, Kind.SATURATED, "", (),
    ),
    Problem("30 validation rows", few_digits, {"trials": 32, "epochs": 20}, Kind.FEW_ROWS, "", (Kind.TOO_SHORT,)),
    Problem(
        "labels at random", random_labels, {"trials": 64, "waves": 2, "epochs": 10, "confirm": (3, 8)}, Kind.NOISE, "",
        (Kind.OVERFITTING, Kind.NOT_LEARNING),
    ),
    Problem(
        "an option that loses", digits,
        {"trials": 72, "waves": 2, "epochs": 8,
         "space": {"learning_rate": caviar.loguniform(1e-4, 1e-2), "hidden_layers": 3,
         "batch_norm": False, "activation": caviar.choice(["relu", "tanh", "sigmoid"])}},
        Kind.LOSING_OPTION, "activation", (),
    ),
    Problem(
        "best rate outside", digits,
        {"trials": 32, "epochs": 8, "space": {"learning_rate": caviar.loguniform(1e-5, 3e-4),
         "hidden_units": caviar.randint(50, 100)}},
        Kind.BOUND, "learning_rate", (Kind.TOO_SHORT, Kind.BOUND),
    ),
    Problem("errors above an edge", function(memory), LOSS, Kind.EDGE, "y", (Kind.FAILED,)),
    Problem("constant metric", function(lambda config, _: 0.5), LOSS, Kind.CONSTANT),
    Problem(
        "one without influence", function(quiet_bowl),
        {**LOSS, "trials": 96, "space": caviar.Space(**CUBE, z=caviar.uniform(0, 1))},
        Kind.NO_INFLUENCE, "z",
    ),
    Problem("noise alone", function(only_noise), {**LOSS, "trials": 96, "confirm": False}, Kind.NOISE),
    Problem(
        "trials that hang", lambda _: slow,
        {**LOSS, "trials": 32, "isolation": "process", "trial_timeout": 0.5}, Kind.TIMED_OUT, "", (Kind.EDGE,),
    ),
)  # fmt: skip

SOUND = (
    Problem("digits, 64 trials", digits, {"trials": 64}),
    Problem("digits, 24 trials", digits, {"trials": 24, "epochs": 15}),
    Problem("a table of 2,000 rows", table(2000, flipped=0.05), {"trials": 48, "epochs": 15}),
    Problem("a table of numbers", sums, {"trials": 32, "epochs": 20}),
    Problem("a bowl", function(bowl), LOSS),
    Problem("a noisy bowl", function(noisy_bowl), {**LOSS, "confirm": (3, 4)}),
    Problem("a noisy bowl, random search", function(noisy_bowl), {**LOSS, "search": "random", "trials": 100}),
    Problem("curves that have ended", function(noisy_bowl, reports=20), {**LOSS, "epochs": 20}),
    Problem("options that all can win", function(mixed), {**LOSS, "trials": 64, "space": MIXED}),
)
