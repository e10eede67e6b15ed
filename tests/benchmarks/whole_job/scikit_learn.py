"""scikit-learn's job: RandomizedSearchCV of its MLPClassifier, over Caviar's split of the digits."""

import functools
import itertools
import os

import numpy as np
from scipy.stats import loguniform
from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier

import caviar
from tests.benchmarks.whole_job.clock import EPOCHS, WORKERS, Job, seconds


class _ReverseLog:
    """1 - r, where r is log-uniform: the momentum of the default space."""

    def rvs(self, random_state: object = None) -> float:
        return float(1 - loguniform(0.001, 0.1).rvs(random_state=random_state))


SPACE = {
    "learning_rate_init": loguniform(1e-4, 1),
    "beta_1": _ReverseLog(),
    "hidden_layer_sizes": [(units,) * depth for units, depth in itertools.product(range(50, 101), range(1, 5))],
    "batch_size": [32, 64, 128, 256],
}


def score(job: Job, network: MLPClassifier, x: np.ndarray, y: np.ndarray) -> float:
    """Return the accuracy, and note that a trial has ended."""
    accuracy = float(network.score(x, y))
    job.mark_trial()
    return accuracy


def main(job: Job) -> None:
    os.environ["PYTHONWARNINGS"] = "ignore"  # that 20 epochs are too few to converge, in all processes
    data = caviar.load_digits()
    x, y = np.concatenate([data.train_x, data.val_x]), np.concatenate([data.train_y, data.val_y])
    split = PredefinedSplit(np.repeat([-1, 0], [len(data.train_x), len(data.val_x)]))
    search = RandomizedSearchCV(
        MLPClassifier(max_iter=EPOCHS, random_state=job.seed), SPACE, n_iter=job.trials, cv=split, refit=False,
        scoring=functools.partial(score, job), n_jobs=WORKERS, random_state=job.seed,
    )  # fmt: skip
    search.fit(x, y)
    winner = seconds()
    network = MLPClassifier(max_iter=EPOCHS, random_state=job.seed, **search.best_params_)
    job.finish(winner, float(network.fit(data.train_x, data.train_y).score(data.test_x, data.test_y)))


if __name__ == "__main__":
    main(Job.of_arguments())
