"""Load data: the digits that come with Caviar, a CSV file, a pair of arrays, or what a Source describes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from caviar._checks import did_you_mean
from caviar.csv import read_csv
from caviar.data.dataset import Dataset, from_arrays
from caviar.data.preparation.preparation import Preparation
from caviar.data.source import Source, SourceKind, Task
from caviar.data.validation import check_features
from caviar.errors import InputError

# Among splits 0 to 7, the one whose validation and test parts are equally hard for a default network (both 0.976).
_DIGITS_SPLIT = 2


def load(data: str | Dataset | tuple[ArrayLike, ArrayLike]) -> Dataset:
    """Return a Dataset from any form of data that a user may pass.

    Args:
        data: "digits", a Dataset, or a pair (x, y) for `from_arrays`.

    >>> load("digits")
    <Dataset digits: classification, 1257+270+270 rows, 64 features>
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str) and data == "digits":
        return load_digits()
    if isinstance(data, tuple) and len(data) == 2:
        return from_arrays(*data)
    got = repr(data) if isinstance(data, str) else f"a value of type {type(data).__name__}"
    raise InputError(
        f"data must be 'digits', a Dataset or a pair of arrays (x, y), got {got}; for a CSV file, try "
        "caviar.load_csv(path, target=...), or --data FILE.csv --target COLUMN"
    )


def load_digits() -> Dataset:
    """Return the 1,797 handwritten digits of 8x8 pixels that come with Caviar (source: digits.txt).

    >>> load_digits().features
    64
    """
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        digits = from_arrays(file["images"], file["labels"], name="digits", task="classification", seed=_DIGITS_SPLIT)
    return replace(digits, source=Source(SourceKind.DIGITS))


def load_csv(path: str | Path, target: str, *, task: Task | None = None, seed: int = 0) -> Dataset:
    """Make a Dataset from a CSV file with a header line, split about 70/15/15 at random.

    Args:
        path: the CSV file.
        target: the column to predict; all others are features and must hold numbers or booleans.
        task: "classification" or "regression"; None: inferred from the target as in `from_arrays`.
        seed: for the split.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = file.write_text("width,kind\\n" + "1.5,rose\\n0.5,daisy\\n" * 20)
    >>> load_csv(file, target="kind").classes
    ('daisy', 'rose')
    """
    table = _read(Path(path))
    target = str(target)
    if target not in table.columns:
        raise InputError(f"{path} has no column {target!r}{did_you_mean(target, map(str, table.columns))}")
    features = table.drop(columns=target)
    if not len(table) or not len(features.columns):
        raise InputError(f"{path} has {len(table)} rows and {len(features.columns)} feature columns; it needs both")
    for name, column in features.items():
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            raise InputError(
                f"column {name!r} of {path} contains strings such as {column.dropna().iloc[:1].tolist()}; "
                "encode it as numbers or remove it"
            )
    values = check_features(features.to_numpy(dtype=np.float64, na_value=np.nan), list(map(str, features.columns)))
    labels = table[target]
    y = labels.to_numpy() if pd.api.types.is_numeric_dtype(labels) else labels.to_numpy(dtype=object)
    dataset = from_arrays(values, y, name=Path(path).stem, task=task, seed=seed)
    assert dataset.preparation is not None
    columns = zip(dataset.preparation.columns, map(str, features.columns), strict=True)
    preparation = Preparation(tuple(replace(column, name=name) for column, name in columns))  # type: ignore[type-var]
    return replace(
        dataset,
        target=target,
        preparation=preparation,
        source=Source(SourceKind.CSV, str(Path(path).resolve()), target, task, seed),
    )


def load_source(source: Source) -> Dataset:
    """Load the same data again; raise InputError if they have changed, or were never in a file.

    >>> load_source(Source(SourceKind.DIGITS)).name
    'digits'
    """
    if source.kind is SourceKind.ARRAYS:
        raise InputError("the data were arrays in memory, not in a file; pass the data again")
    if source.kind in (SourceKind.FUNCTION, SourceKind.COMMAND):
        code = source.function or source.command
        raise InputError(f"{code!r} is a {source.kind}, not a data set; pass the data again")
    if source.kind is SourceKind.DIGITS:
        dataset = load_digits()
    else:
        dataset = load_csv(source.path, source.target, task=source.task, seed=source.seed)
    if source.fingerprint not in ("", dataset.fingerprint()):
        raise InputError(f"{source.path or dataset.name} has changed since it was loaded; pass the data again")
    return dataset


def _read(path: Path) -> pd.DataFrame:
    try:
        return read_csv(path)
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}); give the path of a CSV file") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty; it needs a header line and rows") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a CSV file ({str(error).strip()}); save it as UTF-8 with commas") from None
