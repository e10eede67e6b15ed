"""CSV files of numbers as earlier versions read them, so that studies in their journals can be resumed to the bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from caviar.csv import read_csv
from caviar.data.dataset import Dataset, from_arrays
from caviar.data.source import Source, Task, how_to_pass_again
from caviar.data.validation import Targets, check_features
from caviar.errors import InputError

_MOST_CLASSES = 20


def load_numbers(source: Source) -> Dataset:
    """Return the data set of a source whose kind is `SourceKind.CSV`; raise InputError if its file has changed."""
    try:
        table = read_csv(Path(source.path))
        features, labels = table.drop(columns=source.target), table[source.target]
        values = check_features(features.to_numpy(dtype=np.float64, na_value=np.nan), list(map(str, features.columns)))
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"cannot read {source.path} as it was ({error}); "
            f"restore it, or pass the original: {how_to_pass_again('FILE')}"
        ) from None
    y = labels.to_numpy() if pd.api.types.is_numeric_dtype(labels) else labels.to_numpy(dtype=object)
    dataset = from_arrays(values, y, name=Path(source.path).stem, task=source.task or _task(y), seed=source.seed)
    return replace(dataset, source=source)


def _task(values: Targets) -> Task:
    """Return the task that earlier versions guessed."""
    if values.dtype.kind not in "iuf":
        return "classification"
    few = len(np.unique(values)) <= _MOST_CLASSES and bool((values == np.round(values)).all())
    return "classification" if few else "regression"
