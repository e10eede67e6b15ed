"""What coarse to fine reaches on the digits: `python -m tests.benchmarks.digits [--seeds 5] [--json FILE]`.

For each study seed, 32 coarse and 32 fine trials of the default space: the median validation accuracy of each wave,
and the held-out test accuracy of the study's winner.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import caviar
from caviar.fleet.cluster import connection
from caviar.fleet.placement import Placement


def study_of(seed: int, folder: Path) -> dict[str, float]:
    """Run one study, and return its figures."""
    study = caviar.Study("digits", trials=64, waves=[32, 32], seed=seed, out=folder / str(seed))
    table = study.run(progress=False)
    coarse, fine = (table[table["wave"] == wave]["val_accuracy"].median() for wave in (1, 2))
    best = study.best
    return {
        "seed": seed,
        "coarse_median": coarse,
        "fine_median": fine,
        "winner_val_accuracy": best.metrics["val_accuracy"],
        "winner_test_accuracy": study.outcome.test.metrics["test_accuracy"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, connection(Placement()):
        rows = [study_of(seed, Path(folder)) for seed in range(arguments.seeds)]
    print("| study seed | coarse median | fine median | winner, validation | winner, held-out test |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        print(f"| {row['seed']:.0f} | " + " | ".join(f"{value:.4f}" for value in list(row.values())[1:]) + " |")
    won = sum(row["fine_median"] > row["coarse_median"] for row in rows)
    mean = statistics.fmean(row["winner_test_accuracy"] for row in rows)
    print(f"\nfine beats coarse in {won} of {len(rows)} studies; the winners' mean test accuracy is {mean:.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
