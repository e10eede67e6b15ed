"""Which versions a study ran on: kept in its journal, for whoever repeats it."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("caviar", "numpy", "scipy", "pandas", "ray")


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that a study's numbers depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
