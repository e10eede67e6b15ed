"""A study as one of Optuna's, so that its dashboard, its pictures and its other tools can read it."""

import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any

from caviar._checks import import_optional
from caviar._secrets import hide_secrets
from caviar.errors import InputError
from caviar.records.objective import Objective
from caviar.records.settings import Settings
from caviar.records.trial import Result, State
from caviar.space import Choice, Integer, Space
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.references import named
from caviar.space.scales import LOG

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


def create_study(
    settings: Settings, storage: "str | BaseStorage", name: str | None = None, *, load: bool = False
) -> "Study":
    """Create a study in a storage, or load it if it may exist; raise InputError if it may not and does."""
    optuna = import_optional("optuna", "Optuna's storage", "optuna")
    database_errors = import_optional("sqlalchemy.exc", "Optuna's storage", "optuna")
    check_storage(storage)
    name = settings.name if name is None else name
    try:
        study = optuna.create_study(
            storage=storage, study_name=name, direction=f"{settings.objective.mode}imize", load_if_exists=load
        )
    except optuna.exceptions.DuplicatedStudyError:
        raise InputError(f"the storage has a study named {name!r}; pass another name, or delete it") from None
    except (ImportError, database_errors.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = str(error.__cause__ or error).partition("\n")[0]
        raise InputError(f"Optuna cannot open the storage {hide_secrets(str(storage))} ({reason})") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if study.metric_names is None:
            study.set_metric_names([settings.objective.metric])
    return study


def check_storage(storage: object) -> None:
    """Raise InputError for what is neither a database's URL nor a storage of Optuna's."""
    storages = import_optional("optuna.storages", "Optuna's storage", "optuna")
    if isinstance(storage, storages.BaseStorage | None) or (isinstance(storage, str) and "://" in storage):
        return
    remedy = f"; try 'sqlite:///{storage}'" if isinstance(storage, str) and storage else ""
    raise InputError(f"storage must be the URL of a database or a storage of Optuna's, got {storage!r}{remedy}")


def frozen_trial(result: Result, space: Space, objective: Objective) -> "FrozenTrial":
    """Return a trial that has ended as one of Optuna's."""
    optuna = import_optional("optuna", "Optuna's storage", "optuna")
    hyperparameters = {dimension.name: dimension.hyperparameter for dimension in space.dimensions}
    params = {name: _option(result.config[name]) for name in hyperparameters if name in result.config}
    distributions = {name: _distribution(hyperparameters[name], value) for name, value in params.items()}
    states = optuna.trial.TrialState
    state = {State.FINISHED: states.COMPLETE, State.STOPPED: states.PRUNED}.get(result.state, states.FAIL)
    trial: FrozenTrial = optuna.trial.create_trial(
        state=state,
        value=result.metrics.get(objective.metric) if result.state is State.FINISHED else None,
        params=params,
        distributions=distributions,
        user_attrs=_attributes(result, params, objective),
        intermediate_values={
            point.epoch: point.metrics[objective.metric] for point in result.curve if objective.metric in point.metrics
        },
    )
    if result.began is not None and result.ended is not None:
        trial.datetime_start, trial.datetime_complete = map(datetime.fromtimestamp, (result.began, result.ended))
    return trial


def _attributes(result: Result, params: dict[str, Any], objective: Objective) -> dict[str, Any]:
    """What Optuna has no place for; constants of the config among it."""
    attributes: dict[str, Any] = {"trial": result.trial, "wave": result.wave, "state": str(result.state)}
    attributes |= {"epochs": result.epochs, "seconds": result.seconds, "seed": result.seed, "worker": result.worker}
    attributes |= {"confirms": result.confirms} if result.confirms is not None else {}
    attributes |= {"error": result.error} if result.error else {}
    constants = {name: _option(value) for name, value in result.config.items() if name not in params}
    return constants | {name: v for name, v in result.metrics.items() if name != objective.metric} | attributes


def _distribution(hyperparameter: Hyperparameter, value: Any) -> "BaseDistribution":
    """Return the distribution of a hyperparameter, wide enough for a config that was enqueued out of its bounds."""
    distributions = import_optional("optuna.distributions", "Optuna's storage", "optuna")
    if isinstance(hyperparameter, Choice):
        return distributions.CategoricalDistribution([_option(option) for option in hyperparameter.options])
    low, high = min(hyperparameter.low, value), max(hyperparameter.high, value)
    is_integer, step = isinstance(hyperparameter, Integer), hyperparameter.step
    kind = distributions.IntDistribution if is_integer else distributions.FloatDistribution
    if hyperparameter.scale is LOG and (not is_integer or step == 1) and (is_integer or step is None):
        return kind(low, high, log=True)
    return kind(low, high, step=step)


def _option(value: Any) -> Any:
    """Return an option as Optuna can store it: what is neither a number, a string nor None, as its name."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(named(value))
