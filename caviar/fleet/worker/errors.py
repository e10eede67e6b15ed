"""How the error of a user's own code reads: in one sentence, and as a traceback of the user's own frames."""

import traceback
from pathlib import Path

from caviar._secrets import hide_secrets
from caviar.errors import CaviarError

_PACKAGE = Path(__file__).parents[2]
_CALLERS = [_PACKAGE / path for path in ("fleet", "study/importing.py", "space/references.py")]  # of the user's code


def describe(error: BaseException) -> str:
    """Return the class and the text of an error, the text alone of our own, without passwords and tokens of URLs.

    >>> describe(KeyError("x")), describe(MemoryError())
    ("KeyError: 'x'", 'MemoryError')
    """
    try:
        text = str(error)
    except BaseException as own:  # an error class of the user's may fail here
        text = f"its text raised {type(own).__name__}"
    sentence = text if isinstance(error, CaviarError) else f"{type(error).__name__}: {text}".removesuffix(": ")
    return hide_secrets(sentence)


def own_traceback(error: BaseException) -> str:
    """Return the traceback of an error without the frames that lead to the user's code; "" for a sentence of ours."""
    described = traceback.TracebackException.from_exception(error)
    _drop_frames(described)
    if isinstance(error, CaviarError) and not described.stack:
        return ""
    return "".join(described.format())


def _drop_frames(error: traceback.TracebackException) -> None:
    """Drop frames from an error, and from those that it came from or consists of."""
    own = [frame for frame in error.stack if not _is_foreign(frame.filename)]
    error.stack = traceback.StackSummary.from_list(own)
    for other in (error.__cause__, error.__context__, *(error.exceptions or ())):
        if other is not None:
            _drop_frames(other)


def _is_foreign(file: str) -> bool:
    return file.startswith("<frozen importlib") or any(map(Path(file).is_relative_to, _CALLERS))
