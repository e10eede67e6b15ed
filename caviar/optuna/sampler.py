"""Caviar's search in Optuna: a sampler for `optuna.create_study`.

Each sample depends only on the trials in the study's storage, so studies with many workers and studies that resume need
nothing else. What it remembers of a study saves it from reading each trial again for each sample.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from caviar._checks import check_integer, check_seed
from caviar.errors import InputError
from caviar.search.sequential import Sequential
from caviar.space import Space
from caviar.space.entries import choice_of_index, hyperparameter_from
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

_ASKING = timedelta(seconds=10)  # after which a trial has its parameters, by clocks that may differ by seconds


class CaviarSampler(BaseSampler):  # type: ignore[misc]
    """The coarse-to-fine search as an Optuna sampler, one trial at a time.

    Parameters that all trials have are searched together. The first trial, and parameters that only some trials have,
    are sampled at random. Failed trials count as bad, pruned ones as no better than the worst completed one.

    Args:
        trials: about how many trials the study will have, >= 1; more may follow. The first quarter covers the whole
            space, then the search zooms in as results come in.
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
        self._independent = RandomSampler(seed=self._seed % 2**32)  # NumPy's largest seed, and one
        self._memories: WeakKeyDictionary[Study, _Memory] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: not the memories of studies."""
        return {name: value for name, value in self.__dict__.items() if name != "_memories"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _memories=WeakKeyDictionary())

    def reseed_rng(self) -> None:
        """Reseed the independent parameters, so that parallel workers differ; they share the search's seed."""
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that all trials so far have, with the same distribution."""
        memory = self._remember(study)
        with memory.lock:
            common = memory.common.calculate(study)
        return {name: distribution for name, distribution in common.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, object]:
        """Return the next point of the search, as parameters."""
        _check_single_objective(study)
        if not search_space:
            return {}
        memory = self._remember(study)
        with memory.lock:  # the threads of `optimize(n_jobs=...)` share it
            space, point = memory.next_point(study, trial, search_space, self._trials, self._seed)
        (config,) = space.configs(point[None])
        return {name: _to_parameter(config[name], distribution) for name, distribution in search_space.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> object:
        """Return a random value of one parameter."""
        _check_single_objective(study)
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _remember(self, study: Study) -> "_Memory":
        """Return what is known of a study; it is forgotten with the study."""
        if (memory := self._memories.get(study)) is None:
            memory = self._memories.setdefault(study, _Memory(IntersectionSearchSpace(include_pruned=True)))
        return memory


@dataclass
class _Memory:
    """What is known of one study."""

    common: IntersectionSearchSpace
    known: "_Known | None" = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_point(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution], trials: int, seed: int
    ) -> tuple[Space, Array]:
        """Return the space of some parameters and the next point of the search in it, shape (d,)."""
        if self.known is None or self.known.search_space != search_space:
            self.known = _Known(search_space, trials, seed)
        known = self.known
        others = known.read(study.get_trials(deepcopy=False), maximise=study.direction == StudyDirection.MAXIMIZE)
        running = [(other, known.point(other)) for other in others if other.number != trial.number]
        point = known.search.ask(
            np.array([point for _, point in running if point is not None]).reshape(-1, known.space.dimension),
            skip=sum(point is None and _asks_before(other, trial) for other, point in running),
        )
        return known.space, point


class _Ended(NamedTuple):
    """A finished trial, as the search is told it; a pruned one counts as no better than the worst completed one."""

    time: datetime
    number: int
    point: Array
    value: float  # lower is better; NaN: failed
    pruned: bool


class _Known:
    """The finished trials of a study in one search space, as they ended, and a search that knows them.

    Args:
        search_space: the parameters that are searched together.
        trials, seed: of the search.
    """

    def __init__(self, search_space: dict[str, BaseDistribution], trials: int, seed: int) -> None:
        self.search_space, self._settings = search_space, (trials, seed)
        self.space = Space(**{name: _hyperparameter(distribution) for name, distribution in search_space.items()})
        self._seen = 0  # how many trials there were when they were last read
        self._unfinished: list[int] = []  # the numbers of those that had not ended then
        self._ended: list[_Ended] = []
        self._worst = -np.inf  # value of a completed trial
        self.search = Sequential(self.space, trials=trials, seed=seed)

    def read(self, trials: list[FrozenTrial], *, maximise: bool) -> list[FrozenTrial]:
        """Tell the search the trials that have ended since the last time, and return those that are running.

        If they change earlier ones, the search is told all again. `trials` are all trials, by number.
        """
        unread = [*(trials[number] for number in self._unfinished), *trials[self._seen :]]
        self._seen = len(trials)
        self._unfinished = [trial.number for trial in unread if not trial.state.is_finished()]
        self._tell([trial for trial in unread if trial.state.is_finished()], maximise)
        return [trial for trial in unread if trial.state == TrialState.RUNNING]

    def _tell(self, finished: list[FrozenTrial], maximise: bool) -> None:
        pairs = [(trial, self.point(trial)) for trial in finished]
        new = sorted(
            (_ended(trial, point, maximise) for trial, point in pairs if point is not None), key=lambda end: end[:2]
        )
        worst = max((end.value for end in new if not end.pruned and end.value > self._worst), default=self._worst)
        late = bool(new and self._ended and new[0][:2] < self._ended[-1][:2])
        if late or (worst > self._worst and any(end.pruned for end in self._ended)):
            new, self._ended = sorted([*self._ended, *new], key=lambda end: end[:2]), []
            trials_, seed = self._settings
            self.search = Sequential(self.space, trials=trials_, seed=seed)
        self._worst = worst
        self._ended += new
        values = [max(end.value, worst) if end.pruned else end.value for end in new]
        self.search.tell(np.array([end.point for end in new]).reshape(-1, self.space.dimension), np.array(values))

    def point(self, trial: FrozenTrial) -> Array | None:
        """Return the point of a trial, shape (d,); None if a parameter is missing or, enqueued, out of bounds."""
        if not self.search_space.keys() <= trial.params.keys():
            return None
        config = {name: _from_parameter(trial.params[name], d) for name, d in self.search_space.items()}
        try:
            return np.array(self.space.points([config])[0])
        except ValueError:
            return None


def _asks_before(other: FrozenTrial, trial: FrozenTrial) -> bool:
    """Return whether a running trial without parameters asks for them at the same time; its process may have died."""
    begun, now = other.datetime_start or datetime.min, trial.datetime_start or datetime.max
    return other.number < trial.number and now - begun < _ASKING


def _ended(trial: FrozenTrial, point: Array, maximise: bool) -> _Ended:
    """Return a finished trial at a point."""
    pruned = trial.state == TrialState.PRUNED and bool(trial.intermediate_values)
    value = trial.intermediate_values[trial.last_step] if pruned else trial.value
    known = pruned or trial.state == TrialState.COMPLETE
    signed = (-float(value) if maximise else float(value)) if known else np.nan
    return _Ended(trial.datetime_complete or datetime.min, trial.number, point, signed, pruned)


def _check_single_objective(study: Study) -> None:
    if len(study.directions) > 1:
        raise InputError(f"study must have one objective, got {len(study.directions)}; try one of Optuna's samplers")


def _hyperparameter(distribution: BaseDistribution) -> Hyperparameter:
    """Return the hyperparameter that represents a distribution: for choices, their index, in order if they are."""
    if isinstance(distribution, CategoricalDistribution):
        return choice_of_index(distribution.choices)
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
