"""Helpers that check a law."""

from collections.abc import Callable

from caviar.errors import InputError


def require(condition: bool, law: str) -> None:
    """Raise AssertionError with the law if the condition is false."""
    if not condition:
        raise AssertionError(law)


def require_valid(call: Callable[[], object], law: str) -> None:
    """Raise AssertionError with the law and the error if the call raises InputError."""
    try:
        call()
    except InputError as error:
        raise AssertionError(f"{law}: {error}") from None


def raises(kind: type[Exception], call: Callable[[], object]) -> bool:
    """Return whether the call raises an error of this kind."""
    try:
        call()
    except Exception as error:
        return isinstance(error, kind)
    return False
