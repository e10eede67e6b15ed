"""Computes figures from the records of races: normalised regret, mean rank, share of wins with intervals."""

from typing import Any

import numpy as np
import pandas as pd

FAMILIES = ("functions", "trainings", "lcbench noise 0", "lcbench noise 2", "lcbench noise 5")
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
    """Return mean regret, rank and loss and the number of seeds by family, budget (trials x width) and method.

    Means are over problems of the mean over seeds; ranks count only races that all methods ran.
    """
    table = regrets(records)
    keys = ["family", "trials", "width", "problem", "seed"]
    methods = table.groupby("family")["method"].transform("nunique")
    complete = table.groupby(keys)["method"].transform("nunique") == methods
    table["rank"] = table[complete].groupby(keys)["value"].rank()
    by_problem = table.groupby(["family", "trials", "width", "method", "problem"], as_index=False).agg(
        regret=("regret", "mean"),
        rank=("rank", "mean"),
        loss=("loss", "mean"),
        milliseconds=("seconds", lambda seconds: 1000 * seconds.mean()),
        seeds=("seed", "nunique"),
    )
    grouped = by_problem.groupby(["family", "trials", "width", "method"], as_index=False)
    return grouped.agg(
        regret=("regret", "mean"),
        rank=("rank", "mean"),
        loss=("loss", "mean"),
        milliseconds=("milliseconds", "mean"),
        problems=("problem", "nunique"),
        seeds=("seeds", "min"),
    )


def wins(records: pd.DataFrame, method: str = "Caviar") -> pd.DataFrame:
    """Return the share of races that `method` wins against each rival, with 95% bootstrap intervals over problems.

    A tie counts half. Rows for each family and budget, for functions and trainings together ("b and c"), and for
    everything ("all"); trials 0 stands for all budgets.
    """
    table = regrets(records).set_index(["family", "trials", "width", "problem", "seed"])
    own = table.loc[table["method"] == method, "value"]
    rows: list[dict[str, Any]] = []
    for peer in [name for name in table["method"].unique() if name != method]:
        other = table.loc[table["method"] == peer, "value"]
        both = pd.concat([own, other], axis=1, keys=["own", "other"], join="inner").reset_index()
        both["win"] = np.where(both["own"] == both["other"], 0.5, both["own"] < both["other"])
        groups = {family: both[both["family"] == family] for family in FAMILIES}
        groups |= {"b and c": both[both["family"].isin(BATCHED)], "all": both}
        for name, group in groups.items():
            budgets = {(int(trials), int(width)): rest for (trials, width), rest in group.groupby(["trials", "width"])}
            for (trials, width), races in [*budgets.items(), ((0, 0), group)]:
                if len(races):
                    share, low, high = _interval(races.groupby(["family", "problem"])["win"].mean().to_numpy())
                    row = {"family": name, "trials": trials, "width": width, "peer": peer}
                    rows.append(row | {"wins": share, "low": low, "high": high, "races": len(races)})
    return pd.DataFrame(rows)


def _interval(shares: np.ndarray) -> tuple[float, float, float]:
    """Return the mean over problems, and its 95% interval by resampling problems."""
    generator = np.random.default_rng(0)
    means = shares[generator.integers(len(shares), size=(RESAMPLES, len(shares)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(shares.mean()), float(low), float(high)
