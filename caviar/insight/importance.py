"""Which hyperparameters mattered: how much of the variation of the metric each one explains.

Functional ANOVA on a random forest (Hutter, Hoos and Leyton-Brown 2014): every tree is a function that is
constant on boxes, so its variance over a region, and the part of it due to one hyperparameter or to a pair,
are exact sums over its leaves. Trials need not be spread evenly: the forest is averaged over the region, not
over the trials, so a study that zoomed in is no obstacle. Hyperparameters are measured on their own scales.

Checked against functions whose shares are known (tests/insight/test_importance.py), by the part of Optuna's published
suite for importance evaluators that applies (tests/insight/test_optuna_suite.py), and on the same random trials against
Optuna 5's evaluators, three seeds each (`python -m tests.benchmarks.importance`). Spearman's rank correlation with its
fANOVA: 1.00, 0.77, 1.00 on a sum of six, three of which do nothing, 1.00 each on Ishigami's function and on Sobol's g,
and 0.83, 0.83, 1.00 on 96 trials of the digits network; shares differ by at most 0.06 on the functions and 0.19 on the
digits, since leaves of one trial fit noise and ours hold three. PED-ANOVA (Watanabe et al. 2023) asks another question,
what sets the best tenth apart, and agrees less: 0.49 to 0.83, -0.50 to 0.50, 0.40 to 0.80, and 0.49 to 0.71.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar._checks import import_optional
from caviar.errors import InputError
from caviar.insight.figures.axes import bounds, coordinates
from caviar.space.scales import Array
from caviar.study.study import Study

FEWEST = 8  # trials below which a forest is no evidence
MOST = 1000  # trials that the forest is grown on; more are drawn from at random
TREES, LEAF = 64, 3
RESAMPLES, RESAMPLED_TREES = 30, 12  # bootstrap: so many forests of so many trees
CONFIDENCE = 1.96  # standard deviations: 95% of a normal distribution
FAR = 10.0  # values further than so many interquartile ranges of the first wave beyond its worse quartile are that far
MARGIN = 0.02  # shares closer than this are no disagreement


def importance(study: Study, seed: int = 0) -> pd.DataFrame:
    """How much of the variation of the metric each hyperparameter explains, the most important first.

    Trials that diverged count as the worst finished value, those stopped early with what they had reached; failed
    and timed-out ones, and those of a confirming wave, are left out. Shares of
    one hyperparameter alone (first order) sum to at most 1; what is missing is explained by several together.

    Args:
        study: with at least 8 trials that finished or diverged.
        seed: of the forest and of the resampling.

    Returns:
        A row a hyperparameter: its tier; `share` of the variance over the whole space, alone, with its 95%
        interval `low`, `high` (bootstrap over trials; normal interval, Efron and Tibshirani 1993,
        section 13.3); its strongest `partner`, and the share that both explain only together, `interaction`;
        `square_share` with `square_low`, `square_high`: alone, inside the square of the last wave,
        from the trials in it (empty where they are fewer than 8); and `disagreement`: a sentence where a less
        prior tier mattered more than a more prior one. In `attrs`: `trials`, and `fit`, the share of the variance
        that the forest predicts for trials that it has not seen.

    Raises:
        InputError: too few trials, or scikit-learn is not installed.
    """
    space = study.space
    table = usable(study.table, study.settings.metric, study.settings.mode)
    if len(table) < FEWEST:
        raise InputError(f"importance needs {FEWEST} trials that finished or diverged, this study has {len(table)}")
    points = np.nan_to_num(coordinates(table, space), nan=0.5)  # as Space.snap: what is not in force is at 0.5
    values = table[study.settings.metric].to_numpy(float)
    whole = np.tile([[0.0], [1.0]], space.dimension)
    corners = bounds(study.square, space)
    inside = ((points >= corners[0]) & (points <= corners[1])).all(axis=1)
    everywhere, fit = measured(points, values, whole, seed)
    square, _ = measured(points[inside], values[inside], corners, seed)
    rows = [
        {
            "hyperparameter": dimension.name,
            "tier": dimension.hyperparameter.tier,
            "share": everywhere.alone[j],
            "low": everywhere.low[j],
            "high": everywhere.high[j],
            **_partner(everywhere, j, space.dimensions),
            "square_share": square.alone[j],
            "square_low": square.low[j],
            "square_high": square.high[j],
        }
        for j, dimension in enumerate(space.dimensions)
    ]
    found = pd.DataFrame(rows).sort_values("share", ascending=False, kind="stable", ignore_index=True)
    found["disagreement"] = pd.array([_disagreement(row, rows) for row in found.to_dict("records")], dtype="str")
    found.attrs |= {"trials": len(table), "fit": fit}
    return found


def usable(table: pd.DataFrame, metric: str, mode: str) -> pd.DataFrame:
    """The trials that tell of the metric, with outliers on the bad side drawn in; see `FAR`."""
    if metric not in table:
        return table.iloc[:0]
    sign = 1.0 if mode == "min" else -1.0
    searched = table["confirms"].isna() if "confirms" in table else True  # replicates would count one place often
    table = table[table["state"].isin(["finished", "stopped", "diverged"]) & searched].copy()
    values = sign * table[metric].to_numpy(float)
    finite = np.isfinite(values) & (table["state"] != "diverged").to_numpy(bool)
    if not finite.any():
        return table.iloc[:0]
    first = finite & (table["wave"] == table["wave"].min()).to_numpy(bool)  # spread over the whole space
    quarter, worse = np.quantile(values[first if first.sum() >= FEWEST / 2 else finite], [0.25, 0.75])
    values = np.where(finite, values, values[finite].max())
    if worse > quarter:
        values = np.minimum(values, worse + FAR * (worse - quarter))
    table[metric] = sign * values
    return table


@dataclass(frozen=True)
class Shares:
    """Of one region: each coordinate's share of the variance alone, (d,), its interval, and of pairs, (d, d)."""

    alone: Array
    low: Array
    high: Array
    pairs: Array


