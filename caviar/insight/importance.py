"""Which hyperparameters mattered: how much of the metric's variance each one explains.

The shares come from a functional ANOVA on a random forest (`caviar.insight.functional_anova`). Trials need not be
spread evenly: the forest is averaged over the region, not over the trials, so zooming in does not distort the shares.
Hyperparameters are measured on their own scales.

Checked against functions with known shares and with Optuna's test suite for importance evaluators (tests/insight), and
compared with Optuna's evaluators on the same trials (`python -m tests.benchmarks.importance`).
"""

import numpy as np
import pandas as pd

from caviar.errors import InputError
from caviar.insight.ends import ends
from caviar.insight.estimate import Z_95
from caviar.insight.figures.axes import coordinates, square_corners
from caviar.insight.figures.metric import LARGEST
from caviar.insight.functional_anova import fit_forest, forest_shares
from caviar.records.outcome import AnyStudy, Outcome, outcome_of
from caviar.records.trial import State
from caviar.space.scales import Array

MIN_TRIALS = 8  # with fewer trials a forest is unreliable
MAX_TRIALS = 1000  # with more, the forest is fitted to a random sample
TREES = 64
BOOTSTRAPS, BOOTSTRAP_TREES = 30, 12  # forests of the bootstrap, and trees in each
OUTLIER_REACH = 10.0  # values are clipped this many interquartile ranges beyond the first wave's worse quartile
MARGIN = 0.02  # smaller differences between shares do not count as disagreement
SCORED = (State.FINISHED, State.STOPPED, State.DIVERGED)


def importance(study: AnyStudy, seed: int = 0) -> pd.DataFrame:
    """Return how much of the metric's variance each hyperparameter explains, the most important first.

    Diverged trials count as the worst finished value, and trials stopped early as the end that was predicted for them,
    or else as what they had reached; failed and timed-out trials, and those of a confirming wave, are left out. Shares
    of one hyperparameter alone (first order) sum to at most 1; interactions of several explain the rest.

    Args:
        study: a study, its outcome or its folder, with at least 8 trials that finished, diverged or were stopped early.
        seed: the seed of the forest and the bootstrap.

    Returns:
        A row for each hyperparameter: its tier; `share` of the variance over the whole space, alone, with its 95%
        interval `low`, `high` (bootstrap over trials; normal interval, Efron and Tibshirani 1993,
        section 13.3); its strongest `partner`, and `interaction`, the share that only the two together explain;
        `square_share` with `square_low`, `square_high`: alone, inside the square of the last wave, from the
        trials in it (NaN if there are fewer than 8); and `disagreement`: a sentence if a hyperparameter of a
        later tier mattered more than one of an earlier tier. In `attrs`: `trials`, the number of trials, and `fit`, the
        share of the variance of unseen trials that the forest predicts.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=8, epochs=1, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> importance(study.outcome).columns[:4].tolist()
    ['hyperparameter', 'tier', 'share', 'low']
    """
    outcome = outcome_of(study)
    space, objective = outcome.space, outcome.settings.objective
    table = scored_trials(outcome)
    if len(table) < MIN_TRIALS:
        raise InputError(
            f"importance needs at least {MIN_TRIALS} trials that finished, diverged or were stopped early, "
            f"got {len(table)}; try a study with more trials"
        )
    points = np.nan_to_num(coordinates(table, space), nan=0.5)  # like Space.snap: inactive coordinates are 0.5
    values = table[objective.metric].to_numpy(float)
    cube = np.tile([[0.0], [1.0]], space.dimension)
    corners = square_corners(outcome.square, space)
    inside = ((points >= corners[0]) & (points <= corners[1])).all(axis=1)
    whole, pairs, fit = _estimate(points, values, cube, seed)
    square = whole
    if not (corners == cube).all():
        square, _, _ = _estimate(points[inside], values[inside], corners, seed)
    names = [dimension.name for dimension in space.dimensions]
    tiers = [dimension.hyperparameter.tier for dimension in space.dimensions]
    pairs = np.where(np.eye(len(names), dtype=bool), -1.0, pairs)  # without pairs of a coordinate with itself
    table = pd.DataFrame({"hyperparameter": names, "tier": tiers}).join(whole)
    table["partner"] = [names[k] for k in pairs.argmax(axis=1)] if len(names) > 1 else [""]
    table["interaction"] = np.maximum(pairs.max(axis=1), 0.0)
    table = table.join(square.add_prefix("square_"))
    table = table.sort_values("share", ascending=False, kind="stable", ignore_index=True)
    table["disagreement"] = pd.array(_disagreements(table), dtype="str")
    table.attrs |= {"trials": len(points), "fit": fit}
    return table


