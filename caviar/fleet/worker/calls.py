"""How a user's function is called: with a config, and with a seed if it takes one."""

import functools
import inspect
from collections.abc import Callable
from enum import Enum

from caviar.errors import InputError
from caviar.records.trial import Config

Function = Callable[..., object]


class SeedBy(Enum):
    """How a function takes a trial's seed."""

    NAME = "as the keyword argument `seed`"
    POSITION = "as the second argument"
    NOTHING = "not at all"


def seed_by(function: Function) -> SeedBy:
    """Return how a function takes a seed: in a parameter called `seed`, or in a second one without a default.

    >>> seed_by(lambda config, *, seed: None), seed_by(lambda config, folder=None: None)
    (<SeedBy.NAME: 'as the keyword argument `seed`'>, <SeedBy.NOTHING: 'not at all'>)
    """
    try:
        first, *others = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have no signature; others take nothing
        return SeedBy.NOTHING
    if isinstance(function, functools.partial) and "seed" in function.keywords:
        return SeedBy.NOTHING  # its user has chosen one
    named = next((other for other in others if other.name == "seed"), None)
    if named is not None and named.kind is not named.POSITIONAL_ONLY:
        return SeedBy.NAME
    second = first if first.kind is first.VAR_POSITIONAL else next(iter(others), None)
    if second is None or second.kind in (second.KEYWORD_ONLY, second.VAR_KEYWORD):
        return SeedBy.NOTHING
    return SeedBy.POSITION if second.default is second.empty else SeedBy.NOTHING


def taking_seed(function: Function) -> Callable[[Config, int], object]:
    """Return a function of a config and a seed that passes the seed on if `function` takes one."""
    match seed_by(function):
        case SeedBy.NAME:
            return lambda config, seed: function(config, seed=seed)
        case SeedBy.POSITION:
            return function
        case SeedBy.NOTHING:
            return lambda config, _: function(config)


def check_callable(function: Function, name: str) -> None:
    """Raise an InputError if a function cannot be called with a config and a seed, or is asynchronous.

    >>> check_callable(lambda config, model, seed: None, "train")
    Traceback (most recent call last):
    caviar.errors.InputError: train(config, model, seed) must be callable with a config, or a config and a seed; ...
    """
    for called in (function, getattr(function, "__call__", None)):  # noqa: B004 - of an object, its method
        if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
            raise InputError(f"{name} must not be async; try a function that calls asyncio.run")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    arguments: dict[SeedBy, tuple[tuple[object, ...], dict[str, object]]] = {
        SeedBy.NAME: (({},), {"seed": 0}),
        SeedBy.POSITION: (({}, 0), {}),
        SeedBy.NOTHING: (({},), {}),
    }
    values, named = arguments[seed_by(function)]
    try:
        signature.bind(*values, **named)
        if next(iter(signature.parameters)) == "seed":
            raise TypeError
    except TypeError:
        raise InputError(
            f"{name}{signature} must be callable with a config, or a config and a seed; "
            "give its other parameters defaults, or fix them with functools.partial"
        ) from None