def measured(points: Array, values: Array, region: Array, seed: int) -> tuple[Shares, float]:
    """The shares over a region, and how well the forest predicts; NaN where too few trials lie in it.

    Args:
        points: shape (n, d), all inside the region. values: shape (n,).
        region: lower and upper corner, shape (2, d).
        seed: of forest and resampling.
    """
    d = points.shape[1]
    if len(points) < FEWEST:
        unknown = np.full(d, np.nan)
        return Shares(unknown, unknown, unknown, np.zeros((d, d))), 0.0
    generator = np.random.default_rng(seed)
    if len(points) > MOST:
        chosen = generator.choice(len(points), MOST, replace=False)
        points, values = points[chosen], values[chosen]
    trees, fit = grown(points, values, TREES, seed)
    alone, pairs = shares(trees, region)
    resampled = []
    for resample in range(RESAMPLES):
        rows = generator.integers(len(points), size=len(points))
        forest, _ = grown(points[rows], values[rows], RESAMPLED_TREES, seed + resample + 1)
        resampled.append(shares(forest, region)[0])
    half = CONFIDENCE * np.std(resampled, axis=0, ddof=1)
    return Shares(alone, np.clip(alone - half, 0, 1), np.clip(alone + half, 0, 1), pairs), fit


def grown(points: Array, values: Array, count: int, seed: int) -> tuple[list[Any], float]:
    """A random forest as its trees, each (lower corners, upper corners, values) of the leaves; and its fit."""
    ensemble = import_optional("sklearn.ensemble", "importance", "report")
    out_of_bag = count == TREES
    forest = ensemble.RandomForestRegressor(count, min_samples_leaf=LEAF, random_state=seed, oob_score=out_of_bag)
    if np.ptp(values) == 0:
        return [], 0.0
    forest.fit(points, values)
    return [leaves(tree.tree_, points.shape[1]) for tree in forest.estimators_], getattr(forest, "oob_score_", 0.0)


