"""Computes figures from the records of races: normalised regret, points lost, share of wins with intervals."""

from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.search.bbob import GROUPS

FAMILIES = (
    *("functions", "trainings", "lcbench noise 0", "lcbench noise 2", "lcbench noise 5"),
    *(f"bbob {group}" for group in GROUPS),
    "mixed",
)
BATCHED = ("functions", "trainings")
RESAMPLES = 1000
HIGHEST = 3.0


def regrets(records: pd.DataFrame) -> pd.DataFrame:
    """Return the records with a column `regret`: 0 the best known, 1 the median of random at that budget.

    Args:
        records: one row per `Record`; the best known is the lower of `best` and the best of any method.

    Regrets are clipped to `HIGHEST`, or a single lost race would outweigh all others. They are NaN if random's
    median is the best known, because there is nothing to compare.
    """
    records = records.copy()
    records["value"] = records["value"].fillna(np.inf)
    best = np.minimum(records["best"], records.groupby("problem")["value"].transform("min"))
    random = records[records["method"] == "random"].groupby(["problem", "trials"])["value"].median()
    median = random.reindex(pd.MultiIndex.from_frame(records[["problem", "trials"]])).to_numpy()
    apart = np.where(median - best > 1e-9, median - best, np.nan)
    records["regret"] = np.minimum((records["value"] - best) / apart, HIGHEST)
    records["loss"] = records["value"] - records["best"]
    return records


def summary(records: pd.DataFrame) -> pd.DataFrame:
    """Return mean regret and loss, the cost and the number of seeds by family, budget (trials x width) and method.

    Means are over problems of the mean over seeds.
    """
    by_problem = (
        regrets(records)
        .groupby(["family", "trials", "width", "method", "problem"], as_index=False)
        .agg(
            regret=("regret", "mean"),
            loss=("loss", "mean"),
            milliseconds=("seconds", lambda seconds: 1000 * seconds.mean()),
            seeds=("seed", "nunique"),
        )
    )
    grouped = by_problem.groupby(["family", "trials", "width", "method"], as_index=False)
    return grouped.agg(
        regret=("regret", "mean"),
        loss=("loss", "mean"),
        milliseconds=("milliseconds", "mean"),
        problems=("problem", "nunique"),
        seeds=("seeds", "min"),
    )


def wins(records: pd.DataFrame, method: str = "Caviar") -> pd.DataFrame:
    """Return the share of races that `method` wins against each rival, with 95% bootstrap intervals over problems.

    A tie counts half. `ahead` is the mean number of points of accuracy that `method` is ahead, on LCBench, where a task
    is one problem whatever its noise. Rows for each family and budget, for functions and trainings together
    ("b and c"), for all of LCBench ("lcbench") and of bbob ("bbob"), and for everything ("all"); trials 0 stands for
    all budgets.
    """
    table = regrets(records).set_index(["family", "trials", "width", "problem", "seed"])
    own = table.loc[table["method"] == method, "value"]
    rows: list[dict[str, Any]] = []
    for peer in [name for name in table["method"].unique() if name != method]:
        other = table.loc[table["method"] == peer, "value"]
        both = pd.concat([own, other], axis=1, keys=["own", "other"], join="inner").reset_index()
        both["win"] = np.where(both["own"] == both["other"], 0.5, both["own"] < both["other"])
        both["task"] = both["problem"].str.replace(r"-noise\d+$", "", regex=True)
        groups = {family: both[both["family"] == family] for family in FAMILIES}
        groups["b and c"] = both[both["family"].isin(BATCHED)]
        groups |= {suite: both[both["family"].str.startswith(suite)] for suite in ("lcbench", "bbob")}
        groups["all"] = both
        for name, group in groups.items():
            budgets = {(int(trials), int(width)): rest for (trials, width), rest in group.groupby(["trials", "width"])}
            for (trials, width), races in [*budgets.items(), ((0, 0), group)]:
                if len(races):
                    share, low, high = _interval(races.groupby("task")["win"].agg(["sum", "count"]).to_numpy())
                    row = {"family": name, "trials": trials, "width": width, "peer": peer}
                    ahead = (races["other"] - races["own"]).mean() if name.startswith("lcbench") else np.nan
                    rows.append(row | {"wins": share, "low": low, "high": high, "ahead": ahead, "races": len(races)})
    return pd.DataFrame(rows)


def _interval(won: np.ndarray) -> tuple[float, float, float]:
    """Return the share of races won, and its 95% interval by resampling problems.

    Args:
        won: for each problem, the number of races won and of all races, shape (n, 2).
    """
    generator = np.random.default_rng(0)
    won_of = won[generator.integers(len(won), size=(RESAMPLES, len(won)))].sum(axis=1)
    low, high = np.quantile(won_of[:, 0] / won_of[:, 1], [0.025, 0.975])
    return float(won[:, 0].sum() / won[:, 1].sum()), float(low), float(high)
