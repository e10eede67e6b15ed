"""A whole job from process start to the winner: `python -m tests.benchmarks.whole_job [--trials 64 256] [--seeds 3]`.

The digits, 20 epochs a trial, two workers, one thread each. The contenders take turns on one machine, each in a new
process: the seconds to the first finished trial and to the winner, as medians and as ratios to the peers', and the
winner's accuracy on rows that no contender has seen.
"""

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from tests.benchmarks.whole_job.clock import environment

CONTENDERS = {
    "Caviar": "caviar_job",
    "scikit-learn": "scikit_learn",
    "Optuna and PyTorch": "optuna_job",
    "Ray Tune and PyTorch": "ray_tune",
}
PACKAGES = ("scikit-learn", "optuna", "ray", "torch")


def measure(contender: str, trials: int, seed: int) -> dict[str, object]:
    """Run one contender in a process of its own, and return what it printed, with the whole time."""
    with tempfile.TemporaryDirectory() as folder:
        module = f"tests.benchmarks.whole_job.{CONTENDERS[contender]}"
        command = [sys.executable, "-m", module, str(trials), str(seed), folder]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{contender} failed:\n{done.stderr[-3000:]}")
        line = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{"))
    return {"contender": contender, "trials": trials, "seed": seed, **json.loads(line)}


def table(records: pd.DataFrame) -> str:
    """Return the medians in Markdown; a ratio is the median of Caviar's time by the contender's of the same seed."""
    lines = ["| trials | contender | first trial | winner | Caviar's time / its | held-out accuracy |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for trials, group in records.groupby("trials"):
        own = group[group["contender"] == "Caviar"].set_index("seed")
        for contender, rows in group.groupby("contender", sort=False):
            by_seed = rows.set_index("seed")
            ratio = (own["winner"] / by_seed["winner"]).median()
            median = by_seed[["first", "winner", "accuracy"]].median()
            lines.append(
                f"| {trials} | {contender} | {median['first']:.1f} s | {median['winner']:.1f} s | {ratio:.2f} | "
                f"{median['accuracy']:.3f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", type=Path, help="write the records")
    options = parser.parse_args()
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES)
    print(f"Python {sys.version.split()[0]}, {versions}\n")
    records = pd.DataFrame(
        measure(contender, trials, seed)
        for trials in options.trials
        for seed in range(options.seeds)
        for contender in options.contenders
    )
    print(table(records))
    if options.json:
        records.to_json(options.json, orient="records", indent=1)


if __name__ == "__main__":
    main()
