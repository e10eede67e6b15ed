"""Caviar's search inside Ray Tune: a `Searcher` for `tune.Tuner`.

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
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import InputError, MissingError
from caviar.search import next_point
from caviar.space import Space, choice, lograndint, loguniform, randint, uniform
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.scales import Array

try:
    from ray.tune.search import Searcher
    from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Quantized, Uniform
    from ray.tune.search.variant_generator import assign_value, parse_spec_vars
except ImportError:
    raise MissingError("caviar.tune", "Ray Tune", "tune") from None

TRIALS = 100


class CaviarSearch(Searcher):  # type: ignore[misc]
    """Coarse to fine, one trial at a time, as a searcher of Ray Tune's.

    Trials that raised or did not report the metric count as bad. The same seed gives the same trials where they run
    one after the other (`max_concurrent_trials=1`), since what comes next depends on what has finished.

    Args:
        space: a `caviar.Space`, or a dict with domains of Tune's (nested ones too); the tuner's `param_space` if left
            out.
        metric: what to optimise; the tuner's if left out.
        mode: "min" or "max"; the tuner's if left out.
        trials: about how many there are to be: the first quarter is spread over the whole space, and the square
            shrinks as the others come in; the tuner's `num_samples` if left out.
        seed: 0 or more.

    Raises:
        InputError: a domain that cannot be searched, such as `tune.randn`, which has no bounds.
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any] | None = None,
        *,
        metric: str | None = None,
        mode: str | None = None,
        trials: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._trials, self._seed = trials, seed
        self._config: dict[str, Any] | None = None  # as Tune writes it, with domains; None for a space of Caviar's
        self._space: Space | None = None
        self._running: dict[str, Array] = {}  # points by the trial's id
        self._points: list[Array] = []
        self._values: list[float] = []
        if isinstance(space, Space):
            self._space = space
        elif space:
            self._take(space)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: Mapping[str, Any], **spec: Any
    ) -> bool:
        """Take what the tuner was given; False where it has domains, and the space is there already."""
        varies = any(parse_spec_vars(config)[1:])
        if varies and self._space is not None:
            return False
        if varies:
            self._take(config)
        self._metric, self._mode = metric or self.metric, mode or self.mode
        announced = spec.get("num_samples", -1)
        self._trials = self._trials or (announced if announced > 0 else None)
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The config of the next trial.

        Raises:
            InputError: there is no space, metric or mode.
        """
        if self._space is None:
            raise InputError("CaviarSearch has nothing to search: give it a space, or the tuner a param_space")
        if not self._metric or not self._mode:
            raise InputError(f"CaviarSearch needs metric and mode, got {self._metric!r} and {self._mode!r}; name them")
        d = self._space.dimension
        point = next_point(
            self._space,
            np.array(self._points).reshape(-1, d),
            np.array(self._values),
            np.array([*self._running.values()]).reshape(-1, d),
            trials=self._trials or TRIALS,
            seed=self._seed,
        )
        self._running[trial_id] = point
        (values,) = self._space.configs(point[None])
        return values if self._config is None else _filled(self._config, values)

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Take in a trial that has ended."""
        point = self._running.pop(trial_id, None)
        if point is not None:
            value = math.nan if error or not result else float(result.get(self._metric, math.nan))
            self._points.append(point)
            self._values.append(-value if self._mode == "max" else value)

    def get_state(self) -> dict[str, Any]:
        """All that it knows."""
        return dict(self.__dict__)

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave."""
        self.__dict__.update(state)

    def save(self, checkpoint_path: str) -> None:
        """Write all that it knows to a file."""
        Path(checkpoint_path).write_bytes(pickle.dumps(self.get_state()))

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a file of `save`."""
        self.set_state(pickle.loads(Path(checkpoint_path).read_bytes()))

    def _take(self, config: Mapping[str, Any]) -> None:
        """Search the domains of a config of Tune's."""
        _, domains, grids = parse_spec_vars(config)
        if grids:
            raise InputError(f"{_name(grids[0][0])} is a grid, which is not for a search; write tune.choice instead")
        self._config = copy.deepcopy(dict(config))
        self._space = Space(**{_name(path): _hyperparameter(_name(path), domain) for path, domain in domains})


def _name(path: tuple[Any, ...]) -> str:
    """The name of a nested hyperparameter, such as "optimizer/lr"."""
    return "/".join(map(str, path))


def _hyperparameter(name: str, domain: Domain) -> Hyperparameter:
    """The hyperparameter that a domain is to the search: of choices the index, of steps their number."""
    sampler, step = _sampler(domain)
    if isinstance(domain, Categorical) and not any(isinstance(option, Domain) for option in _inner(domain.categories)):
        return choice(range(len(domain.categories)))
    if not isinstance(domain, Float | Integer) or not isinstance(sampler, Uniform | LogUniform):
        raise InputError(
            f"{name}: a {sampler} {type(domain).__name__} of Tune's has no bounds; write tune.uniform, "
            "loguniform, randint, lograndint or choice, or give CaviarSearch a caviar.Space"
        )
    log = isinstance(sampler, LogUniform)
    if step is None:
        return loguniform(domain.lower, domain.upper) if log else uniform(domain.lower, domain.upper)
    low, high = math.ceil(domain.lower / step - 1e-9), math.floor(domain.upper / step + 1e-9)
    if isinstance(domain, Integer) and step == 1:
        high -= 1  # Tune's own bound is exclusive here
    return lograndint(low, high) if log else randint(low, high)


def _sampler(domain: Domain) -> tuple[Any, float | None]:
    """How a domain is sampled, and its step; None where it has none."""
    sampler = domain.get_sampler()
    if isinstance(sampler, Quantized):
        return sampler.get_sampler(), sampler.q
    return sampler, 1 if isinstance(domain, Integer) else None


def _filled(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A config of Tune's with values instead of its domains."""
    filled = copy.deepcopy(dict(config))
    for path, domain in parse_spec_vars(config)[1]:
        value = values[_name(path)]
        if isinstance(domain, Categorical):
            value = domain.categories[value]
        elif (step := _sampler(domain)[1]) is not None:
            value = domain.cast(value * step)
        assign_value(filled, path, value)
    return filled


def _inner(options: Any) -> list[Any]:
    """Options, and what stands in those that are dicts or lists."""
    found = []
    for option in options:
        found.append(option)
        if isinstance(option, Mapping | list | tuple):
            found += _inner(option.values() if isinstance(option, Mapping) else option)
    return found
