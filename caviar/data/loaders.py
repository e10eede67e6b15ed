"""Load data: the digits that come with Caviar, a pair of arrays, a CSV file, or what a Source describes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from caviar._secrets import HIDDEN
from caviar.data.dataset import Dataset, from_arrays
from caviar.data.numbers import load_numbers
from caviar.data.source import Source, SourceKind, Task, how_to_pass_again
from caviar.errors import InputError
from caviar.files import is_uri

# Among splits 0 to 7, the one whose validation and test parts are equally hard for a default network (both 0.976).
_DIGITS_SPLIT = 2


def load(data: str | Dataset | tuple[ArrayLike, ArrayLike]) -> Dataset:
    """Return a Dataset from any form of data that a user may pass.

    Args:
        data: "digits", a Dataset, or a pair (x, y): arrays of numbers for `from_arrays`, or x as a DataFrame.

    >>> load("digits")
    <Dataset digits: classification, 1257+270+270 rows, 64 features>
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str) and data == "digits":
        return load_digits()
    if isinstance(data, tuple) and len(data) == 2:
        if not hasattr(data[0], "columns"):
            return from_arrays(*data)
        from caviar.data.table import load_table  # here and below: most of Caviar does without tables

        return load_table(data)
    got = repr(data) if isinstance(data, str) else f"a value of type {type(data).__name__}"
    raise InputError(
        f"data must be 'digits', a Dataset or a pair of arrays (x, y), got {got}; for a table, try "
        "caviar.load_table(path, target=...), or --data FILE.csv --target COLUMN"
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
    """Make a Dataset from a CSV file, as `load_table` does.

    Args:
        path: the CSV file.
        target: the column to predict; all others are features.
        task: "classification" or "regression"; None: guessed from the target, with a message.
        seed: for the split, 70/15/15.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = file.write_text("width,kind\\n" + "1.5,rose\\n0.5,daisy\\n" * 20)
    >>> load_csv(file, target="kind").classes
    ('daisy', 'rose')
    """
    from caviar.data.table import load_table

    return load_table(path, target, task=task, seed=seed)


def load_source(source: Source) -> Dataset:
    """Load the same data again; raise InputError if they have changed, or were never in a file.

    >>> load_source(Source(SourceKind.DIGITS)).name
    'digits'
    """
    if source.kind is SourceKind.ARRAYS:
        raise InputError(
            "the data were arrays in memory, which no file holds; in Python, pass them again: "
            "caviar.Study.open(FOLDER, data=(x, y))"
        )
    if source.kind.is_code:
        code = source.function or source.command
        raise InputError(f"{code!r} is a {source.kind}, not a data set; pass the data again")
    match source.kind:
        case SourceKind.DIGITS:
            dataset = load_digits()
        case SourceKind.CSV:
            dataset = load_numbers(source)
        case _:
            from caviar.data.table import TableSettings, load_quietly

            _check_complete(source)
            settings = TableSettings(task=source.task, seed=source.seed, **source.options)
            dataset = load_quietly(source.path, source.target, settings)
    if source.fingerprint not in ("", dataset.fingerprint()):
        changed = f"{source.path or dataset.name} has changed since it was loaded"
        raise InputError(f"{changed}; pass the original: {how_to_pass_again('FILE')}")
    return dataset


def _check_complete(source: Source) -> None:
    """Raise InputError if the URL of a table, or of its validation rows, was kept without its password or token."""
    for path in (source.path, source.options.get("validation")):
        path = path.get("table") if isinstance(path, Mapping) else path
        if isinstance(path, str) and is_uri(path) and HIDDEN in path:
            raise InputError(
                f"{path} was kept without its password or token; pass it again: {how_to_pass_again('URL')}"
            )
