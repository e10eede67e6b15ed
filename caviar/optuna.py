"""Caviar's search in Optuna: a sampler for `optuna.create_study`.

It keeps no state: each sample depends only on the trials in the study's storage, so studies with many workers and
studies that resume need nothing else.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from caviar._checks import check_integer, check_seed
from caviar.errors import InputError, MissingError
from caviar.search import next_point
from caviar.space import Space, choice
from caviar.space.entries import hyperparameter_from
from caviar.space.hyperparameters import Hyperparameter, are_ascending
from caviar.space.scales import Array

try:
    from optuna import Study
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.search_space import intersection_search_space
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial, TrialState
except ModuleNotFoundError:
    raise MissingError("caviar.optuna", "Optuna", "optuna") from None


class CaviarSampler(BaseSampler):  # type: ignore[misc]
    """The coarse-to-fine search as an Optuna sampler, one trial at a time.

    Parameters that all trials have are searched together. The first trial, and parameters that only some trials have,
    are sampled at random. Failed trials count as bad, pruned ones as no better than the worst completed one.

    Args:
        trials: about how many trials the study will have, >= 1; more may follow. The first quarter covers the whole
            space, then the square shrinks as results come in.
        seed: >= 0; None for a random one. With one worker the same seed gives the same trials.

    >>> import optuna
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(sampler=CaviarSampler(trials=20, seed=0))
    >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=20)
    >>> bool(abs(study.best_params["x"]) < 0.1)
    True
    """

    def __init__(self, *, trials: int = 100, seed: int | None = None) -> None:
        self._trials = check_integer("trials", trials)
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else check_seed(seed)
        self._independent = RandomSampler(seed=self._seed)

    def reseed_rng(self) -> None:
        """Reseed the independent parameters, so that parallel workers differ; they share the search's seed."""
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that all trials so far have, with the same distribution."""
        common = intersection_search_space(study.get_trials(deepcopy=False), include_pruned=True)
        return {name: distribution for name, distribution in common.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, object]:
        """Return the next point of the search, as parameters."""
        _check_single_objective(study)
        if not search_space:
            return {}
        space = Space(**{name: _hyperparameter(distribution) for name, distribution in search_space.items()})
        trials = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        pairs = [(other, _point(other.params, search_space, space)) for other in trials]
        finished = [(other, point) for other, point in pairs if point is not None and other.state.is_finished()]
        running = [(other, point) for other, point in pairs if other.state == TrialState.RUNNING]
        point = next_point(
            space,
            np.array([point for _, point in finished]).reshape(-1, space.dimension),
            _values([other for other, _ in finished], maximise=study.direction == StudyDirection.MAXIMIZE),
            np.array([point for _, point in running if point is not None]).reshape(-1, space.dimension),
            trials=self._trials,
            seed=self._seed,
            skip=sum(point is None and other.number < trial.number for other, point in running),
        )
        (config,) = space.configs(point[None])
        return {name: _to_parameter(config[name], distribution) for name, distribution in search_space.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> object:
        """Return a random value of one parameter."""
        _check_single_objective(study)
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


def _check_single_objective(study: Study) -> None:
    if len(study.directions) > 1:
        raise InputError(f"study must have one objective, got {len(study.directions)}; try one of Optuna's samplers")


def _hyperparameter(distribution: BaseDistribution) -> Hyperparameter:
    """Return the hyperparameter that represents a distribution: for choices, their index, in order if they are."""
    if isinstance(distribution, CategoricalDistribution):
        return choice(range(len(distribution.choices)), ordinal=are_ascending(distribution.choices))
    hyperparameter = hyperparameter_from(distribution)
    assert hyperparameter
    return hyperparameter


def _to_parameter(value: float, distribution: BaseDistribution) -> object:
    """Return the parameter of the distribution for a value of its hyperparameter."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[value]
    return min(max(value, distribution.low), distribution.high)


def _from_parameter(parameter: object, distribution: BaseDistribution) -> float:
    """Return the value of the hyperparameter for a parameter of its distribution."""
    internal: float = distribution.to_internal_repr(parameter)
    return int(internal) if isinstance(distribution, CategoricalDistribution) else internal


def _point(params: Mapping[str, object], search_space: Mapping[str, BaseDistribution], space: Space) -> Array | None:
    """Return the point of some parameters, shape (d,); None if one is missing or (enqueued by hand) out of bounds."""
    if not search_space.keys() <= params.keys():
        return None
    try:
        points = space.points([{name: _from_parameter(params[name], d) for name, d in search_space.items()}])
    except ValueError:
        return None
    return np.array(points[0])


def _values(trials: Sequence[FrozenTrial], *, maximise: bool) -> Array:
    """Return the values of finished trials, shape (n,), lower is better; NaN: failed."""
    sign = -1.0 if maximise else 1.0
    worst = max((sign * trial.value for trial in trials if trial.state == TrialState.COMPLETE), default=-np.inf)

    def value(trial: FrozenTrial) -> float:
        if trial.state == TrialState.PRUNED and trial.intermediate_values:
            return float(max(sign * trial.intermediate_values[trial.last_step], worst))
        return float(sign * trial.value) if trial.state == TrialState.COMPLETE else np.nan

    return np.array([value(trial) for trial in trials])
