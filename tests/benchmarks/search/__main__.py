"""Compare searches: `python -m tests.benchmarks.search [--quick] [--lcbench FOLDER] [--json FILE]`.

Caviar, random, Sobol' and Optuna's samplers get the same numbers of trials at the same parallel width. Prints
normalised regret, points lost, cost, and the share of wins with intervals; budgets are trials x parallel width. Writes
all records to search.csv, the figures to figures.csv and wins.csv, and a picture to search.svg in the folder of
`--out`. Records already in search.csv are not run again, so a long benchmark can be stopped and resumed, and
`--seeds 0` only prints.
"""

import argparse
import csv
import json
import time
import warnings
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from tests.benchmarks.search.bbob import bbob
from tests.benchmarks.search.figures import BATCHED, summary, wins
from tests.benchmarks.search.mixed import mixed
from tests.benchmarks.search.picture import draw
from tests.benchmarks.search.problems import Problem, functions, lcbench
from tests.benchmarks.search.race import BUDGETS, METHODS, Record, race
from tests.benchmarks.search.tables import tables

DEFAULT = ("Caviar", "TPE sequential", "TPE", "CMA-ES", "Sobol'", "random")
STANDARD = " ".join(f"{trials}x{width}" for trials, width in BUDGETS)


def main() -> None:
    """Run the benchmark and print its figures."""
    warnings.filterwarnings("ignore", module="sklearn|scipy.stats")
    options = _options()
    path = Path(options.out) / "search.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):
        run(options, path)
    records = pd.read_csv(path)
    table, shares = summary(records), wins(records)
    suites = records["family"].replace(dict.fromkeys(BATCHED, "b and c")).replace(r"^bbob .*", "bbob", regex=True)
    pooled = summary(records.assign(family=suites)[suites.isin(["b and c", "bbob"])])
    report(table, pooled, shares)
    pd.concat([table, pooled]).round(4).to_csv(path.with_name("figures.csv"), index=False)
    shares.round(4).to_csv(path.with_name("wins.csv"), index=False)
    draw(table, path.with_suffix(".svg"))
    if options.json:
        flat = [*table.to_dict("records"), *pooled.to_dict("records"), *shares.to_dict("records")]
        Path(options.json).write_text(json.dumps(flat, indent=1) + "\n")


def run(options: argparse.Namespace, path: Path) -> None:
    """Race every method on every problem, seed by seed, appending records to the CSV file."""
    done = set()
    if path.exists():
        records = pd.read_csv(path)
        done = set(records[["method", "problem", "seed", "trials", "width"]].itertuples(index=False, name=None))
    else:
        path.write_text(",".join(Record._fields) + "\n")
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for method in options.methods.split(","):
            started, count = time.perf_counter(), 0
            for problem in problems(options, seed):
                budgets = tuple(
                    budget for budget in options.budgets if (method, problem.name, seed, *budget) not in done
                )
                results = race(method, problem, seed, budgets) if budgets else []
                with path.open("a", newline="") as file:
                    csv.writer(file).writerows(results)
                count += sum(record.trials for record in results)
            if count:
                spent = time.perf_counter() - started
                print(f"seed {seed}, {method}: {spent:.0f} s, {1000 * spent / count:.1f} ms per trial", flush=True)


def problems(options: argparse.Namespace, seed: int) -> list[Problem]:
    """Return the problems of one seed in the selected families."""
    selected = []
    if "b" in options.families:
        selected += functions(seed)[:: 4 if options.quick else 1]
    if "c" in options.families:
        selected += tables()
    if options.lcbench and "a" in options.families:
        tasks = lcbench(options.lcbench)[:: 4 if options.quick else 1]
        selected += [task for task in tasks if f"a{task.noise:g}" in options.families] or tasks
    if "d" in options.families:
        selected += bbob(seed)[:: 4 if options.quick else 1]
    if "e" in options.families:
        selected += mixed(seed)[:: 4 if options.quick else 1]
    return selected


def report(table: pd.DataFrame, pooled: pd.DataFrame, shares: pd.DataFrame) -> None:
    """Print the figures: regret of each method by family and budget, then Caviar's wins."""
    pd.options.display.width, pd.options.display.max_columns, pd.options.display.max_rows = 160, 20, 500
    print("\nNormalised regret (0 the best known, 1 the median of random)")
    print(_wide(table, "regret"))
    print("\nNormalised regret over functions and trainings (b and c), and over all of bbob")
    print(_wide(pooled, "regret"))
    print("\nLoss on LCBench against the best of 20,000 random configurations, points of accuracy")
    print(_wide(table[table["family"].str.startswith("lcbench")], "loss"))
    print("\nMilliseconds of CPU to ask and tell, for each trial")
    print(_wide(table, "milliseconds"))
    print("\nSeeds")
    print(table.pivot_table(index="method", columns="family", values="seeds", aggfunc="min"))
    if shares.empty:
        return
    print("\nShare of races that Caviar wins, with 95% intervals over problems")
    text = shares.apply(lambda row: f"{row.wins:.2f} [{row.low:.2f}, {row.high:.2f}]", axis=1)
    by_peer = {"index": ["family", "trials", "width"], "columns": "peer"}
    print(shares.assign(text=text).pivot(values="text", **by_peer).fillna("").to_string())
    print("\nPoints of accuracy on LCBench that Caviar is ahead, in the same races")
    ahead = shares.dropna(subset="ahead").pivot(values="ahead", **by_peer)
    print(ahead.round(2).to_string())


def _wide(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.pivot(index="method", columns=["family", "trials", "width"], values=column).round(2).T


def _budget(text: str) -> tuple[int, int]:
    trials, width = text.split("x")
    return int(trials), int(width)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fourth of the problems")
    parser.add_argument("--lcbench", metavar="FOLDER", help="holds lcbench.py and its model, for family a")
    parser.add_argument("--json", metavar="FILE", help="write the figures as flat records")
    parser.add_argument("--out", metavar="FOLDER", default="runs/search-benchmark", help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--first-seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--methods", default=",".join(DEFAULT), help=f"default: %(default)s; all: {','.join(METHODS)}")
    parser.add_argument(
        "--budgets", type=_budget, nargs="+", metavar="NxB", default=BUDGETS, help=f"default: {STANDARD}"
    )
    parser.add_argument(
        "--families",
        default="abc",
        help="a (LCBench; a0, a2, a5: only with this noise), b (functions), c (trainings), d (bbob), e (mixed)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
