"""Random against grid: of two searches of equal size, which finds the better point?"""

import numpy as np
import pandas as pd

from caviar._checks import check_integer
from caviar.experiments.finding import Drawing, Finding
from caviar.experiments.intervals import bootstrap, exact
from caviar.experiments.trainings import train
from caviar.insight.figures.style import ACCENT, error_bars, figure
from caviar.search import Budget, Grid, Random
from caviar.space import cube, default_space
from caviar.space.scales import Array

_CLAIM = "Random search finds a better point than a grid of equal size when few hyperparameters matter."
_SOURCE = "Bergstra & Bengio 2012, Random search for hyper-parameter optimization, JMLR 13, sections 1 and 2.4"
_DIMENSION = 6  # that of the built-in network's space
_FUNCTIONS = 20  # per seed, for each number of coordinates that matter


def random_against_grid(trials: int = 64, seeds: int = 10, epochs: int = 10) -> Finding:
    """Run both searches on functions with 1 to 6 coordinates that matter, and on the digits (Bergstra & Bengio 2012).

    The functions are bowls, sum (u_j - o_j)^2 over the coordinates that matter, with the optimum o anywhere in the
    cube. On the digits, the score is the lowest validation loss of the built-in network over its six hyperparameters.
    The grid is Caviar's: near-even, with the centres of cells as points, and random points left out if it has more
    than `trials`. On the digits it is always the same, and only the networks' seeds differ.

    Args:
        trials: trials of each search, >= 1.
        seeds: the number of searches on the digits, >= 1; each seed also adds 20 functions of every kind.
        epochs: epochs of each training run on the digits, >= 1.

    Returns:
        A finding whose table has a row per subject: the share of its problems in which random found the better point
        with its exact 95% interval, and the mean best value of each search with bootstrap intervals.

    >>> random_against_grid(trials=4, seeds=1, epochs=1).table["problems"].tolist()
    [20, 20, 20, 20, 20, 20, 1]
    """
    check_integer("seeds", seeds)
    rows = [_row(f"{k} of {_DIMENSION} matter", *_bowls(k, trials, seeds)) for k in range(1, _DIMENSION + 1)]
    rows.append(_row("digits network", *_digits(trials, seeds, epochs)))
    table = pd.DataFrame(rows).assign(trials=trials)
    drawings = {"shares": Drawing("shares", _draw)}
    return Finding("random-against-grid", _CLAIM, _SOURCE, _conclusions(table), {"shares": table}, drawings)


def _bowls(matter: int, trials: int, seeds: int) -> tuple[Array, Array]:
    """Return the lowest value that random and grid find on each function, each of shape (20 seeds,)."""
    lowest = np.empty((2, _FUNCTIONS * seeds))
    for i in range(_FUNCTIONS * seeds):
        generator = np.random.default_rng((matter, i))
        optimum, relevant = generator.random(_DIMENSION), generator.permutation(_DIMENSION)[:matter]
        for j, search in enumerate((Random, Grid)):
            points = search(cube(_DIMENSION), Budget(trials, waves=1, seed=i)).ask()
            lowest[j, i] = ((points - optimum)[:, relevant] ** 2).sum(axis=1).min()
    return lowest[0], lowest[1]


def _digits(trials: int, seeds: int, epochs: int) -> tuple[Array, Array]:
    """Return the lowest validation loss that random and grid find for each seed, each of shape (seeds,)."""
    space, configs, network_seeds = default_space(), [], []
    for seed in range(seeds):
        for search in (Random, Grid):
            configs += space.configs(search(space, Budget(trials, waves=1, seed=seed)).ask())
            network_seeds += [seed * trials + trial for trial in range(trials)]
    losses = train(configs, network_seeds, epochs)["val_loss"].to_numpy().reshape(seeds, 2, trials)
    random, grid = np.nanmin(losses, axis=2).T
    return random, grid


def _row(subject: str, random: Array, grid: Array) -> dict[str, object]:
    wins, count = int(np.sum(random < grid)), len(random)
    low, high = exact(wins, count)
    row: dict[str, object] = {"subject": subject, "problems": count, "random_wins": wins / count}
    row |= {"random_wins_low": low, "random_wins_high": high}
    for name, values in (("random", random), ("grid", grid)):
        row[f"{name}_best"] = float(values.mean())
        row[f"{name}_low"], row[f"{name}_high"] = bootstrap(values)
    return row


def _conclusions(table: pd.DataFrame) -> tuple[str, ...]:
    sentences = []
    for row in table.to_dict("records"):
        verdict = "no visible difference"
        if row["random_wins_low"] > 0.5:
            verdict = "random finds the better point more often"
        elif row["random_wins_high"] < 0.5:
            verdict = "the grid finds the better point more often"
        share = f"{row['random_wins']:.0%} [{row['random_wins_low']:.0%}, {row['random_wins_high']:.0%}]"
        sentences.append(f"{row['subject']}: random wins {share} of {row['problems']}; {verdict}.")
    return tuple(sentences)


def _draw(table: pd.DataFrame) -> object:
    share = table["random_wins"]
    error = error_bars(share, table["random_wins_low"], table["random_wins_high"])
    bars = {"type": "bar", "x": table["subject"], "y": share, "marker": {"color": ACCENT}, "error_y": error}
    return figure(
        "How often random search finds a better point than a grid of equal size; the line marks a draw.",
        [bars],
        yaxis={"tickformat": ".0%", "range": [0, 1.02], "title": {"text": "random wins"}},
        shapes=[{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "line_dash": "dot"}],
    )