def leaves(tree: Any, dimension: int) -> tuple[Array, Array, Array]:
    """The boxes on which a tree is constant: lower and upper corners, (leaves, d), and values, (leaves,)."""
    low, high = np.zeros((2, tree.node_count, dimension))
    high += 1.0
    for node in range(tree.node_count):  # a parent always stands before its children
        j, threshold = tree.feature[node], tree.threshold[node]
        if j >= 0:
            left, right = tree.children_left[node], tree.children_right[node]
            low[[left, right]], high[[left, right]] = low[node], high[node]
            high[left, j] = low[right, j] = threshold
    ends = tree.feature < 0
    return low[ends], high[ends], tree.value[ends, 0, 0]


def shares(trees: list[Any], region: Array) -> tuple[Array, Array]:
    """The mean over trees of each coordinate's share of the variance, (d,), and of each pair's, (d, d)."""
    d = region.shape[1]
    found = [decomposed(low, high, values, region) for low, high, values in trees]
    kept = [share for share in found if share is not None]
    if not kept:
        return np.zeros(d), np.zeros((d, d))
    return np.mean([alone for alone, _ in kept], axis=0), np.mean([pairs for _, pairs in kept], axis=0)


def decomposed(low: Array, high: Array, values: Array, region: Array) -> tuple[Array, Array] | None:
    """One tree's functional ANOVA over a region; None where it is constant there.

    With w the volumes of the leaves: mean = w v; variance V = w (v - mean)^2; the marginal of coordinate j in
    cell c is a_j(c) = sum over leaves that cover c of w v / side_j, less the mean (Hutter et al. 2014, alg. 2);
    V_j = sum of |c| a_j(c)^2; and of a pair, V_jk = sum of |c| |c'| a_jk(c, c')^2 - V_j - V_k.
    """
    low, high = np.clip(low, *region), np.clip(high, *region)
    sides = (high - low) / np.maximum(region[1] - region[0], 1e-300)
    volumes = sides.prod(axis=1)
    there = volumes > 0
    low, high, sides, volumes, values = low[there], high[there], sides[there], volumes[there], values[there]
    weighed = volumes * (values - volumes @ values)
    variance = float(weighed @ (values - volumes @ values))
    if variance <= 1e-12 * float(np.abs(values).max(initial=0.0)) ** 2:
        return None
    covers: list[Array] = []
    cells: list[Array] = []
    for j in range(region.shape[1]):
        edges = np.unique(np.concatenate([low[:, j], high[:, j]]))
        middles = ((edges[1:] + edges[:-1]) / 2)[:, None]
        inside: NDArray[np.bool_] = (low[:, j] <= middles) & (middles < high[:, j])
        covers.append(inside / sides[:, j])
        cells.append(np.diff(edges) / (region[1, j] - region[0, j]))
    alone = np.array([cell @ (cover @ weighed) ** 2 for cell, cover in zip(cells, covers, strict=True)])
    pairs = np.zeros((len(cells), len(cells)))
    for j, k in combinations(range(len(cells)), 2):
        marginal = (covers[j] * weighed) @ covers[k].T
        pairs[j, k] = pairs[k, j] = max(0.0, cells[j] @ marginal**2 @ cells[k] - alone[j] - alone[k])
    return alone / variance, pairs / variance


def _partner(shares: Shares, j: int, dimensions: Any) -> dict[str, Any]:
    if len(dimensions) == 1:
        return {"partner": "", "interaction": 0.0}
    partner = int(np.argmax(np.where(np.arange(len(dimensions)) == j, -1.0, shares.pairs[j])))
    return {"partner": dimensions[partner].name, "interaction": shares.pairs[j, partner]}


def _disagreement(row: Mapping[Any, Any], rows: list[dict[str, Any]]) -> str:
    """Which hyperparameter of a more prior tier explains less; "clearly" where the intervals do not touch."""
    outdone = [other for other in rows if other["tier"] < row["tier"] and other["share"] + MARGIN < row["share"]]
    if not outdone:
        return ""
    least = min(outdone, key=lambda other: (other["tier"], other["share"]))
    clearly = "clearly" if row["low"] > least["high"] else "perhaps"
    return f"tier {row['tier']}, yet {clearly} more than {least['hyperparameter']} (tier {least['tier']})"
