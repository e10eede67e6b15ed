"""Where data comes from: the shipped digits, a CSV file, one's own arrays."""

import difflib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from caviar.data.dataset import Dataset, Task, from_arrays
from caviar.data.validation import as_features
from caviar.errors import InputError

__all__ = ["Dataset", "Task", "from_arrays", "load", "load_csv", "load_digits"]

# Of the splits 0 to 7, the one whose validation and test parts a default network finds equally hard (both 0.976).
DIGITS_SPLIT = 2


def load(data: str | Dataset | tuple[ArrayLike, ArrayLike]) -> Dataset:
    """Give a Dataset from what a user may call data.

    Args:
        data: "digits", a Dataset, or a pair (x, y) for `from_arrays`.

    Raises:
        InputError: another name, or arrays that cannot be learned from.

    >>> load("digits")
    <Dataset digits: classification, 1257+270+270 rows, 64 features>
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str):
        if data == "digits":
            return load_digits()
        raise InputError(
            f"there is no data set named {data!r}; it is 'digits', or a CSV file with its target column: "
            "caviar.load_csv(path, target=...), or --data FILE.csv --target COLUMN"
        )
    if isinstance(data, tuple) and len(data) == 2:
        return from_arrays(*data)
    raise InputError(f"data is {type(data).__name__}; give 'digits', a Dataset, or a pair of arrays (x, y)")


def load_digits() -> Dataset:
    """Give the 1,797 handwritten digits of 8x8 pixels that come with Caviar (source: digits.txt)."""
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        digits = from_arrays(file["images"], file["labels"], name="digits", task="classification", seed=DIGITS_SPLIT)
    return replace(digits, source={"digits": True})


def load_csv(path: str | Path, target: str, *, task: Task | None = None, seed: int = 0) -> Dataset:
    """Make a Dataset of a CSV file with a header line, split about 70/15/15 at random.

    Args:
        path: the file.
        target: the column to predict; all others are features and must hold numbers or booleans.
        task: "classification" or "regression"; None: judged by the target as `from_arrays` does.
        seed: of the split.

    Raises:
        InputError: no such file or column, an empty file, features that are no numbers or are missing,
            or a target that cannot be learned.
    """
    table = _read(Path(path))
    target = str(target)  # as the columns of a file are
    if target not in table.columns:
        near = difflib.get_close_matches(target, [str(column) for column in table.columns], n=1, cutoff=0)
        raise InputError(f"{path} has no column {target!r}; did you mean {near[0]!r}?")
    features = table.drop(columns=target)
    if not len(table) or not len(features.columns):
        raise InputError(f"{path} has {len(table)} rows and {len(features.columns)} feature columns; it needs both")
    for name, column in features.items():
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            raise InputError(
                f"column {name!r} of {path} holds text such as {column.dropna().iloc[:1].tolist()}; "
                "encode it as numbers or remove it"
            )
    names = [str(name) for name in features.columns]
    values = as_features(features.to_numpy(dtype=np.float64, na_value=np.nan), names)
    labels = table[target]
    y = labels.to_numpy() if pd.api.types.is_numeric_dtype(labels) else labels.to_numpy(dtype=object)
    dataset = from_arrays(values, y, name=Path(path).stem, task=task, seed=seed)
    source = {"csv": str(Path(path).resolve()), "target": target, "task": task, "seed": seed}
    return replace(dataset, source=source)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; check its name and folder") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name the CSV file in it") from None
    except PermissionError:
        raise InputError(f"{path} may not be read; change its permissions") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty; give a file with a header line and rows") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no CSV file ({str(error).strip()}); save it as UTF-8 text with commas") from None
