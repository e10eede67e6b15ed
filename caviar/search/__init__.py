from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.one_by_one import next_point
from caviar.search.sampling import Grid, Random, Sobol, share
from caviar.search.search import Search
from caviar.search.square import Square, edges

__all__ = ["CoarseToFine", "Grid", "Random", "Search", "Sobol", "Square", "edges", "next_point", "share"]
