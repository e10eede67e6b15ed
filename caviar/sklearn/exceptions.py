"""The exceptions of a search: that of a fit, brought from its trainer to be raised again, and what cannot be sent."""

import contextlib
import warnings
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

from caviar.errors import CaviarError, InputError
from caviar.fleet.pickling import dumps, loads
from caviar.fleet.worker.trainables import UnpicklableError
from caviar.records.trial import Result
from caviar.records.trial_files import output_file
from caviar.sklearn.internals import SCORING_FAILED

_TRACEBACK = "Traceback (most recent call last):\n"


@contextlib.contextmanager
def carried() -> Iterator[None]:
    """Add its pickle to an exception that is raised inside the block, for `exception_from`."""
    try:
        yield
    except Exception as error:
        vars(error)["caviar_pickled"] = _pickled(error)
        raise


def _pickled(error: Exception) -> bytes:
    """Return an exception pickled, whatever its constructor takes; b"" if it would not be the same elsewhere."""
    kind = type(error)
    for parts in ((error,), (kind, error.args, vars(error)), (kind, error.args, {})):
        with contextlib.suppress(Exception):  # raised by a class's own code, or by the pickler
            content = dumps(parts)
            again = _unpickled(content)
            if type(again) is kind and str(again) == str(error):
                return content
    return b""


def _unpickled(content: bytes) -> Exception:
    first, *rest = loads(content)
    if not rest:
        return first  # type: ignore[no-any-return]
    arguments, attributes = rest
    error: Exception = first.__new__(first, *arguments)  # its constructor may take other arguments
    vars(error).update(attributes)
    return error


def exception_from(result: Result) -> Exception:
    """Return the exception that a failed trial raised, to be raised again, with the trial's output as a note."""
    error = _unpickled(result.raised) if result.raised else CaviarError(result.error)
    error.add_note(result.output)
    return error


def exception_of(trace: str) -> str:
    """Return the exception at the end of a printed traceback, with its whole message.

    >>> exception_of("Traceback (most recent call last):\\n  File 'a.py', line 1, in <module>\\nValueError: no\\n")
    'ValueError: no'
    """
    lines = trace.rpartition(_TRACEBACK)[2].splitlines()
    return "\n".join(dropwhile(lambda line: line.startswith("  "), lines)) or trace


def warn_about_scorer(folder: Path, trials: int) -> None:
    """Warn if a scorer raised, as scikit-learn has done where it scored, with the output of the first such trial.

    Args:
        folder: of the study.
        trials: how many there are.
    """
    files = [file for number in range(trials) if (file := folder / output_file(number)).exists()]
    outputs = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    failed = [output for output in outputs if SCORING_FAILED in output]
    if failed:
        count = f"{len(failed)} of {trials} configurations"
        text = f"Scoring failed for {count}. The output of the first of them:\n{failed[0]}"
        warnings.warn(text, stacklevel=5)  # the line that calls `fit`


@contextlib.contextmanager
def naming_n_jobs() -> Iterator[None]:
    """Say what to do about an estimator, data or a scorer that cannot be sent to the trainers."""
    try:
        yield
    except UnpicklableError as error:
        raise InputError(f"the estimator, its parameters, data or scorer {error.reason}; try n_jobs=1") from None
