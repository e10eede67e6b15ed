"""What is to be predicted: the task, guessed if nobody says it, and labels as their source spells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caviar._checks import is_unicode
from caviar._interface import setting
from caviar.data.preparation.cells import numbers
from caviar.data.source import Task
from caviar.data.validation import Floats, Label, Targets
from caviar.errors import InputError

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and trainers do not need it

_LARGEST = 1e150  # errors are squared
_MOST_GUESSED = 50  # classes; integers with more different values are numbers
_DEVIATIONS = 4.0  # of a frequency, until it is no longer noise


@dataclass(frozen=True, eq=False)
class Target:
    """The column to predict.

    Args:
        values: (rows,), int64 indices of `classes`, or float64 numbers in their own unit.
        classes: the labels, sorted, or in the order of an ordered categorical dtype; () for regression.
        reason: why the task was guessed, as the end of a sentence; "" if it was said.
    """

    values: Targets
    classes: tuple[Label, ...]
    reason: str = ""

    @property
    def task(self) -> Task:
        return "classification" if self.classes else "regression"


def read_target(y: "pd.Series | ArrayLike", task: Task | None = None, name: str = "") -> Target:
    """Return the target of some rows; raise InputError if nothing can be learned from it.

    Args:
        y: (rows,) labels or numbers, none of them missing.
        task: None: text, booleans and a few different integers that do not look like counts are classes.
        name: of the column, for errors.

    >>> read_target(["no", "yes", "yes", "no"])
    Target(values=array([0, 1, 1, 0]), classes=('no', 'yes'), reason='it holds text')
    """
    import pandas as pd

    what = f"the target {name!r}" if name else "the target"
    if task not in (None, *get_args(Task)):
        raise InputError(f"task must be 'classification', 'regression' or None, got {task!r}")
    column = y if isinstance(y, pd.Series) else pd.Series(flat(y)).infer_objects()
    values, dtype = _plain(column, what), column.dtype
    guess, reason = _guess(values) if task is None else (task, "")
    if task is None and isinstance(dtype, pd.CategoricalDtype):
        guess, reason = "classification", "it is categorical"
    if guess == "classification":
        order = dtype.categories.tolist() if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered else None
        return Target(*_class_indices(values, what, order), reason)
    try:
        found = values.astype(np.float64)
    except (TypeError, ValueError):
        if text := _text_in(values):
            raise InputError(
                f"{what} contains strings, such as {text[0]!r:.60}; "
                f"correct them, or pass {setting('task', 'classification')}"
            ) from None
        found = numbers(pd.Series(values))
    _check_complete(found, what)  # text such as "nan" becomes a number too
    _check_varies(found, values, what)
    check_squares(found, what)
    return Target(found, (), reason)


def check_squares(targets: Targets, what: str) -> None:
    """Raise InputError if the squares of errors would not be finite."""
    if (largest := np.abs(targets).max()) > _LARGEST:
        raise InputError(f"{what} has numbers as far as {largest:g}, whose squares do not fit; divide it")


def flat(y: ArrayLike) -> Targets:
    """Return targets as an array, (rows,), of whatever they are."""
    values = y if isinstance(y, np.ndarray) else np.asarray(y, dtype=object)  # which keeps 1 and "a" apart
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim != 1:
        raise InputError(f"y must have one target for each row, got shape {values.shape}")
    return values


def _plain(column: "pd.Series", what: str) -> Targets:
    """Return a column as an array of numbers, booleans, or objects of one type."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    _check_complete(column, what)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(bool)
    if pd.api.types.is_integer_dtype(column.dtype):
        return column.to_numpy()
    if pd.api.types.is_float_dtype(column.dtype):
        return column.to_numpy(np.float64)
    cells = column.to_numpy(object)
    kind = pd.api.types.infer_dtype(column)
    kind = pd.api.types.infer_dtype(cells) if kind == "unknown-array" else kind
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        found = numbers(column)
        if kind == "integer":
            _check_varies(found, cells, what)
        _check_complete(found, what)
        return found
    if kind == "boolean":
        return cells.astype(bool)
    if cell := [cell for cell in cells.tolist() if hasattr(cell, "__len__") and not isinstance(cell, str)][:1]:
        shown = f"{str(cell[0])[:60]} of type {type(cell[0]).__name__}"
        raise InputError(f"{what} must hold labels or numbers, got {shown}; make them strings or numbers")
    if kind.startswith("mixed"):
        raise InputError(f"{what} mixes types of labels; make them all strings or all numbers")
    if kind != "string":
        raise InputError(f"{what} must hold labels or numbers, got {kind} values; make them strings or numbers")
    return cells


