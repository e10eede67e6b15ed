"""What early stopping saves and costs: `python -m tests.benchmarks.halving [--quick] [--seeds 10] [--json FILE]`.

Studies of 64 trials of 20 epochs, without early stopping, with halving and with ASHA, on the digits and on a synthetic
regression (Friedman 1991, "Multivariate adaptive regression splines", section 4.3: five of ten features matter, and the
noise keeps the root mean square error above 1). The cost is the number of epochs; the winner is compared on held-out
data with the winner of the same seed without stopping. `--quick` runs two seeds of 27 trials.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import caviar
from caviar.fleet.cluster import connection
from caviar.fleet.placement import Placement

STOPPING = (None, "halving", "asha")
TASKS = {"digits": "test_accuracy", "friedman": "test_rmse"}


def friedman(rows: int = 800) -> caviar.Dataset:
    """Return the synthetic regression, always with the same rows."""
    generator = np.random.default_rng(0)
    x = generator.random((rows, 10))
    smooth = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return caviar.from_arrays(x, smooth + generator.standard_normal(rows), task="regression")


def study_of(task: str, stopping: str | None, seed: int, trials: int, folder: Path) -> dict[str, Any]:
    """Run one study, and return its figures."""
    study = caviar.Study(
        "digits" if task == "digits" else friedman(),
        trials=trials,
        seed=seed,
        early_stopping=stopping,
        confirm=False,
        out=folder / f"{task}-{stopping}-{seed}",
    )
    table = study.run(progress=False)
    return {
        "task": task,
        "stopping": stopping or "none",
        "seed": seed,
        "epochs": int(table["epochs"].sum()),
        "validation": study.best.metrics[study.settings.objective.metric],
        "test": study.outcome.test.metrics[TASKS[task]],
    }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and kind of stopping: means over the seeds, how often its winner is better or worse."""
    none = rows[rows["stopping"] == "none"].set_index(["task", "seed"])
    beside = none.reindex(pd.MultiIndex.from_frame(rows[["task", "seed"]]))
    sign = np.where(rows["task"] == "digits", 1, -1)
    gain = sign * (rows["test"] - beside["test"].to_numpy())
    rows = rows.assign(share=rows["epochs"] / beside["epochs"].to_numpy(), better=gain > 0, worse=gain < 0)
    columns = {name: (name, "mean") for name in ("epochs", "share", "validation", "test")}
    return rows.groupby(["task", "stopping"], sort=False).agg(
        **columns, spread=("test", "std"), better=("better", "sum"), worse=("worse", "sum")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds of 27 trials")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write a record per study")
    options = parser.parse_args()
    seeds, trials = (2, 27) if options.quick else (options.seeds, 64)
    rows = []
    with tempfile.TemporaryDirectory() as folder, connection(Placement()):
        for seed in range(seeds):
            for task in TASKS:
                rows += [study_of(task, stopping, seed, trials, Path(folder)) for stopping in STOPPING]
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(
        f"{seeds} seeds of {trials} trials; means, and the seeds on which the winner is better or worse than without\n"
    )
    print("| task | stopping | epochs | of none | winner, validation | winner, held-out test | better, worse |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (task, stopping), row in summary(pd.DataFrame(rows)).iterrows():
        test = f"{row['test']:.4f} +- {row['spread'] / seeds**0.5:.4f}"
        print(
            f"| {task} | {stopping} | {row['epochs']:.0f} | {row['share']:.0%} | {row['validation']:.4f} | {test} "
            f"| {row['better']:.0f}, {row['worse']:.0f} |"
        )


if __name__ == "__main__":
    main()
