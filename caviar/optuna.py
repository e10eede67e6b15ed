"""Caviar's search inside Optuna: a sampler for studies of `optuna.create_study`.

    import optuna
    from caviar.optuna import CaviarSampler

    study = optuna.create_study(sampler=CaviarSampler(trials=100, seed=0))
    study.optimize(objective, n_trials=100)

It keeps no state: each sample follows from the trials in the study's storage, so that studies with many workers, or
taken up again, need nothing besides.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.errors import InputError, MissingError
from caviar.search import next_point
from caviar.space import Space, choice, lograndint, loguniform, randint, uniform
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

try:
    from optuna import Study
    from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.search_space import intersection_search_space
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial, TrialState
except ModuleNotFoundError:
    raise MissingError("caviar.optuna", "Optuna", "optuna") from None


class CaviarSampler(BaseSampler):  # type: ignore[misc]
    """Coarse to fine, one trial at a time, as a sampler of Optuna's.

    Parameters that every trial has are searched together; the first trial, and parameters that only some trials
    have, are drawn at random. Failed trials count as bad, pruned ones as no better than the worst that was completed.

    Args:
        trials: about how many the study is to have: the first quarter is spread over the whole space, and the square
            shrinks as the others come in. More may follow.
        seed: 0 or more; None for another one each time. The same seed gives the same trials with one worker.

    Raises:
        ValueError: from sampling, where a study has several objectives.
    """

    def __init__(self, *, trials: int = 100, seed: int | None = None) -> None:
        self._trials = trials
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._independent = RandomSampler(seed=self._seed)

    def reseed_rng(self) -> None:
        """Let parallel workers draw different independent parameters; the search they have in common."""
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that all trials so far have, with the same distribution."""
        common = intersection_search_space(study.get_trials(deepcopy=False), include_pruned=True)
        return {name: distribution for name, distribution in common.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The next point of the search, as parameters."""
        _check_one_objective(study)
        if not search_space:
            return {}
        space = Space(**{name: _hyperparameter(distribution) for name, distribution in search_space.items()})
        trials = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        others = [(other, _point(other.params, search_space, space)) for other in trials]
        finished = [(other, point) for other, point in others if point is not None and other.state.is_finished()]
        running = [(other, point) for other, point in others if other.state == TrialState.RUNNING]
        point = next_point(
            space,
            np.array([point for _, point in finished]).reshape(-1, space.dimension),
            _values([other for other, _ in finished], study.direction == StudyDirection.MAXIMIZE),
            np.array([point for _, point in running if point is not None]).reshape(-1, space.dimension),
            trials=self._trials,
            seed=self._seed,
            ahead=sum(point is None and other.number < trial.number for other, point in running),
        )
        (config,) = space.configs(point[None])
        return {name: _parameter(config[name], distribution) for name, distribution in search_space.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A parameter at random."""
        _check_one_objective(study)
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


def _check_one_objective(study: Study) -> None:
    if len(study.directions) > 1:
        raise InputError(f"CaviarSampler takes one objective, and this study has {len(study.directions)}")


def _hyperparameter(distribution: BaseDistribution) -> Hyperparameter:
    """The hyperparameter that a distribution is to the search: of choices and steps the index."""
    if isinstance(distribution, CategoricalDistribution):
        return choice(range(len(distribution.choices)))
    low, high = distribution.low, distribution.high
    if _stepped(distribution):
        return randint(0, round((high - low) / distribution.step))
    if distribution.log:
        return lograndint(low, high) if isinstance(distribution, IntDistribution) else loguniform(low, high)
    return uniform(low, high)


def _parameter(value: Any, distribution: BaseDistribution) -> Any:
    """A value of `_hyperparameter` as a parameter of the distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[value]
    value = distribution.low + value * distribution.step if _stepped(distribution) else value
    return min(max(value, distribution.low), distribution.high)


def _value(parameter: Any, distribution: BaseDistribution) -> Any:
    """A parameter of the distribution as a value of `_hyperparameter`."""
    if isinstance(distribution, CategoricalDistribution):
        return int(distribution.to_internal_repr(parameter))
    return round((parameter - distribution.low) / distribution.step) if _stepped(distribution) else parameter


def _stepped(distribution: BaseDistribution) -> bool:
    return distribution.step is not None and not distribution.log


def _point(params: Mapping[str, Any], search_space: Mapping[str, BaseDistribution], space: Space) -> Array | None:
    """Where parameters lie, shape (d,); None where some are missing or, enqueued by hand, out of their bounds."""
    if not search_space.keys() <= params.keys():
        return None
    try:
        (point,) = space.points([{name: _value(params[name], d) for name, d in search_space.items()}])
    except InputError:
        return None
    found: Array = point
    return found


def _values(finished: Sequence[FrozenTrial], maximised: bool) -> Array:
    """What the search is told, shape (n,): to be minimised, NaN for what failed."""
    sign = -1.0 if maximised else 1.0
    worst = max((sign * trial.value for trial in finished if trial.state == TrialState.COMPLETE), default=-np.inf)

    def value(trial: FrozenTrial) -> float:
        if trial.state == TrialState.PRUNED and trial.intermediate_values:
            return float(max(sign * trial.intermediate_values[trial.last_step], worst))
        return float(sign * trial.value) if trial.state == TrialState.COMPLETE else np.nan

    return np.array([value(trial) for trial in finished])
