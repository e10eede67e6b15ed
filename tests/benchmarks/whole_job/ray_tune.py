"""Ray Tune's job: Optuna's search with PyTorch, in actors that are used again."""

import os

from ray import tune
from ray.tune.search.optuna import OptunaSearch

from tests.benchmarks.whole_job.clock import WORKERS, Job, seconds

SPACE = {
    "learning_rate": tune.loguniform(1e-4, 1),
    "one_minus_momentum": tune.loguniform(0.001, 0.1),
    "hidden_units": tune.randint(50, 101),
    "batch_size": tune.choice([32, 64, 128, 256]),
    "hidden_layers": tune.randint(1, 5),
    "lr_decay": tune.loguniform(1e-3, 1),
}


class Digits(tune.Trainable):
    """One configuration; a step trains it to its end."""

    def setup(self, config: dict) -> None:
        self._job = config["job"]

    def reset_config(self, new_config: dict) -> bool:
        self.config = new_config
        return True

    def step(self) -> dict:
        from tests.benchmarks.pytorch import train

        config = {**self.config, "momentum": 1 - self.config["one_minus_momentum"]}
        validation, test = train(config, self._job.seed)
        self._job.mark_trial()
        return {"val_accuracy": validation, "test_accuracy": test, "done": True}


def main(job: Job) -> None:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    search = OptunaSearch(seed=job.seed)
    settings = tune.TuneConfig(
        metric="val_accuracy", mode="max", num_samples=job.trials, search_alg=search, max_concurrent_trials=WORKERS,
        reuse_actors=True,
    )  # fmt: skip
    # a trial whose checkpoint fails at its end, as this one's would, counts as failed, and its actor is not used again
    without = tune.CheckpointConfig(checkpoint_at_end=False)
    run = tune.RunConfig(storage_path=str(job.folder / "results"), checkpoint_config=without, verbose=0)
    results = tune.Tuner(Digits, param_space={**SPACE, "job": job}, tune_config=settings, run_config=run).fit()
    assert not results.errors
    job.finish(seconds(), results.get_best_result().metrics["test_accuracy"])


if __name__ == "__main__":
    main(Job.of_arguments())
