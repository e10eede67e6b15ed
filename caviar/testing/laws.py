"""How a check states a law."""

from collections.abc import Callable


def require(condition: bool, law: str) -> None:
    """Raise AssertionError with a law that is broken."""
    if not condition:
        raise AssertionError(law)


def raises(kind: type[Exception], call: Callable[[], object]) -> bool:
    """Return whether a call raises an error of a kind."""
    try:
        call()
    except Exception as error:
        return isinstance(error, kind)
    return False
