"""Coarse to fine against one wave: what is the second look worth at the same total?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from caviar.experiments.finding import Finding
from caviar.experiments.intervals import bootstrap, exact
from caviar.experiments.trainings import trained
from caviar.insight.figures.style import WAVES, figure
from caviar.search import CoarseToFine
from caviar.space import Space, cube, default_space
from caviar.space.scales import Array

CLAIM = "A coarse wave and fine waves find a better point than one wave of the same total."
SOURCE = "Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Tuning process; Caviar's own premise"
WAVE_NUMBERS = (1, 2, 4)
DIMENSION = 5
AGAIN = 10  # trainings of a winner
SAMPLE = 1000  # random points whose median is a regret of 1

Function = Callable[[Array], Array]  # distances from the optimum, shape (n, d), to values, shape (n,)
FUNCTIONS: dict[str, Function] = {
    "bowl": lambda z: (z**2).sum(axis=1),
    "curved valley": lambda z: (100 * (z[:, 1:] - z[:, :-1] ** 2 - z[:, :-1]) ** 2 + z[:, :-1] ** 2).sum(axis=1),
    "ripples": lambda z: ((3 * z) ** 2 + 0.3 * (1 - np.cos(12 * np.pi * z))).sum(axis=1),
}


def coarse_and_fine(trials: int = 64, seeds: int = 10) -> Finding:
    """Spend one budget as one wave, as two and as four, on three functions and on the digits network.

    One wave is a Sobol' sequence over the whole space; all name their winner in the same way (`Search.recommend`).
    The functions have 5 dimensions and an optimum anywhere in the cube; their score is the regret: 0 at the
    optimum, 1 at the median of random points. The digits are the built-in network with its six hyperparameters,
    10 epochs a trial, searched by validation loss; the winner is trained again with 10 fresh seeds, and scored by their
    mean loss on held-out test data. Seeds are paired: all numbers of waves meet the same optimum.

    Args:
        trials: in all, 8 or more.
        seeds: repetitions on each subject.

    Returns:
        A finding whose table has a row a subject and number of waves: the mean score with its bootstrap 95%
        interval, and the share of the seeds in which it beat one wave with its exact interval.

    Source of the claim: Ng 2017, Improving deep neural networks (deeplearning.ai), week 3: Tuning process.
    """
    scores = {name: _functions(function, trials, seeds) for name, function in FUNCTIONS.items()}
    scores["digits network"] = _digits(trials, seeds)
    rows = [
        _row(subject, waves, of_waves[i], of_waves[0])
        for subject, of_waves in scores.items()
        for i, waves in enumerate(WAVE_NUMBERS)
    ]
    table = pd.DataFrame(rows).assign(trials=trials, seeds=seeds)
    return Finding("coarse-and-fine", CLAIM, SOURCE, _found(table), {"scores": table}, {"scores": ("scores", _draw)})


def search(space: Space, values: Callable[[Array], Array], trials: int, waves: int, seed: int) -> Array:
    """Search in so many waves; give the point named as the winner, shape (d,).

    Args:
        values: points, shape (n, d), to what is to be minimised, shape (n,).
    """
    method = CoarseToFine(space, trials=trials, waves=waves, seed=seed)
    while not method.done:
        points = method.ask()
        method.tell(points, values(points))
    return method.recommend()


def _functions(function: Function, trials: int, seeds: int) -> Array:
    """The winner's regret, shape (numbers of waves, seeds)."""
    regrets = np.empty((len(WAVE_NUMBERS), seeds))
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        optimum = generator.random(DIMENSION)

        def values(points: Array, optimum: Array = optimum) -> Array:
            return function(points - optimum)

        usual = np.median(values(generator.random((SAMPLE, DIMENSION))))
        for i, waves in enumerate(WAVE_NUMBERS):
            winner = search(cube(DIMENSION), values, trials, waves, seed)
            regrets[i, seed] = values(winner[None])[0] / usual
    return regrets


def _digits(trials: int, seeds: int) -> Array:
    """The winner's mean test loss, shape (numbers of waves, seeds)."""
    space, losses = default_space(), np.empty((len(WAVE_NUMBERS), seeds))
    for seed in range(seeds):
        for i, waves in enumerate(WAVE_NUMBERS):
            drawn = np.random.default_rng((seed, i))

            def values(points: Array, drawn: np.random.Generator = drawn) -> Array:
                return trained(space.configs(points), _numbers(drawn, len(points)))["val_loss"].to_numpy()

            (winner,) = space.configs(search(space, values, trials, waves, seed)[None])
            again = trained([winner] * AGAIN, _numbers(drawn, AGAIN))
            losses[i, seed] = again["test_loss"].mean()
    return losses


def _numbers(generator: np.random.Generator, count: int) -> list[int]:
    """Seeds for so many trainings."""
    return [int(number) for number in generator.integers(2**31, size=count)]


def _row(subject: str, waves: int, scores: Array, one_wave: Array) -> dict[str, object]:
    low, high = bootstrap(scores)
    row: dict[str, object] = {"subject": subject, "waves": waves, "score": float(scores.mean())}
    row |= {"score_low": low, "score_high": high}
    if waves > 1:
        wins = int(np.sum(scores < one_wave))
        row["beats_one_wave"] = wins / len(scores)
        row["beats_low"], row["beats_high"] = exact(wins, len(scores))
    return row


def _found(table: pd.DataFrame) -> tuple[str, ...]:
    sentences = []
    for subject, rows in table.groupby("subject", sort=False):
        scores = ", ".join(f"{row['score']:.3g} in {row['waves']}" for row in rows.to_dict("records"))
        last = rows.iloc[-1]
        wins = f"{last['beats_one_wave']:.0%} [{last['beats_low']:.0%}, {last['beats_high']:.0%}]"
        beat = f"{last['waves']} waves beat one in {wins} of {last['seeds']} seeds"
        sentences.append(f"{subject}: mean score {scores} wave(s); {beat}.")
    return tuple(sentences)


def _draw(table: pd.DataFrame) -> object:
    traces = []
    first = table[table["waves"] == 1].set_index("subject")["score"]
    for number, colour in zip(sorted(table["waves"].unique()), WAVES, strict=False):
        rows = table[table["waves"] == number]
        unit = rows["subject"].map(first)
        middle, low, high = (rows[name] / unit for name in ("score", "score_low", "score_high"))
        error = {"type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low}
        trace = {"type": "bar", "name": f"{number} wave{'s' if number > 1 else ''}", "x": rows["subject"], "y": middle}
        traces.append(trace | {"marker": {"color": colour}, "error_y": error})
    caption = "The winner's score as a share of what one wave of the same total reaches; lower is better."
    yaxis = {"title": {"text": "score, one wave = 1"}, "rangemode": "tozero"}
    return figure(caption, traces, yaxis=yaxis, barmode="group")
