"""Optuna's job: its TPE with PyTorch, in as many processes as there are workers, over a journal file."""

import multiprocessing

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tests.benchmarks.whole_job.clock import WORKERS, Job, seconds

NAME = "digits"


def suggest(trial: optuna.Trial) -> dict[str, float]:
    """Return a configuration of the default space."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1, log=True),
        "momentum": 1 - trial.suggest_float("one_minus_momentum", 0.001, 0.1, log=True),
        "hidden_units": trial.suggest_int("hidden_units", 50, 100),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
        "hidden_layers": trial.suggest_int("hidden_layers", 1, 4),
        "lr_decay": trial.suggest_float("lr_decay", 1e-3, 1, log=True),
    }


def work(job: Job, worker: int) -> None:
    """Train this process's share of the trials."""
    from tests.benchmarks.pytorch import train

    def objective(trial: optuna.Trial) -> float:
        validation, test = train(suggest(trial), seed=trial.number)
        trial.set_user_attr("test_accuracy", test)
        job.mark_trial()
        return validation

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=job.seed * WORKERS + worker)
    study = optuna.load_study(study_name=NAME, storage=storage(job), sampler=sampler)
    study.optimize(objective, n_trials=job.trials // WORKERS)


def storage(job: Job) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(job.folder / "journal.log")))


def main(job: Job) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(study_name=NAME, storage=storage(job), direction="maximize")
    processes = [multiprocessing.get_context("spawn").Process(target=work, args=(job, i)) for i in range(WORKERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    best = study.best_trial
    job.finish(seconds(), best.user_attrs["test_accuracy"])


if __name__ == "__main__":
    main(Job.of_arguments())
