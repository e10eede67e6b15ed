"""What might help networks on tables, against the defaults: `python -m tests.benchmarks.encodings --folder FOLDER`.

Each table is cut in five parts, and each part is held out once. On the rest, a study of 32 trials of the default space
is run as it is and with one thing changed. The networks that confirmed the winner, averaged and one by one, are
compared on the part held out: by the accuracy, or by the root mean squared error.

FOLDER has mpg.csv, penguins.csv, titanic.csv and diamonds.csv.gz of the seaborn project, and Boston.csv, Computers.csv
and Housing.csv of Rdatasets; files that are not there are left out.
"""

import argparse
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import datasets
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import QuantileTransformer
from threadpoolctl import threadpool_limits

import caviar
from caviar.data.source import Source, SourceKind

MOST_ROWS, BINS = 2_000, 8
FILES = {  # of each table: its file, the target, whether it is a number, and columns to leave out
    "titanic": ("titanic.csv", "survived", False, ["alive"]),
    "cut": ("diamonds.csv.gz", "cut", False, []),
    "mpg": ("mpg.csv", "mpg", True, ["name"]),
    "diamonds": ("diamonds.csv.gz", "price", True, []),
    "body_mass": ("penguins.csv", "body_mass_g", True, []),
    "boston": ("Boston.csv", "medv", True, []),
    "computers": ("Computers.csv", "price", True, []),
    "housing": ("Housing.csv", "price", True, []),
}
OWN = {"breast_cancer": False, "diabetes": True}


def tables(folder):
    """Yield the name of each table, its rows, at most 2,000, its target, and whether that is a number."""
    for name, (file, target, numeric, leaks) in FILES.items():
        if (folder / file).exists():
            rows = pd.read_csv(folder / file).drop(columns=["Unnamed: 0", *leaks], errors="ignore")
            rows = rows.dropna(subset=[target])
            rows = rows.sample(MOST_ROWS, random_state=0) if len(rows) > MOST_ROWS else rows
            yield name, rows.reset_index(drop=True), target, numeric
    for name, numeric in OWN.items():
        yield name, getattr(datasets, f"load_{name}")(as_frame=True).frame, "target", numeric


def piecewise(train):
    """Return how much of each of eight bins lies below a value, beside the value (Gorishniy et al. 2022)."""
    edges = np.unique(np.quantile(train, np.linspace(0, 1, BINS + 1)))
    low, high = edges[:-1], edges[1:]
    return lambda x: np.column_stack([x, np.clip((x[:, None] - low) / (high - low), 0, 1)])


def quantiles(train):
    count = min(100, len(train))
    ranks = QuantileTransformer(n_quantiles=count, output_distribution="normal").fit(train[:, None])
    normal = ranks.transform(train[:, None])
    return lambda x: (ranks.transform(x[:, None]) - normal.mean()) / (normal.std() or 1)


def encoded(fit, data, rows):
    """Return the data and rows with every feature that has more than two values encoded anew."""
    parts, columns = (data.train_x, data.val_x, data.test_x, rows), []
    for feature in range(data.features):
        train = data.train_x[:, feature].astype(float)
        encode = fit(train) if len(np.unique(train)) > 2 else lambda x: x[:, None]
        columns.append([encode(part[:, feature].astype(float)) for part in parts])
    train_x, val_x, test_x, rows = (np.column_stack(part).astype(np.float32) for part in zip(*columns, strict=True))
    return replace(data, train_x=train_x, val_x=val_x, test_x=test_x), rows


def errors_of(data, rows, targets, seed, space=None):
    """Return the error of a study's averaged networks, and the mean of each: the share of wrong labels, or the RMSE."""
    plain = replace(data, preparation=None, source=Source(SourceKind.ARRAYS))
    with tempfile.TemporaryDirectory() as folder:
        study = caviar.Study(
            plain, space=space, trials=32, seed=seed, confirm=(3, 4), workers=0, out=Path(folder) / "study"
        )
        study.run(progress=False)
        outputs = np.stack([network.predict(rows) for network in study.model(ensemble=True).model.networks])

    def error(predicted):
        if data.task == "classification":
            return (np.array(data.classes)[predicted.argmax(axis=1)] != targets).mean()
        return np.sqrt(((predicted[:, 0] - targets) ** 2).mean())

    return np.array([error(outputs.mean(axis=0)), np.mean([error(predicted) for predicted in outputs])])


def gains(rows, target, numeric, split):
    """Return how much lower the two errors are on one split: in percent of the RMSE, or in points of accuracy."""
    kind = KFold if numeric else StratifiedKFold
    folds = list(kind(5, shuffle=True, random_state=split // 5).split(rows, rows[target]))
    train, test = (rows.iloc[part].reset_index(drop=True) for part in folds[split % 5])
    data = caviar.load_table(train, target, task="regression" if numeric else "classification", seed=split)
    x, y = data.preparation.transform(test), test[target].to_numpy()
    cosine = {name: entry for name, entry in caviar.default_space().items() if name != "lr_decay"}
    errors = {
        "piecewise-linear": errors_of(*encoded(piecewise, data, x), y, split),
        "quantiles": errors_of(*encoded(quantiles, data, x), y, split),
        "cosine": errors_of(data, x, y, split, space=caviar.Space(**cosine, schedule="cosine")),
    }
    base, found = errors_of(data, x, y, split), {}
    for name, values in errors.items():
        averaged, one = 100 * (np.log(base / values) if numeric else base - values)
        found |= {name: averaged, f"{name}, one network": one}
    return found


def interval(values):
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.1f} +- {half:.1f}"


def main():
    """Print how much lower the error is than that of the defaults: means over splits, and intervals over tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the files are")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--only", default="", help="names of tables, with commas between them")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    with threadpool_limits(1):
        for name, *table in tables(options.folder):
            for split in range(options.splits) if name in options.only.split(",") or not options.only else ():
                found.append({"table": name, "numeric": table[-1], **gains(*table, split)})
                print(found[-1], flush=True)
    means = pd.DataFrame(found).groupby(["numeric", "table"]).mean()
    print(means.T.to_string(), means.groupby("numeric").agg(interval).T.to_string(), sep="\n")


if __name__ == "__main__":
    main()
