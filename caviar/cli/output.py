"""What a command prints: text for people, or JSON for programs."""

import contextlib
import errno
import functools
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from caviar._streams import open_standard_streams
from caviar.errors import StorageError

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
T = TypeVar("T")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # of a disk, or of a terminal that is gone


def prints(
    show: Callable[[T], object],
    plain: Callable[[T], object] = lambda value: value,
    is_failure: Callable[[T], bool] = lambda value: False,
) -> Callable[[Callable[P, T]], Callable[..., None]]:
    """Make a command print what its function returns: with `show`, or with --json what `plain` makes of it as JSON.

    With --json everything else that is printed on the way goes to standard error. The command exits with 1 if what
    the function returns is a failure.

    >>> @click.command()
    ... @prints(click.echo)
    ... def answer():
    ...     return 42
    >>> answer(["--json"], standalone_mode=False)
    42
    """

    def decorate(function: Callable[P, T]) -> Callable[..., None]:
        @click.option("--json", "as_json", is_flag=True, help="Print JSON; messages go to standard error.")
        @functools.wraps(function)
        def command(*arguments: Any, as_json: bool, **options: Any) -> None:
            if as_json:
                with contextlib.redirect_stdout(sys.stderr):
                    value = plain(result := function(*arguments, **options))
                click.echo(to_json(value))
            else:
                show(result := function(*arguments, **options))
            if is_failure(result):
                sys.exit(1)

        return command

    return decorate


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Open the standard streams that are closed, to nowhere; raise StorageError where output cannot be written."""
    open_standard_streams()
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in _FULL or error.filename:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer is written at exit
        raise StorageError(f"cannot write the output ({error.strerror}); free some space") from None


def to_json(value: object) -> str:
    """Return a value as JSON: NaN and infinity become null, dates ISO 8601, anything unknown its text.

    >>> to_json({"loss": float("nan"), "sizes": (32, 64)})
    '{"loss": null, "sizes": [32, 64]}'
    """
    return json.dumps(_plain(value), allow_nan=False, ensure_ascii=False)


def records(table: "pd.DataFrame") -> list[dict[str, object]]:
    """Return the rows of a table as mappings, with None for missing values."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _plain(value: Any) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):  # a NumPy number
        return _plain(value.item())
    return [_plain(item) for item in value] if isinstance(value, Iterable) else str(value)
