"""Ask-and-tell searches, in waves or point by point: coarse to fine, and the baselines."""

from caviar.search.base import Search
from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.samplers import Grid, Random, Sobol
from caviar.search.schedule import Budget
from caviar.search.sequential import next_point
from caviar.search.square import Square

__all__ = ["Budget", "CoarseToFine", "Grid", "Random", "Search", "Sobol", "Square", "next_point"]
