"""What is worth saying about the rows of a table before it is trained on, a sentence each."""

import numpy as np
from numpy.typing import NDArray

from caviar._interface import setting
from caviar.data.dataset import Dataset
from caviar.data.splits import Parts
from caviar.data.target import Target
from caviar.errors import printable

_MANY_COPIES = 1 / 3  # of the validation rows
_BY_CHANCE = 1.0  # training rows that agree with a row, if columns were independent
_SAMPLE = 10_000  # rows
_COMPARED = 4  # columns
_LISTED = 3  # classes in a sentence


def about_task(target: Target, name: str) -> list[str]:
    """Say what was guessed, and how to say otherwise."""
    if not target.reason:
        return []
    name = printable(name)
    if target.classes:
        what, otherwise = f"{len(target.classes)} classes", f"not, say {setting('task', 'regression')}"
    else:
        what, otherwise = "a number", f"it is a class, say {setting('task', 'classification')}"
    return [f"{name} is taken for {what}, because {target.reason}; if {otherwise}"]


def about_classes(target: Target, parts: Parts, name: str) -> list[str]:
    """Name the classes that have a single row, and those that no training row has."""
    if not target.classes:
        return []
    name = printable(name)
    counts = np.bincount(target.values, minlength=len(target.classes))
    trained = np.bincount(target.values[parts.train], minlength=len(target.classes))
    single, unseen = np.flatnonzero(counts == 1), np.flatnonzero((trained == 0) & (counts > 0))
    sentences = []
    if len(single):
        sentences.append(
            f"{_classes(target, single)} of {name} {'has' if len(single) == 1 else 'have'} a single row, so nothing "
            "is known of how well it is predicted"
        )
    if len(unseen):
        sentences.append(f"{_classes(target, unseen)} of {name} is in no training row, so it is never predicted")
    return sentences


def about_copies(dataset: Dataset) -> list[str]:
    """Say if many validation rows are copies of training rows."""
    share = _share_of_copies(dataset.val_x[:_SAMPLE], dataset.train_x) if len(dataset.val_x) else 0.0
    if share <= _MANY_COPIES or _agree_by_chance(dataset):
        return []
    return [
        f"{share:.0%} of the validation rows are also training rows, so the metrics are too good; remove the copies, "
        f"or keep them together with {setting('validation', {'group': 'COLUMN'})}"
    ]


def _share_of_copies(rows: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    start = slice(0, None, max(1, rows.shape[1] // _COMPARED))  # a few columns tell most rows apart
    others = others[np.isin(_hashes(others[:, start]), _hashes(rows[:, start]))]
    return float(np.isin(_hashes(rows), _hashes(others)).mean())


def _agree_by_chance(dataset: Dataset) -> bool:
    """Return whether rows have so few different values that another row like them is likely, and no copy."""
    sample, probability = dataset.train_x[:_SAMPLE], float(len(dataset.train_x))
    for columns in dataset.preparation.slices.values() if dataset.preparation else ():
        counts = np.unique(_hashes(sample[:, columns]), return_counts=True)[1].astype(np.float64)
        probability *= float((counts * (counts - 1)).sum()) / (len(sample) * (len(sample) - 1.0))
        if probability < _BY_CHANCE:
            return False
    return True


def _classes(target: Target, indices: NDArray[np.int64]) -> str:
    labels = [repr(target.classes[index]) for index in indices[:_LISTED]]
    more = f" and {len(indices) - _LISTED} others" if len(indices) > _LISTED else ""
    return f"{'class' if len(indices) == 1 else 'classes'} {', '.join(labels)}{more}"


def _hashes(rows: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a number for each row, equal for equal rows."""
    hashes = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes ^= np.ascontiguousarray(column).view(np.uint32)
        hashes ^= hashes >> np.uint64(29)
    return hashes
