"""Studies on a cluster that is reached through Ray's Jobs API alone, and the studies on this machine."""
