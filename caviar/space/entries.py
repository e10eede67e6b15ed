"""What users write in a space: our hyperparameters, lists, and the distributions of SciPy, Optuna and Ray Tune.

Distributions are recognised by their attributes and by the module of their class, so nothing of those packages is
imported here.
"""

import inspect
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from caviar._checks import check_string
from caviar.errors import InputError
from caviar.space.constructors import choice, constant, distribution, lograndint, loguniform, randint, uniform
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Option, Real, are_ascending

_OTHER_TUNERS = ("ConfigSpace", "hyperopt", "keras_tuner", "nevergrad", "nni", "skopt", "syne_tune")


def entry_from(name: str, value: Option) -> Option:
    """Return what a user gives a name in a space as a hyperparameter or a constant.

    Lists, tuples, ranges, sets and arrays are choices. Raises InputError for what can be neither, such as a function.

    >>> entry_from("units", range(32, 128, 32)), entry_from("optimizer", "adam")
    (choice([32, 64, 96]), 'adam')
    """
    check_string("a hyperparameter's name", name)
    if value is None or isinstance(value, Real | Integer | str | bytes | int | float):
        return value
    try:
        if isinstance(value, Choice):
            _check_nested(value.options)
        if (hyperparameter := hyperparameter_from(value)) is not None:
            return hyperparameter
        if isinstance(value, Mapping):
            _check_nested(value.values())
            return constant(value)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if inspect.isfunction(value):
        raise InputError(
            f"{name}: a function in a space is not called, got {value!r}; try uniform, loguniform, randint or choice, "
            "or constant(...) for the function itself"
        )
    return value


def hyperparameter_from(value: Any) -> Hyperparameter | None:
    """Return the hyperparameter that a value stands for; None if it is a constant.

    Raises InputError for a distribution without a counterpart here.
    """
    if isinstance(value, Mapping) and list(value) == ["grid_search"]:  # what tune.grid_search returns
        value = value["grid_search"]
    if isinstance(value, Hyperparameter):
        return value
    match tuner_of(value):
        case "scipy":
            if (number := counterpart(value)) is None:
                raise InputError(f"{value!r:.100} is not one number of scipy.stats; try uniform, loguniform or randint")
            return number
        case "optuna":
            return _from_optuna(value)
        case "ray":
            return _from_tune(value)
        case str(package):
            raise InputError(f"{value!r:.100} is of {package}; try uniform, loguniform, randint or choice")
    options = options_of(value)
    return None if options is None else choice(options)


def tuner_of(value: object) -> str | None:
    """Return the package that a distribution is from; None for anything else."""
    package, _, module = type(value).__module__.partition(".")
    if package in _OTHER_TUNERS or (package, module) in (("optuna", "distributions"), ("ray", "tune.search.sample")):
        return package
    return "scipy" if hasattr(value, "rvs") or (package, module[:5]) == ("scipy", "stats") else None


def options_of(value: Any) -> list[Option] | None:
    """Return the options that a list, tuple, range, set, array or the like holds; None for anything else.

    A set is sorted, as its order differs from run to run.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection) or getattr(value, "ndim", 1) != 1:
        return None
    options = list(value.tolist() if hasattr(value, "tolist") else value)
    if isinstance(value, set | frozenset):
        options.sort(key=lambda option: (option if isinstance(option, int | float) else math.inf, repr(option)))
    _check_nested(options)
    return options


def choice_of_index(options: Sequence[Option]) -> Choice:
    """Return a choice of the position of an option, for options of any kind; in order if they are ascending numbers.

    >>> choice_of_index(["adam", "sgd"]), choice_of_index([32, 64])
    (choice([0, 1], ordinal=False), choice([0, 1]))
    """
    return choice(range(len(options)), ordinal=are_ascending(options))


def counterpart(frozen: Any) -> Real | Integer | None:
    """Return the hyperparameter that equals a frozen distribution; None if `scipy.stats` does not name it."""
    kind: Any = getattr(frozen, "dist", object())
    name = getattr(kind, "name", "")
    named: Any = getattr(sys.modules["scipy.stats"], name, None) if name else None
    if named is None or named.__class__ is not kind.__class__:
        return None
    low, high = frozen.support()
    if getattr(low, "ndim", 0):  # several distributions at once
        return None
    low, high = float(low), float(high)
    if name == "uniform":
        return uniform(low, high)
    if name == "randint":
        return randint(int(low), int(high))
    # a loguniform shifted by `loc` is not log-uniform
    if name in ("loguniform", "reciprocal") and low > 0 and math.isclose(frozen.ppf(0.5), (low * high) ** 0.5):
        return loguniform(low, high)
    names = [*(kind.shapes.split(", ") if kind.shapes else ()), "loc", *(() if hasattr(kind, "pmf") else ("scale",))]
    given = {"loc": 0, "scale": 1, **dict(zip(names, frozen.args, strict=False)), **frozen.kwds}
    return distribution(name, *(float(given[parameter]) for parameter in names))


def _from_optuna(distribution: Any) -> Hyperparameter:
    if hasattr(distribution, "choices"):
        return choice(distribution.choices)
    low, high, step = distribution.low, distribution.high, distribution.step
    if isinstance(low, int):
        return lograndint(low, high) if distribution.log else randint(low, high, step=step)
    return loguniform(low, high) if distribution.log else uniform(low, high, step=step)


def _from_tune(domain: Any) -> Hyperparameter:
    if hasattr(domain, "categories"):
        return choice(options_of(domain.categories) or [])
    sampler, integer = domain.get_sampler(), type(domain).__name__ == "Integer"
    step: Any = getattr(sampler, "q", 1 if integer else None)
    sampler = sampler.get_sampler() if hasattr(sampler, "q") else sampler
    kinds = {kind.__name__ for kind in type(sampler).__mro__}
    if "Normal" in kinds and step is None:
        return distribution("norm", float(sampler.mean), float(sampler.sd))
    if not kinds & {"Uniform", "LogUniform"} or not hasattr(domain, "lower"):
        raise InputError(
            f"a {sampler} {type(domain).__name__} of Ray Tune has no bounds; try uniform, loguniform, randint or choice"
        )
    low, high = domain.lower, domain.upper
    if step is not None:
        low, high = math.ceil(low / step - 1e-9) * step, math.floor(high / step + 1e-9) * step
    if integer:
        high -= step == 1  # Tune's upper bound is exclusive then
        return (lograndint if "LogUniform" in kinds else randint)(low, high, step=step)
    return (loguniform if "LogUniform" in kinds else uniform)(low, high, step=step)


def _check_nested(values: Collection[Option]) -> None:
    """Raise InputError for a hyperparameter inside a list or a dict, which would be passed on as it is."""
    for value in values:
        if isinstance(value, list | tuple | Mapping):
            _check_nested(value.values() if isinstance(value, Mapping) else value)
        elif isinstance(value, Hyperparameter) or tuner_of(value):
            raise InputError(
                f"{value!r:.100} inside a list or dict is not searched; try a name of its own, such as "
                "'optimizer.rate', or choice({'adam': caviar.Space(rate=caviar.uniform(0, 1)), 'sgd': None})"
            )
