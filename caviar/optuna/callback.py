"""A study in Optuna's storage while it runs."""

from optuna import Study
from optuna.storages import BaseStorage

from caviar.records.optuna_study import create_study, frozen_trial
from caviar.records.outcome import Outcome
from caviar.records.trial import Result
from caviar.study.callbacks import Callback


class OptunaCallback(Callback):
    """Writes each trial into a storage of Optuna's when it has ended; `optuna-dashboard` shows them live.

    A study that is resumed goes on in the study of the same name. `Outcome.to_optuna` writes a whole study at once.

    Args:
        storage: such as "sqlite:///studies.db", or a storage of Optuna's.
        name: of the study in it; the study's own by default.

    >>> import caviar, optuna, tempfile
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> storage = optuna.storages.InMemoryStorage()
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> _ = study.run(progress=False, callbacks=[OptunaCallback(storage, name="live")])
    >>> len(optuna.load_study(study_name="live", storage=storage).trials)
    4
    """

    def __init__(self, storage: str | BaseStorage, name: str | None = None) -> None:
        self._storage, self._name = storage, name

    def on_study_begin(self, outcome: Outcome) -> None:
        """Create or load the study, and add the trials that it has not."""
        self._study: Study = create_study(outcome.settings, self._storage, self._name, load=True)
        self._space, self._objective = outcome.space, outcome.settings.objective
        known = {trial.user_attrs.get("trial") for trial in self._study.get_trials(deepcopy=False)}
        for result in outcome.results:
            if result.trial not in known:
                self.on_trial_end(result)

    def on_trial_end(self, result: Result) -> None:
        """Add a trial."""
        self._study.add_trial(frozen_trial(result, self._space, self._objective))