def scored_trials(outcome: Outcome) -> pd.DataFrame:
    """Return the rows of `Outcome.table` that are informative about the metric; none if no value is finite.

    The metric is what `ends` returns; a trial that diverged gets the worst finite value. Values more than
    `OUTLIER_REACH` interquartile ranges beyond the first wave's worse quartile are clipped to that limit.
    """
    metric, sign = outcome.settings.objective.metric, outcome.settings.objective.sign
    table = outcome.table.assign(**{metric: ends(outcome)})
    first_runs = table["confirms"].isna()  # replicates would count one point several times
    table = table[table["state"].isin(SCORED) & first_runs].copy()
    values = sign * np.clip(table[metric].to_numpy(float), -LARGEST, LARGEST)
    finite = np.isfinite(table[metric].to_numpy(float)) & (table["state"] != State.DIVERGED).to_numpy(bool)
    if not finite.any():
        return table.iloc[:0]
    first = finite & (table["wave"] == table["wave"].min()).to_numpy(bool)  # spread over the whole space
    better, worse = np.quantile(values[first if first.sum() >= MIN_TRIALS / 2 else finite], [0.25, 0.75])
    values = np.where(finite, values, values[finite].max())
    if worse > better:
        values = np.minimum(values, worse + OUTLIER_REACH * (worse - better))
    table[metric] = sign * values
    return table


def _estimate(points: Array, values: Array, region: Array, seed: int) -> tuple[pd.DataFrame, Array, float]:
    """Return the shares over a region, shape (2, d), from the points in it; NaN if there are too few.

    Returns:
        A row for each coordinate with its `share` alone and its interval `low`, `high`; the shares of pairs, shape
        (d, d); and the share of the variance of unseen points that the forest predicts.
    """
    d = points.shape[1]
    if len(points) < MIN_TRIALS:
        return pd.DataFrame(np.nan, range(d), ["share", "low", "high"]), np.zeros((d, d)), 0.0
    generator = np.random.default_rng(seed)
    if len(points) > MAX_TRIALS:
        sample = generator.choice(len(points), MAX_TRIALS, replace=False)
        points, values = points[sample], values[sample]
    values = values - np.median(values)  # shares have neither an origin nor a unit,
    _, exponent = np.frexp(np.ptp(values))
    values = np.ldexp(values, -exponent)  # but scikit-learn splits no variance below 2e-16
    trees, fit = fit_forest(points, values, TREES, seed=seed, score=True)
    alone, pairs = forest_shares(trees, region)
    resampled = []
    for i in range(BOOTSTRAPS):
        rows = generator.integers(len(points), size=len(points))
        trees, _ = fit_forest(points[rows], values[rows], BOOTSTRAP_TREES, seed=seed + i + 1)
        resampled.append(forest_shares(trees, region, pairs=False).alone)
    half = Z_95 * np.std(resampled, axis=0, ddof=1)
    shares = {"share": alone, "low": np.clip(alone - half, 0, 1), "high": np.clip(alone + half, 0, 1)}
    return pd.DataFrame(shares), pairs, fit


def _disagreements(table: pd.DataFrame) -> list[str]:
    """Return for each row a sentence about a hyperparameter of an earlier tier that explains less, or "".

    It says "clearly" if the intervals do not overlap.
    """
    rows, sentences = table.to_dict("records"), []
    for row in rows:
        weaker = [other for other in rows if other["tier"] < row["tier"] and other["share"] + MARGIN < row["share"]]
        least = min(weaker, key=lambda other: (other["tier"], other["share"]), default=None)
        if least is None:
            sentences.append("")
            continue
        certainty = "clearly" if row["low"] > least["high"] else "perhaps"
        name, other = (f"{one['hyperparameter']} (tier {one['tier']})" for one in (row, least))
        sentences.append(f"{name} {certainty} matters more than {other}")
    return sentences
