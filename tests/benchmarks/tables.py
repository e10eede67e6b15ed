"""Caviar's winner on tables against scikit-learn: `python -m tests.benchmarks.tables [--folder FOLDER] [--quick]`.

Each table is cut in five parts; each part is held out once, and every contender gets the other four as they are found.
The score is the accuracy, or R2 for numbers, of the held-out part; scores and times are compared split by split, in one
run, with two processes each:

- Caviar: 64 trials of the default space; the four networks that confirmed the winner, trained again on all rows;
- scikit-learn's HistGradientBoosting and RandomForest with their defaults, and tuned by RandomizedSearchCV with 32;
- its MLPClassifier or MLPRegressor, standardised and one-hot encoded, tuned with 64.

FOLDER has penguins.csv, titanic.csv, mpg.csv and diamonds.csv.gz of the seaborn project; without it, only the tables
that come with scikit-learn are used.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import datasets, ensemble, neural_network
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, RandomizedSearchCV, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

import caviar
from caviar.fleet.cluster import connection
from caviar.fleet.placement import Placement

PROCESSES, SPLITS, MOST_ROWS, MOST_LEVELS = 2, 5, 2_000, 255
FILES = {  # target, and the column that is the target under another name, which peers would use
    "penguins.csv": ("species", []),
    "titanic.csv": ("survived", ["alive"]),
    "mpg.csv": ("mpg", []),
    "diamonds.csv.gz": ("price", []),
}
OWN = {"iris": False, "wine": False, "breast_cancer": False, "digits": False, "diabetes": True}


class Table(NamedTuple):
    """A table, the column to predict, and whether it is a number."""

    name: str
    frame: pd.DataFrame
    target: str
    numeric: bool


class Score(NamedTuple):
    """What a contender got on one split of a table."""

    table: str
    contender: str
    split: int
    score: float
    seconds: float


def tables(folder: Path | None) -> list[Table]:
    """Return the tables, at most 2,000 rows of each."""
    found = []
    for file, (target, leaks) in FILES.items() if folder else ():
        frame = pd.read_csv(folder / file).drop(columns=leaks).dropna(subset=[target])
        found.append(Table(file.partition(".")[0], frame, target, frame[target].nunique() > 20))
    for name, numeric in OWN.items():
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        found.append(Table(name, frame, "target", numeric))
    return [table._replace(frame=_some(table.frame)) for table in found]


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(min(MOST_ROWS, len(frame)), random_state=0).reset_index(drop=True)


def _peer_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with text as categories, which scikit-learn's trees take as they are if there are at most 255."""
    text = rows.select_dtypes(exclude="number")
    rows = rows.drop(columns=[name for name in text if text[name].nunique() > MOST_LEVELS])
    return rows.astype(dict.fromkeys(rows.select_dtypes(exclude="number").columns, "category"))


def _encoded(estimator: Any, *scale: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(add_indicator=True), *scale)
    others = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False)
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (others, make_column_selector(dtype_exclude="number"))
    )
    return make_pipeline(columns, estimator)


def _search(estimator: Any, space: dict[str, Any], trials: int, seed: int) -> RandomizedSearchCV:
    split = ShuffleSplit(1, test_size=0.15, random_state=seed)
    return RandomizedSearchCV(estimator, space, n_iter=trials, cv=split, n_jobs=PROCESSES, random_state=seed)


def boosting(numeric: bool, seed: int) -> Any:
    kind = ensemble.HistGradientBoostingRegressor if numeric else ensemble.HistGradientBoostingClassifier
    return kind(categorical_features="from_dtype", random_state=seed)


def tuned_boosting(numeric: bool, seed: int) -> Any:
    space = {
        "learning_rate": stats.loguniform(0.01, 0.5),
        "max_iter": stats.randint(50, 500),
        "max_leaf_nodes": stats.randint(4, 64),
        "min_samples_leaf": stats.randint(2, 50),
        "l2_regularization": stats.loguniform(1e-3, 10),
    }
    return _search(boosting(numeric, seed), space, 32, seed)


def forest(numeric: bool, seed: int, jobs: int = PROCESSES) -> Any:
    kind = ensemble.RandomForestRegressor if numeric else ensemble.RandomForestClassifier
    return _encoded(kind(random_state=seed, n_jobs=jobs))


def tuned_forest(numeric: bool, seed: int) -> Any:
    name = "randomforestregressor" if numeric else "randomforestclassifier"
    space = {
        "max_features": stats.uniform(0.1, 0.9),
        "min_samples_leaf": stats.randint(1, 20),
        "n_estimators": stats.randint(50, 300),
    }
    return _search(forest(numeric, seed, 1), {f"{name}__{key}": values for key, values in space.items()}, 32, seed)


