"""Coarse to fine against a single wave: what are the later waves worth at the same total?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from caviar._checks import check_integer
from caviar.experiments.finding import Drawing, Finding
from caviar.experiments.intervals import bootstrap, exact
from caviar.experiments.trainings import train
from caviar.insight.figures.style import WAVES, error_bars, figure
from caviar.search import Budget, CoarseToFine
from caviar.space import Space, cube, default_space
from caviar.space.scales import Array

_CLAIM = "A coarse wave and fine waves find a better point than one wave of the same total."
_SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Tuning process; Caviar's own premise"
_WAVE_NUMBERS = (1, 2, 4)
_DIMENSION = 5
_REPEATS = 10  # training runs of a winner
_SAMPLE = 1000  # random points; the median of their values has a regret of 1

Function = Callable[[Array], Array]  # from points or distances to the optimum, shape (n, d), to values, shape (n,)
_FUNCTIONS: dict[str, Function] = {
    "bowl": lambda z: (z**2).sum(axis=1),
    "curved valley": lambda z: (100 * (z[:, 1:] - z[:, :-1] ** 2 - z[:, :-1]) ** 2 + z[:, :-1] ** 2).sum(axis=1),
    "ripples": lambda z: ((3 * z) ** 2 + 0.3 * (1 - np.cos(12 * np.pi * z))).sum(axis=1),
}


def coarse_and_fine(trials: int = 64, seeds: int = 10, epochs: int = 10) -> Finding:
    """Spend the same budget in one wave, in two and in four, on three functions and on the digits (Ng 2017).

    One wave is a Sobol' sequence over the whole space; all choose their winner the same way (`Search.recommend`). The
    functions have 5 dimensions and an optimum anywhere in the cube; their score is the regret: 0 at the optimum, 1 at
    the median of random points. On the digits, the search minimises the validation loss of the built-in network over
    its six hyperparameters; the winner is trained again with 10 new seeds, and scored by their mean loss on held-out
    test data. Seeds are paired: for each number of waves the optimum is the same.

    Args:
        trials: the total number of trials, >= 8.
        seeds: repetitions for each subject, >= 1.
        epochs: epochs of each training run on the digits, >= 1.

    Returns:
        A finding whose table has a row per subject and number of waves: the mean score with its bootstrap 95%
        interval, and the share of the seeds in which it beat one wave with its exact interval.

    >>> coarse_and_fine(trials=8, seeds=1, epochs=1).table["waves"].tolist()
    [1, 2, 4, 1, 2, 4, 1, 2, 4, 1, 2, 4]
    """
    check_integer("seeds", seeds)
    scores = {name: _regrets(function, trials, seeds) for name, function in _FUNCTIONS.items()}
    scores["digits network"] = _digits(trials, seeds, epochs)
    rows = [
        _row(subject, waves, subject_scores[i], subject_scores[0])
        for subject, subject_scores in scores.items()
        for i, waves in enumerate(_WAVE_NUMBERS)
    ]
    table = pd.DataFrame(rows).assign(trials=trials, seeds=seeds)
    drawings = {"scores": Drawing("scores", _draw)}
    return Finding("coarse-and-fine", _CLAIM, _SOURCE, _conclusions(table), {"scores": table}, drawings)


def _winner(space: Space, values: Function, budget: Budget) -> Array:
    """Return the point, shape (d,), that a search recommends after it has spent its budget."""
    search = CoarseToFine(space, budget)
    while not search.done:
        points = search.ask()
        search.tell(points, values(points))
    return search.recommend()


def _regrets(function: Function, trials: int, seeds: int) -> Array:
    """Return the winner's regret, shape (numbers of waves, seeds)."""
    regrets = np.empty((len(_WAVE_NUMBERS), seeds))
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        optimum = generator.random(_DIMENSION)

        def values(points: Array, optimum: Array = optimum) -> Array:
            return function(points - optimum)

        median = np.median(values(generator.random((_SAMPLE, _DIMENSION))))
        for i, waves in enumerate(_WAVE_NUMBERS):
            winner = _winner(cube(_DIMENSION), values, Budget(trials, waves, seed))
            regrets[i, seed] = values(winner[None])[0] / median
    return regrets


def _digits(trials: int, seeds: int, epochs: int) -> Array:
    """Return the winner's mean test loss, shape (numbers of waves, seeds)."""
    space, losses = default_space(), np.empty((len(_WAVE_NUMBERS), seeds))
    for seed in range(seeds):
        for i, waves in enumerate(_WAVE_NUMBERS):
            generator = np.random.default_rng((seed, i))

            def values(points: Array, generator: np.random.Generator = generator) -> Array:
                return train(space.configs(points), _seeds(generator, len(points)), epochs)["val_loss"].to_numpy()

            (winner,) = space.configs(_winner(space, values, Budget(trials, waves, seed))[None])
            losses[i, seed] = train([winner] * _REPEATS, _seeds(generator, _REPEATS), epochs)["test_loss"].mean()
    return losses


def _seeds(generator: np.random.Generator, count: int) -> list[int]:
    return [int(seed) for seed in generator.integers(2**31, size=count)]


def _row(subject: str, waves: int, scores: Array, one_wave: Array) -> dict[str, object]:
    low, high = bootstrap(scores)
    row: dict[str, object] = {"subject": subject, "waves": waves, "score": float(scores.mean())}
    row |= {"score_low": low, "score_high": high}
    if waves > 1:
        wins = int(np.sum(scores < one_wave))
        row["beats_one_wave"] = wins / len(scores)
        row["beats_low"], row["beats_high"] = exact(wins, len(scores))
    return row


def _conclusions(table: pd.DataFrame) -> tuple[str, ...]:
    sentences = []
    for subject, rows in table.groupby("subject", sort=False):
        scores = ", ".join(f"{row['score']:.3g} in {row['waves']}" for row in rows.to_dict("records"))
        last = rows.iloc[-1]
        wins = f"{last['beats_one_wave']:.0%} [{last['beats_low']:.0%}, {last['beats_high']:.0%}]"
        beats = f"{last['waves']} waves beat one in {wins} of {last['seeds']} seeds"
        sentences.append(f"{subject}: mean score {scores} wave(s); {beats}.")
    return tuple(sentences)


def _draw(table: pd.DataFrame) -> object:
    traces = []
    one_wave = table[table["waves"] == 1].set_index("subject")["score"]
    for number, colour in zip(sorted(table["waves"].unique()), WAVES, strict=False):
        rows = table[table["waves"] == number]
        unit = rows["subject"].map(one_wave)
        middle, low, high = (rows[name] / unit for name in ("score", "score_low", "score_high"))
        trace = {"type": "bar", "name": f"{number} wave{'s' if number > 1 else ''}", "x": rows["subject"], "y": middle}
        traces.append(trace | {"marker": {"color": colour}, "error_y": error_bars(middle, low, high)})
    caption = "The winner's score as a share of that of one wave of the same total; lower is better."
    yaxis = {"title": {"text": "score, one wave = 1"}, "rangemode": "tozero"}
    return figure(caption, traces, yaxis=yaxis, barmode="group")
