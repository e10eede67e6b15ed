"""A Panda with rules, started from a poor learning rate, against the same model left alone.

    python -m tests.benchmarks.panda [--epochs 40] [--seeds 5]

A sweep finds the best learning rate. Then each factor of it is trained with and without rules for the same number of
epochs (those that a rewind abandons count). A run ends well if its final validation loss is at most 1.5 times
the median of those left alone at the best rate. The rules act as they do in an actor, without Ray.
"""

import argparse
import tempfile

import numpy as np
import pandas as pd

import caviar
from caviar.files import open_store
from caviar.model.training import Training
from caviar.panda.checkpoints import PandaFiles, PandaSettings
from caviar.panda.commands import Train
from caviar.panda.interpreter import advance, execute
from caviar.panda.rules import rules_of
from caviar.panda.session import begin
from caviar.panda.state import HAND, KEEPER

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
    """The last validation loss and accuracy of a Panda, and how often its rules tweaked it."""
    with tempfile.TemporaryDirectory() as folder:
        files, settings = PandaFiles(open_store(folder)), PandaSettings({"learning_rate": rate}, seed)
        session = begin(files, data, settings, rules_of(rules))
        execute(session, Train(epochs), by=HAND)
        while session.busy:
            advance(session, 1.0)
        last = session.state.lineage[-1].metrics
        return {
            "val_loss": last["val_loss"] if np.isfinite(last["val_loss"]) else np.inf,
            "val_accuracy": last["val_accuracy"],
            "tweaks": sum(entry.by not in (HAND, KEEPER) for entry in session.state.diary),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    data = caviar.load_digits()
    best = best_rate(data, arguments.epochs, arguments.seeds)
    print(f"best learning rate of the sweep: {best:.4g}; {arguments.epochs} epochs, {arguments.seeds} seeds")
    rows = [
        {"factor": factor, "rules": rules, "seed": seed, **run(data, factor * best, seed, arguments.epochs, rules)}
        for factor in FACTORS
        for rules in ("none", "careful")
        for seed in range(arguments.seeds)
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
