"""Studies on a cluster that is reached only through Ray's Jobs API, and the studies on this machine."""
