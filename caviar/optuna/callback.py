"""A study in Optuna's storage while it runs."""

from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from caviar.errors import InputError
from caviar.records.optuna_study import check_storage, create_study, frozen_trial
from caviar.records.outcome import Outcome
from caviar.records.trial import Result
from caviar.study.callbacks import Callback


class OptunaCallback(Callback):
    """Writes each trial into a storage of Optuna's when it has ended; `optuna-dashboard` shows them live.

    A study that is resumed goes on in the study of the same name; another study is refused there. `Outcome.to_optuna`
    writes a whole study at once.

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
        check_storage(storage)
        self._storage, self._name = storage, name
        self._study: Study | None = None  # until it could be opened

    def on_study_begin(self, outcome: Outcome) -> None:
        """Create or load the study, and add the trials that it has not."""
        study = create_study(outcome.settings, self._storage, self._name, load=True)
        trials = study.get_trials(deepcopy=False)
        known = {trial.user_attrs.get("trial") for trial in trials}
        ours = {(result.trial, result.seed) for result in outcome.results}
        reached = {(t.user_attrs.get("trial"), t.user_attrs.get("seed")) for t in trials if t.state != TrialState.FAIL}
        if not reached <= ours:  # failed trials may run again
            name = study.study_name
            raise InputError(f"the storage has another study named {name!r}; pass another name, or delete it")
        self._study, self._space, self._objective = study, outcome.space, outcome.settings.objective
        for result in outcome.results:
            if result.trial not in known:
                self.on_trial_end(result)

    def on_trial_end(self, result: Result) -> None:
        """Add a trial."""
        if self._study is not None:
            self._study.add_trial(frozen_trial(result, self._space, self._objective))
