"""Caviar's job: the digits with the default space, as `caviar run` trains them."""

import caviar
from tests.benchmarks.whole_job.clock import EPOCHS, WORKERS, Job, seconds


class _Marks(caviar.Callback):
    def __init__(self, job: Job) -> None:
        self._job = job

    def on_trial_end(self, result: object) -> None:
        self._job.mark_trial()


def main(job: Job) -> None:
    settings = {"trials": job.trials, "epochs": EPOCHS, "workers": WORKERS, "seed": job.seed, "confirm": False}
    study = caviar.Study("digits", **settings, out=job.folder / "study")
    study.run(progress=False, callbacks=[_Marks(job)])
    job.finish(seconds(), study.outcome.test.metrics["test_accuracy"])


if __name__ == "__main__":
    main(Job.of_arguments())
