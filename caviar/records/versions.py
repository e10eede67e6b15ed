"""The versions that a study ran on, kept in its journal for those who repeat it."""

import platform

from caviar._version import VERSION

PACKAGES = ("numpy", "scipy", "pandas", "ray")


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a study's numbers depend on.

    >>> sorted(installed_versions())
    ['caviar', 'numpy', 'pandas', 'python', 'ray', 'scipy']
    """
    from importlib.metadata import PackageNotFoundError, version  # importing Caviar should not wait for it

    versions = {"python": platform.python_version(), "caviar": VERSION}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
