"""What goes wrong, in one sentence each: what was wrong, with the value, and what to do."""

from typing import Any


class CaviarError(Exception):
    """Anything that Caviar refuses or cannot do; the CLI prints its sentence without a traceback."""


class InputError(CaviarError, ValueError):
    """A value, file or combination that the user can put right."""


class MissingError(InputError, ImportError):
    """An optional package that is not installed.

    Args:
        wanted_for: what needs it.
        package: its name.
        extra: the extra of Caviar that brings it.
    """

    def __init__(self, wanted_for: str, package: str, extra: str) -> None:
        super().__init__(f"{wanted_for} needs {package}; install it with: pip install 'caviar[{extra}]'")


class StorageError(CaviarError):
    """A study folder or URI that cannot be read, written, or is in use."""


class ClusterError(CaviarError):
    """A Ray cluster that cannot be reached or cannot give what a study asks for."""


class PausedError(CaviarError):
    """A study that stopped itself, because its trials fail one after the other for one cause.

    Args:
        sentence: what happened.
        cause: what the failures have in common.
        last: the result of the last trial that failed, with its error and what it printed.
    """

    def __init__(self, sentence: str, cause: str, last: Any = None) -> None:
        super().__init__(sentence)
        self.cause = cause
        self.last = last
