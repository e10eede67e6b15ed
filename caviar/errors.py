"""Caviar's errors. Each message is one sentence, without passwords: what was wrong, with the value, and what to do."""

from caviar._secrets import hide_secrets
from caviar._version import install_command


class CaviarError(Exception):
    """Anything that Caviar refuses or cannot do; the CLI prints it without a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(hide_secrets(sentence), allowed="\n"))


def printable(text: str, allowed: str = "") -> str:
    r"""Return a text in which characters that would steer a terminal are escaped: it may come from anybody's file.

    >>> print(printable("width\nin mm"))
    width\nin mm
    """
    return "".join(c if c.isprintable() or c in allowed else repr(c)[1:-1] for c in text)


class InputError(CaviarError, ValueError):
    """A value, file or combination that the user can correct."""


class OwnCodeError(InputError):
    """An error of the user's own code, which is the cause; the CLI prints the traceback of that one first."""


class MissingError(InputError, ImportError):
    """An optional package that is not installed; `extra` is the extra of Caviar that installs it."""

    def __init__(self, needed_for: str, package: str, extra: str) -> None:
        super().__init__(f"{needed_for} needs {package}; install it with: {install_command(extra)}")
        self._arguments = needed_for, package, extra

    def __reduce__(self) -> tuple[type["MissingError"], tuple[str, str, str]]:
        return type(self), self._arguments  # otherwise it could not be unpickled


class StorageError(CaviarError):
    """A study folder or URI that cannot be read or written, or is in use."""


class ClusterError(CaviarError):
    """A Ray cluster that cannot be reached or cannot give what a study asks for."""


class HeadLostError(ClusterError):
    """A Ray cluster whose head no longer answers; the CLI then ends at once, since Ray would wait for the head."""


class PausedError(CaviarError):
    """A study that stopped itself because one trial after another failed for the same reason.

    `signature` is what the failures have in common, `last` the result of the last trial that failed.
    """

    def __init__(self, sentence: str, signature: str = "", last: object = None) -> None:
        super().__init__(sentence)
        self.signature, self.last = signature, last
