"""Studies on a cluster that is reached through Ray's Jobs API alone, and their like on this machine."""

from caviar.service.cluster import Cluster, connect

__all__ = ["Cluster", "connect"]
