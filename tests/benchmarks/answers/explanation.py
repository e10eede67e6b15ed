"""Explanations of winners: coverage of the gains, and their cost: `python -m tests.benchmarks.answers.explanation`.

On noisy functions of five hyperparameters whose gains are known: how often the 95% intervals hold them, and how often
the largest one comes first. On the digits: what brings how much, and the time, compared with the study's own.
"""

import tempfile
import time

import numpy as np

import caviar

STUDIES = 40
NOISE = 0.02
WEIGHTS = {"a": 1.0, "b": 0.5, "c": 0.25, "d": 0.1, "e": 0.0}
SPACE = caviar.Space(**{name: caviar.uniform(0, 1, default=0.1) for name in WEIGHTS})


def value(config):
    """The loss without noise: each hyperparameter adds its own part, and the first two interact."""
    parts = {name: (config[name] - 0.7) ** 2 for name in WEIGHTS}
    return sum(weight * parts[name] for name, weight in WEIGHTS.items()) + parts["a"] * parts["b"]


def train(config, seed):
    """Noise that differs from config to config, as that of networks does."""
    generator = np.random.default_rng([seed, *(int(1e6 * config[name]) for name in WEIGHTS)])
    return {"loss": value(config) + NOISE * generator.standard_normal()}


def print_coverage(root):
    """Print how often intervals hold the gains that are known."""
    held = total = first = 0
    for seed in range(STUDIES):
        study = caviar.Study(
            train, space=SPACE, metric="loss", mode="min", trials=32, seed=seed, confirm=False, workers=0,
            isolation="none", out=f"{root}/{seed}",
        )  # fmt: skip
        study.run(progress=False)
        explanation = caviar.explain(study, seeds=8)
        config = dict(explanation.baseline)
        gains = {}
        for change in explanation.changes:
            before = value(config)
            config[change.name] = change.after
            gains[change.name] = before - value(config)
            held += change.gain.low <= gains[change.name] <= change.gain.high
            total += 1
        first += explanation.changes[0].name == max(gains, key=gains.get)
    print(f"{STUDIES} studies of a function: 95% intervals hold {held} of {total} gains ({held / total:.1%})")
    print(f"the largest gain comes first in {first} of {STUDIES}")


def print_digits(root):
    """Print explanations of winners on the digits, and what they cost."""
    for seed in range(3):
        start = time.perf_counter()
        study = caviar.Study("digits", trials=64, seed=seed, workers=0, out=f"{root}/digits-{seed}")
        study.run(progress=False)
        middle = time.perf_counter()
        explanation = caviar.explain(study)
        own, again = middle - start, time.perf_counter() - middle
        print(f"digits, seed {seed}: {explanation.trainings} trainings in {again:.0f} s, the study {own:.0f} s")
        print(f"  {explanation}")


def main():
    """Print both."""
    with tempfile.TemporaryDirectory() as root:
        print_coverage(root)
        print_digits(root)


if __name__ == "__main__":
    main()
