"""Experiments that test the claims Caviar is based on, at any size; they report what was found, not what was expected.

Each experiment is a function that returns a `Finding`: tables, and the conclusions and pictures made from them. All run
in this process, without Ray; equal seeds give equal tables. The command `caviar experiments` runs the same functions.

>>> finding = learning_rate_scale(trials=32, seeds=4)
>>> finding.table.columns[:2].tolist()
['scale', 'interval']
"""

from caviar.experiments.batch_norm import covariate_shift
from caviar.experiments.finding import Finding
from caviar.experiments.grids import random_against_grid
from caviar.experiments.running import EXPERIMENTS
from caviar.experiments.scales import learning_rate_scale, momentum_scale
from caviar.experiments.waves import coarse_and_fine

__all__ = [
    "EXPERIMENTS",
    "Finding",
    "coarse_and_fine",
    "covariate_shift",
    "learning_rate_scale",
    "momentum_scale",
    "random_against_grid",
]
