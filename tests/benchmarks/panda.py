"""One Panda with its rules, started from a poor learning rate, against the same model left alone.

    python -m tests.benchmarks.panda [--epochs 40] [--seeds 5]

First the best learning rate of a sweep is found, then each factor of it is trained with and without rules for the
same number of epochs (those that a rewind abandons count). A run is good at the end when its final validation loss
is at most 1.5 times the median of those that were left alone at the best rate. The rules live as they do in an
actor, without Ray between.
"""

import argparse
import tempfile

import numpy as np
import pandas as pd

import caviar
from caviar.files import open_store
from caviar.model.training import Training
from caviar.panda.commands import obey
from caviar.panda.rules import rules_of
from caviar.panda.session import begin

RATES = 10.0 ** np.arange(-4, 0.01, 1 / 3)
FACTORS = (0.3, 1.0, 10.0, 100.0)
GOOD = 1.5


def best_rate(data, epochs, seeds):
    """The learning rate with the lowest median final validation loss."""
    finals = {}
    for rate in RATES:
        training = Training([{"learning_rate": rate}] * seeds, list(range(seeds)), data, epochs)
        reports = [training.epoch() for _ in range(epochs)][-1]
        finals[rate] = np.median([np.inf if report is None else report["val_loss"] for report in reports])
    return min(finals, key=finals.get)


def run(data, rate, seed, epochs, rules):
    """The validation losses of a Panda's present epochs, the number of interventions, and its last accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        life = begin(open_store(folder), data, {"learning_rate": rate}, seed, rules_of(rules))
        obey(life, "train", "train", {"epochs": epochs})
        while life.working:
            life.advance(1.0)
        last = life.memory.present[-1]
        tweaks = sum(entry["by"] not in ("hand", "keeper") for entry in life.memory.diary)
        return {
            "val_loss": last["val_loss"] if np.isfinite(last["val_loss"]) else np.inf,
            "val_accuracy": last["val_accuracy"],
            "tweaks": tweaks,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    data = caviar.load_digits()
    best = best_rate(data, asked.epochs, asked.seeds)
    print(f"best learning rate of the sweep: {best:.4g}; {asked.epochs} epochs, {asked.seeds} seeds")
    rows = [
        {"factor": factor, "rules": rules, "seed": seed, **run(data, factor * best, seed, asked.epochs, rules)}
        for factor in FACTORS
        for rules in ("none", "careful")
        for seed in range(asked.seeds)
    ]
    runs = pd.DataFrame(rows)
    alone = runs[(runs["factor"] == 1.0) & (runs["rules"] == "none")]
    runs["good"] = runs["val_loss"] <= GOOD * alone["val_loss"].median()
    table = runs.groupby(["factor", "rules"], sort=False).agg(
        good_at_the_end=("good", "mean"),
        median_final_val_loss=("val_loss", "median"),
        median_val_accuracy=("val_accuracy", "median"),
        tweaks=("tweaks", "mean"),
    )
    print(table.round(4).to_string())


if __name__ == "__main__":
    main()