def tuned_network(numeric: bool, seed: int) -> Any:
    kind = neural_network.MLPRegressor if numeric else neural_network.MLPClassifier
    space = {
        "learning_rate_init": stats.loguniform(1e-4, 1e-1),
        "alpha": stats.loguniform(1e-6, 1e-1),
        "batch_size": [32, 64, 128, 256],
        "hidden_layer_sizes": [(units,) * layers for units in (50, 75, 100) for layers in (1, 2, 3)],
    }
    named = {f"{kind.__name__.lower()}__{key}": values for key, values in space.items()}
    return _search(_encoded(kind(random_state=seed), StandardScaler()), named, 64, seed)


PEERS: dict[str, Callable[[bool, int], Any]] = {
    "boosting": boosting,
    "tuned boosting": tuned_boosting,
    "forest": forest,
    "tuned forest": tuned_forest,
    "tuned MLP": tuned_network,
}


def run_peer(name: str, table: Table, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> float:
    """Return the held-out score of a peer."""
    x, y = _peer_rows(train.drop(columns=table.target)), train[table.target]
    model = PEERS[name](table.numeric, seed).fit(x, y)
    held_out = test[x.columns].astype(x.dtypes.to_dict())
    return float(model.score(held_out, test[table.target]))


def run_caviar(table: Table, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> float:
    """Return the held-out score of Caviar's winner: its networks, trained again on all rows."""
    data = caviar.load_table(train, table.target, task="regression" if table.numeric else "classification", seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        study = caviar.Study(data, trials=64, seed=seed, out=Path(folder) / "study", workers=PROCESSES)
        study.run(progress=False)
        return float(study.model(on="all", ensemble=True).score(test.drop(columns=table.target), test[table.target]))


def run(table: Table, splits: int, contenders: list[str]) -> list[Score]:
    """Return the scores of the contenders on the splits of a table, which take turns."""
    kind, scores = (KFold if table.numeric else StratifiedKFold), []
    folds = kind(SPLITS, shuffle=True, random_state=0).split(table.frame, table.frame[table.target])
    for split, (train, test) in zip(range(splits), folds, strict=False):
        rows = table.frame.iloc[train].reset_index(drop=True), table.frame.iloc[test].reset_index(drop=True)
        for name in contenders:
            begun = time.perf_counter()
            score = run_caviar(table, *rows, split) if name == "Caviar" else run_peer(name, table, *rows, split)
            scores.append(Score(table.name, name, split, score, time.perf_counter() - begun))
            print(*scores[-1], flush=True)
    return scores


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Return how much better Caviar is than each contender on each table, and its share of their time, with 95%
    intervals over the splits."""
    rows = []
    for (table, name), group in scores.groupby(["table", "contender"], sort=False):
        own = scores[(scores["table"] == table) & (scores["contender"] == "Caviar")].set_index("split")
        group = group.set_index("split")
        gain = (own["score"] - group["score"]).to_numpy()
        error = gain.std(ddof=1) / np.sqrt(len(gain)) * stats.t.ppf(0.975, len(gain) - 1) if len(gain) > 1 else np.nan
        share = statistics.median(own["seconds"] / group["seconds"])
        rows.append((table, name, group["score"].mean(), f"{gain.mean():+.3f} +- {error:.3f}", share))
    return pd.DataFrame(rows, columns=["table", "contender", "score", "Caviar is better by", "Caviar's time / its"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the four files are")
    parser.add_argument("--quick", action="store_true", help="one split, without the tuned forest")
    parser.add_argument("--only", default="", help="names of tables, with commas between them")
    parser.add_argument("--contenders", default="", help="names of contenders, with commas between them")
    parser.add_argument("--json", type=Path, help="write the scores")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"  # in the processes of joblib
    names = [name for name in ("Caviar", *PEERS) if not (options.quick and name == "tuned forest")]
    chosen = [name for name in names if not options.contenders or name in options.contenders.split(",")]
    with threadpool_limits(1), connection(Placement(workers=PROCESSES)):
        scores = [
            score
            for table in tables(options.folder)
            if not options.only or table.name in options.only.split(",")
            for score in run(table, 1 if options.quick else SPLITS, chosen)
        ]
    frame = pd.DataFrame(scores)
    print(summary(frame).to_string(index=False, float_format="{:.3f}".format))
    if options.json:
        options.json.write_text(json.dumps(frame.to_dict("records"), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
