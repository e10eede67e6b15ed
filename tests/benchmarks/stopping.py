"""When to end a study: `python -m tests.benchmarks.stopping [--lcbench FOLDER] [--seeds 3] [--every N] [--json FILE]`.

Each study has 128 trials in 8 waves of 16, on the functions of `tests/benchmarks/search` and, with `--lcbench`, on real
tuning tasks without noise and with a noise of 2 points. They are run to their ends; each rule is asked after each wave
whether it would end the study there, and sees the same trials. All differences are true values of the trial that the
search recommends, as a share of what there is to gain: from the median of the first wave to the best value known.

Rules: `stop="worth"` and `stop="plateau"`; Optuna's terminator with its bound on the regret (Makarova et al. 2022,
"Automatic termination for hyperparameter optimization"), whose threshold is the true standard deviation of the noise,
or 1% of what there is to gain if that is more; the one with the expected minimum of the regret (Ishibashi et al. 2023,
"A stopping criterion for Bayesian optimization by the gap of expected minimum simple regrets") and its median error;
and every study cut after 6 of its 8 waves. Optuna's fit a process of their own, at up to seconds a wave, and run with
`--optuna`.
"""

import argparse
import json
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from caviar.records.stopping import LEAST_SHARE
from caviar.search import Budget, CoarseToFine
from caviar.search.forecast import Forecast
from caviar.space import Space
from caviar.space.scales import Array
from tests.benchmarks.search.problems import Problem, functions, lcbench

TRIALS, WIDTH = 128, 16
RIGHT = 0.01  # a study was rightly ended if going on would have gained no more than this share


class Moment(NamedTuple):
    """A study after one of its waves."""

    space: Space
    points: Array  # of all trials so far, (n, d)
    values: Array  # as measured, (n,)
    forecast: Forecast
    progress: float  # from the median of the first wave to the best expected value
    threshold: float  # the noise, or 1% of what there is to gain


Rule = Callable[[Moment], bool]


def is_not_worth_it(moment: Moment) -> bool:
    return moment.forecast.gain < LEAST_SHARE * moment.progress


def is_plateau(moment: Moment) -> bool:
    recent = 2 * WIDTH
    return len(moment.points) > recent and moment.forecast.late(-recent) < LEAST_SHARE * moment.progress


def is_late(moment: Moment) -> bool:
    return len(moment.points) >= 6 * WIDTH


RULES: dict[str, Rule] = {"worth": is_not_worth_it, "plateau": is_plateau, "6 of 8 waves": is_late}


def optuna_rules() -> dict[str, Rule]:
    """Return Optuna's terminators as rules."""
    import optuna
    from optuna import distributions as d
    from optuna import terminator as t

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)

    def study_of(moment: Moment) -> "optuna.Study":
        study, n = optuna.create_study(), moment.points.shape[1]
        axes: dict[str, d.BaseDistribution] = {f"x{j}": d.FloatDistribution(0, 1) for j in range(n)}
        for point, value in zip(moment.points.tolist(), moment.values.tolist(), strict=True):
            if np.isfinite(value):
                params = dict(zip(axes, point, strict=True))
                study.add_trial(optuna.create_trial(params=params, distributions=axes, value=value))
        return study

    def bound(moment: Moment) -> bool:
        error = t.StaticErrorEvaluator(moment.threshold)
        return t.Terminator(t.RegretBoundEvaluator(), error, min_n_trials=WIDTH).should_terminate(study_of(moment))

    def expected_minimum(moment: Moment) -> bool:
        evaluator = t.EMMREvaluator(seed=0)
        return t.Terminator(evaluator, t.MedianErrorEvaluator(evaluator), min_n_trials=WIDTH).should_terminate(
            study_of(moment)
        )

    return {"Optuna, regret bound": bound, "Optuna, expected minimum": expected_minimum}


def replay(problem: Problem, seed: int, rules: dict[str, Rule]) -> Iterator[dict[str, object]]:
    """Run one study to its end, and yield what each rule would have made of it."""
    own = zlib.crc32(f"{problem.name}, {seed}".encode())
    search = CoarseToFine(problem.space, Budget(TRIALS, [WIDTH] * (TRIALS // WIDTH), own))
    generator = np.random.default_rng((own, 1))
    points, values, true = np.empty((0, problem.space.dimension)), np.empty(0), []
    ended: dict[str, int] = {}  # by rule, after which wave
    room = 1.0
    while not search.done:
        batch = search.ask(WIDTH)
        measured = problem.measure(batch, generator)
        search.tell(batch, measured)
        points, values = np.concatenate([points, batch]), np.concatenate([values, measured])
        true.append(float(problem.true(search.recommend()[None])[0]))
        median = float(np.nanmedian(values[:WIDTH]))
        room = median - problem.best
        forecast = None if search.done else search.forecast(search.ask(WIDTH))
        if forecast is not None:
            progress = max(median - forecast.best, 0.0)
            threshold = max(problem.noise, LEAST_SHARE * room)
            moment = Moment(problem.space, points, values, forecast, progress, threshold)
            for name, rule in rules.items():
                if name not in ended and rule(moment):
                    ended[name] = len(true)
    for name in rules:
        wave = ended.get(name, len(true))
        lost = (true[wave - 1] - true[-1]) / room
        row = {"rule": name, "family": problem.family, "problem": problem.name, "seed": seed}
        yield {**row, "ended": wave < len(true), "saved": 1 - wave / len(true), "lost": lost, "right": lost <= RIGHT}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per rule and family: shares of studies and trials, and regret."""
    early = rows[rows["ended"]].groupby(["rule", "family"], sort=False)["right"].mean()
    table = rows.groupby(["rule", "family"], sort=False).agg(
        studies=("ended", "size"),
        ended=("ended", "mean"),
        saved=("saved", "mean"),
        lost=("lost", "mean"),
        error=("lost", "sem"),
    )
    return table.assign(right=early)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th problem")
    parser.add_argument("--lcbench", help="the folder of the LCBench surrogate")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--optuna", action="store_true", help="Optuna's terminators too")
    parser.add_argument("--json", type=Path, help="write a record per study and rule")
    options = parser.parse_args()
    rules = {**RULES, **(optuna_rules() if options.optuna else {})}
    rows: list[dict[str, object]] = []
    with threadpool_limits(1):
        for seed in range(options.seeds):
            tasks = [p for p in lcbench(options.lcbench) if p.noise <= 2] if options.lcbench else []
            for problem in (tasks + functions(seed))[:: options.every]:
                rows += replay(problem, seed, rules)
                if options.json:
                    options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print("| rule | family | studies | ended early | rightly | trials saved | regret lost |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (rule, family), row in summary(pd.DataFrame(rows)).iterrows():
        right = "" if np.isnan(row["right"]) else f"{row['right']:.0%}"
        lost = f"{row['lost']:.2%} +- {row['error']:.2%}"
        print(
            f"| {rule} | {family} | {row['studies']:.0f} | {row['ended']:.0%} | {right} | {row['saved']:.0%} | {lost} |"
        )


if __name__ == "__main__":
    main()