def _check_varies(found: Floats, values: Targets, what: str) -> None:
    """Raise InputError for numbers that are all the same in double precision."""
    if (found == found[0]).all():
        differ = len(set(values.tolist())) > 1
        remedy = "float64 does not tell them apart, so subtract the smallest" if differ else "choose one that varies"
        raise InputError(f"{what} is {found[0]:g} in every row; {remedy}")


def _check_complete(values: "pd.Series | Targets", what: str) -> None:
    import pandas as pd

    missing = int(np.asarray(pd.isna(values)).sum())
    if not missing and getattr(values.dtype, "kind", "O") == "f":
        missing = int(np.isinf(np.asarray(values, np.float64)).sum())
    if missing:
        raise InputError(f"{what} has {missing} missing or infinite values; drop those rows")


def _class_indices(
    values: Targets, what: str, order: Sequence[Label] | None
) -> tuple[NDArray[np.int64], tuple[Label, ...]]:
    """Return the class of each row and the labels, sorted if they have no order."""
    import pandas as pd

    indices, classes = pd.factorize(values, sort=True)
    if wrong := [label for label in classes.tolist() if isinstance(label, str) and not is_unicode(label)]:
        raise InputError(f"{what} has the label {wrong[0]!r}, which files cannot hold; replace it")
    if len(classes) < 2:
        raise InputError(f"{what} is {classes.tolist()[0]!r} in every row; classification needs two classes")
    if len(classes) > len(values) // 2:
        remedy = "choose a column with fewer labels"
        if not (text := _text_in(classes)):
            remedy = f"pass {setting('task', 'regression')}, or {remedy}"
        elif len(text) < len(classes) / 2:
            remedy = f"correct those that are not numbers, such as {text[0]!r:.60}, or {remedy}"
        raise InputError(f"{what} has {len(classes)} different labels in {len(values)} rows; {remedy}")
    labels = tuple(classes.tolist())
    if order is not None:
        places = {label: place for place, label in enumerate(order)}
        ordered = sorted(range(len(labels)), key=lambda index: places[labels[index]])
        indices, labels = np.argsort(ordered)[indices], tuple(labels[index] for index in ordered)
    return indices.astype(np.int64), labels


def _text_in(labels: Targets) -> list[Label]:
    """Return the labels that are not numbers."""
    import pandas as pd

    return [label for label in labels.tolist() if np.isnan(numbers(pd.Series([label]))[0])]


def _guess(values: Targets) -> tuple[Task, str]:
    """Return the task that a target looks like, and why."""
    if values.dtype.kind not in "iuf":
        return "classification", "it holds text" if values.dtype.kind == "O" else "it is true or false"
    if not (values == np.round(values)).all():
        return "regression", "it has decimals"
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) <= 2:
        return "classification", "it has two different values"
    if len(levels) > min(_MOST_GUESSED, len(values) // 2):
        return "regression", f"it has {len(levels)} different integers"
    if counts.min() >= counts.max() / 4 and (len(levels) <= 20 or levels[0] in (0, 1)):
        return "classification", f"its {len(levels)} different integers are about equally frequent"
    if _has_one_peak(counts.astype(np.float64)):
        return "regression", f"its {len(levels)} different integers look like counts: they are rarer away from one peak"
    return "classification", f"it has {len(levels)} different integers, and their frequencies have no order"


def _has_one_peak(counts: Floats) -> bool:
    """Return whether frequencies rise to one peak and fall after it, apart from noise, as those of counts do."""
    left, right = np.maximum.accumulate(counts), np.maximum.accumulate(counts[::-1])[::-1]
    shoulders = np.minimum(left, right)
    return bool(((shoulders - counts) <= _DEVIATIONS * np.sqrt(shoulders + counts)).all())
