"""Small studies whose trials take no time: the search is real, and a function determines what each trial reaches."""

import itertools
import math

import caviar

EVIL = "<script>alert(1)</script>"


def outcome_of(
    folder, space, value, *, trials=32, waves=1, search="random", name="made", mode="max", epochs=3, seed=0, grow=False
):
    """Run a study in this process and return its outcome.

    `value(config, number)` returns what the trial of that number reaches: a number, NaN (it diverges) or the message
    of the error that it fails with.
    """
    numbers = itertools.count()

    def train(config, seed):
        reached = value(config, next(numbers))
        if isinstance(reached, str):
            raise ValueError(reached)
        for epoch in range(1, epochs + 1):
            yield {"score": reached * epoch / epochs}

    study = caviar.Study(
        train, space=space, trials=trials, waves=waves, seed=seed, metric="score", mode=mode, epochs=epochs,
        search=search, grow=grow, confirm=False, name=name, out=folder, workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False, failures=math.inf)
    return study.outcome


def cube(dimension):
    """The unit cube as a space."""
    return caviar.Space(**{f"x{j}": caviar.uniform(0, 1) for j in range(dimension)})


def mixed_space():
    """A space of every kind of hyperparameter, with options that a page must escape."""
    return caviar.Space(
        rate=caviar.loguniform(1e-4, 1.0, tier=1),
        momentum=caviar.reverseloguniform(0.9, 0.999),
        units=caviar.randint(1, 8, tier=3),
        kind=caviar.choice(["plain", EVIL, '"><img src=x onerror=alert(2)>']),
    )


def mixed_value(config, number):
    """The score of a trial over `mixed_space`: some fail, some diverge, the others prefer a rate of 0.01."""
    if number % 13 == 0:
        return f"{EVIL}</script><!--"
    if config["rate"] > 0.5:
        return math.nan
    return 1 - (math.log10(config["rate"]) + 2) ** 2 / 8 - config["units"] / 50
