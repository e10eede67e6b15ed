"""The version of Caviar, and the name under which it is installed."""

NAME = "caviar-tune"  # `caviar` on the package index is another project
VERSION = "0.1.0"


def install_command(extra: str) -> str:
    """Return the command that installs an extra.

    >>> install_command("report")
    "pip install 'caviar-tune[report]'"
    """
    return f"pip install '{NAME}[{extra}]'"
