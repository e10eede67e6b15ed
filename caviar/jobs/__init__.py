"""Studies on a cluster that is reached through Ray's Jobs API alone, and the studies on this machine."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caviar.jobs.client import Cluster, connect

__all__ = ["Cluster", "connect"]


def __getattr__(name: str) -> object:  # imported at first use: Ray takes a second, `caviar status` needs none of it
    if name not in __all__:
        raise AttributeError(f"module 'caviar.jobs' has no attribute {name!r}")
    return getattr(import_module("caviar.jobs.client"), name)
