from caviar.search.base import Search
from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.samplers import Grid, Random, Sobol, share
from caviar.search.sequential import next_point
from caviar.search.square import Square, edges

__all__ = ["CoarseToFine", "Grid", "Random", "Search", "Sobol", "Square", "edges", "next_point", "share"]
