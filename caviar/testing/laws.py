"""How a check states a law."""

from collections.abc import Callable

from caviar.errors import InputError


def require(condition: bool, law: str) -> None:
    """Raise AssertionError with a law that is broken."""
    if not condition:
        raise AssertionError(law)


def require_valid(call: Callable[[], object], law: str) -> None:
    """Raise AssertionError with a law and the InputError of a call that breaks it."""
    try:
        call()
    except InputError as error:
        raise AssertionError(f"{law}: {error}") from None


def raises(kind: type[Exception], call: Callable[[], object]) -> bool:
    """Return whether a call raises an error of a kind."""
    try:
        call()
    except Exception as error:
        return isinstance(error, kind)
    return False
