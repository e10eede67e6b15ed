"""Caviar's search in Ray Tune: a `Searcher` for `tune.Tuner`.

from ray import tune
from caviar.tune import CaviarSearch

tuner = tune.Tuner(
    train,
    param_space={"lr": tune.loguniform(1e-4, 1), "units": tune.randint(50, 101)},
    tune_config=tune.TuneConfig(search_alg=CaviarSearch(seed=0), metric="loss", mode="min", num_samples=100),
)
tuner.fit()
"""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from caviar._checks import check_integer, check_seed
from caviar.errors import InputError, MissingError
from caviar.fleet.worker.reports import as_number
from caviar.records.objective import Mode, Objective
from caviar.search.sequential import Sequential
from caviar.space import Config, Space
from caviar.space.entries import choice_of_index, entry_from, tuner_of
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

try:
    from ray import cloudpickle
    from ray.tune.search import Searcher
    from ray.tune.search.sample import Categorical, Domain
    from ray.tune.search.variant_generator import assign_value, parse_spec_vars
except ImportError:
    raise MissingError("caviar.tune", "Ray Tune", "tune") from None

_DEFAULT_TRIALS = 100


class CaviarSearch(Searcher):  # type: ignore[misc]
    """The coarse-to-fine search as a Ray Tune searcher, one trial at a time.

    Trials that raised, or whose metric is not a number, count as bad. The same seed gives the same trials if they
    run one after the other (`max_concurrent_trials=1`), because the next trial depends on which have finished.

    Args:
        space: a `caviar.Space`, or a dict with Tune's domains, which may be nested; default: the tuner's `param_space`.
        metric: what to optimise; default: the tuner's.
        mode: "min" or "max"; default: the tuner's.
        trials: about how many trials there will be, >= 1: the first quarter covers the whole space, then the search
            zooms in as results come in. Default: the tuner's `num_samples`.
        seed: >= 0.

    >>> from ray import tune
    >>> search = CaviarSearch({"lr": tune.loguniform(1e-4, 1), "layers": 2}, metric="loss", mode="min", trials=10)
    >>> config = search.suggest("trial 0")
    >>> 1e-4 <= config["lr"] <= 1, config["layers"]
    (True, 2)
    >>> search.on_trial_complete("trial 0", {"loss": 0.5})
    """

    def __init__(
        self,
        space: Space | Config | None = None,
        *,
        metric: str | None = None,
        mode: str | None = None,
        trials: int | None = None,
        seed: int = 0,
    ) -> None:
        Objective("metric" if metric is None else metric, cast(Mode, mode or "min"))  # says what is wrong with them
        super().__init__(metric=metric, mode=mode)
        self._trials = None if trials is None else check_integer("trials", trials)
        self._seed = check_seed(seed)
        self._template: Config | None = None  # Tune's config with domains; None for a `caviar.Space`
        self._space: Space | None = None
        self._pending: dict[str, Array] = {}  # the points of running trials, by id
        self._points: list[Array] = []
        self._values: list[float] = []
        self._search: Sequential | None = None
        self._told = 0  # how many of the points the search knows
        if space is not None and not isinstance(space, Mapping):
            raise InputError(f"space must be a caviar.Space or a dict of domains, got {space!r}; try {{'lr': ...}}")
        if isinstance(space, Space):
            self._space = space
        elif space:
            self._set_template(space)

    def set_search_properties(self, metric: str | None, mode: str | None, config: Config, **spec: Any) -> bool:
        """Use the tuner's settings; return False if both the tuner and this search have a space."""
        has_domains = bool(_domains(config))
        if has_domains and self._space is not None:
            return False
        if has_domains:
            self._set_template(config)
        self._metric, self._mode = metric or self.metric, mode or self.mode
        num_samples = spec.get("num_samples", -1)
        self._trials = self._trials or (num_samples if num_samples > 0 else None)
        return True

    def suggest(self, trial_id: str) -> Config:
        """Return the config of the next trial."""
        if self._space is None:
            raise InputError("space must be a caviar.Space or a dict of domains, got None; try the tuner's param_space")
        if not self._metric or not self._mode:
            raise InputError(
                f"metric and mode must be set, got {self._metric!r} and {self._mode!r}; "
                "try CaviarSearch(metric='loss', mode='min')"
            )
        if self._space.dimension == 0:
            raise InputError(f"nothing varies in {self._space!r}; give at least one hyperparameter a range")
        if self._search is None:
            self._search = Sequential(self._space, trials=self._trials or _DEFAULT_TRIALS, seed=self._seed)
        d, new = self._space.dimension, slice(self._told, None)
        self._search.tell(np.array(self._points[new]).reshape(-1, d), np.array(self._values[new]))
        self._told = len(self._points)
        point = self._search.ask(np.array([*self._pending.values()]).reshape(-1, d))
        self._pending[trial_id] = point
        (config,) = self._space.configs(point[None])
        return config if self._template is None else _fill_template(self._template, config)

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Add a trial that has ended; ignore trials that this search did not suggest."""
        point = self._pending.pop(trial_id, None)
        if point is not None:
            value = as_number(None if error or not result else result.get(self._metric))
            metrics = {} if value is None else {self._metric: value}
            self._points.append(point)
            self._values.append(Objective(self._metric, cast(Mode, self._mode)).to_minimise(metrics))

    def get_state(self) -> dict[str, object]:
        """Return the complete state of the search."""
        return self.__dict__ | {"_search": None, "_told": 0}

    def set_state(self, state: Mapping[str, object]) -> None:
        """Restore the state that `get_state` returned."""
        self.__dict__.update({"_search": None, "_told": 0} | dict(state))

    def save(self, checkpoint_path: str) -> None:
        """Write the state to a file."""
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(self.get_state()))

    def restore(self, checkpoint_path: str) -> None:
        """Restore the state from a file that `save` wrote."""
        self.set_state(cloudpickle.loads(Path(checkpoint_path).read_bytes()))

    def _set_template(self, config: Config) -> None:
        """Search the domains of a Tune config."""
        self._template = copy.deepcopy(dict(config))
        self._space = Space(**{name: _hyperparameter(name, domain) for name, domain in _domains(config).items()})


def _domains(config: Config) -> dict[str, Domain]:
    """Return the domains of a Tune config by name; raise InputError for what would not be searched."""
    _, found, grids = parse_spec_vars(config)
    if grids:
        raise InputError(f"{_name(grids[0][0])} must be a domain with bounds, got a grid; try tune.choice")
    for value in _values(config):
        tuner = "Caviar" if isinstance(value, Hyperparameter) else tuner_of(value)
        if tuner not in (None, "ray"):
            raise InputError(
                f"a dict for Ray Tune must hold Tune's domains, got {value!r:.200} of {tuner}; try Tune's "
                "own, or CaviarSearch(caviar.Space(...))"
            )
    domains: dict[str, Domain] = {}
    for path, domain in found:
        if (name := _name(path)) in domains:
            raise InputError(f"two hyperparameters are named {name!r}; rename one of them")
        domains[name] = domain
    return domains


def _values(value: object) -> Iterator[object]:
    """Yield a value, or what is inside a dict, list or tuple."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for nested in value:
            yield from _values(nested)
    else:
        yield value


def _name(path: tuple[object, ...]) -> str:
    """Return the name of a nested hyperparameter, such as "optimizer/lr"."""
    return "/".join(map(str, path))


def _hyperparameter(name: str, domain: Domain) -> Hyperparameter:
    """Return the hyperparameter that represents a domain: for choices, their index, in order if they are."""
    hyperparameter = entry_from(name, domain)
    assert isinstance(hyperparameter, Hyperparameter)
    if isinstance(domain, Categorical):
        return choice_of_index(domain.categories)
    return hyperparameter


def _fill_template(template: Config, values: Config) -> Config:
    """Return Tune's config with its domains replaced by values."""
    config = copy.deepcopy(template)
    for path, domain in parse_spec_vars(template)[1]:
        value = values[_name(path)]
        assign_value(config, path, domain.categories[value] if isinstance(domain, Categorical) else domain.cast(value))
    return config
