"""Functions that create hyperparameters, named as in Ray Tune and Syne Tune.

Unlike there, all bounds are inclusive, even those of integers.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from caviar.errors import InputError
from caviar.space.hyperparameters import Choice, Integer, Option, Real, SubSpace
from caviar.space.scales import quantiles

_EXACT = 2**53  # the largest integer up to which floats hold every one


def uniform(low: float, high: float, *, step: float | None = None, tier: int = 2, default: float | None = None) -> Real:
    """Return a real number in [low, high], explored on the linear scale.

    Args:
        low, high: the bounds, both included.
        step: > 0; only low, low + step, low + 2 step, ... up to high are values; None: every number.
        tier: the priority, 1 (first) to 3.
        default: the value at which `Space.tiers` fixes it; the middle of the scale if left out.

    >>> uniform(0, 4).units([1.0])
    array([0.25])
    >>> uniform(0, 1, step=0.1).levels
    11.0
    """
    return Real("uniform", low, high, tier, default, step)


def loguniform(
    low: float, high: float, *, step: float | None = None, tier: int = 2, default: float | None = None
) -> Real:
    """Return a real number in [low, high], low > 0: value = 10^r, r uniform in [log10 low, log10 high].

    >>> loguniform(1e-4, 1, tier=1).units([1e-4, 1e-2])
    array([0. , 0.5])
    """
    return Real("loguniform", low, high, tier, default, step)


def reverseloguniform(low: float, high: float, *, tier: int = 2, default: float | None = None) -> Real:
    """Return a real number in [low, high], high < 1, whose distance from 1 is explored on the log scale.

    For beta in 0.9..0.999 the windows 1 / (1 - beta) of 10..1000 get equal shares per decade.

    >>> reverseloguniform(0.9, 0.999).units([0.9, 0.99]).round(12)
    array([0. , 0.5])
    """
    return Real("reverseloguniform", low, high, tier, default)


def randint(low: int, high: int, *, step: int = 1, tier: int = 2, default: int | None = None) -> Integer:
    """Return an integer in low..high, **both included**, as Python's `random.randint` does.

    The `randint` functions of Ray Tune and NumPy exclude `high`.

    >>> randint(1, 4).units([1, 4])
    array([0.125, 0.875])
    >>> randint(32, 100, step=32)
    randint(32, 96, step=32)
    """
    return exact(Integer("randint", low, high, tier, default, step))


def lograndint(low: int, high: int, *, step: int = 1, tier: int = 2, default: int | None = None) -> Integer:
    """Return an integer in low..high, **both included**, on the log scale (Ray Tune's excludes `high`).

    >>> lograndint(1, 100).levels
    100.0
    """
    return exact(Integer("lograndint", low, high, tier, default, step))


def distribution(
    name: str,
    *parameters: float,
    low: float | None = None,
    high: float | None = None,
    tier: int = 2,
    default: float | None = None,
) -> Real | Integer:
    """Return a number that is explored by the quantiles of a distribution: equal probabilities get equal shares.

    A `Space` takes the frozen distributions of `scipy.stats` too: `Space(x=stats.norm(5, 1))`.

    Args:
        name: of a distribution in `scipy.stats`.
        parameters: its parameters, in the order that SciPy takes them.
        low, high: the bounds, both included; those of the distribution if left out, without a millionth at an end that
            is not bounded.

    >>> distribution("norm", 5.0, 1.0).units([5.0]), distribution("poisson", 4).high
    (array([0.5]), 17)
    """
    try:
        whole = quantiles(name, *parameters)
    except (TypeError, ValueError, AttributeError):
        whole = None
    if whole is None or not (math.isfinite(whole.low) and math.isfinite(whole.high)):
        got = ", ".join(map(repr, (name, *parameters)))
        raise InputError(f"distribution must be one of scipy.stats with its parameters, got {got}; try 'norm', 0, 1")
    low, high = whole.low if low is None else low, whole.high if high is None else high
    kind: type[Any] = Integer if whole.discrete else Real
    if whole.discrete:
        low, high = (int(bound) if bound == round(bound) else bound for bound in (low, high))
    number: Real | Integer = kind("distribution", low, high, tier, default, distribution=(name, *parameters))
    return number


def choice(
    options: Iterable[Option] | Mapping[Option, SubSpace | None],
    *,
    tier: int = 2,
    default: Option = None,
    ordinal: bool | None = None,
) -> Choice:
    """Return one of several options; ascending numbers are searched in their order, others without one.

    Args:
        options: the options; or a dict from each option to a `Space` (or None) that is active only under it. The
            columns of such a space are empty in the other trials.
        tier: the priority, 1 (first) to 3.
        default: the option at which `Space.tiers` fixes it; the first one if left out.
        ordinal: whether neighbouring options are alike, each with the same share of the axis; True if left out for
            ascending numbers without sub-spaces, which alone can be. False: they are names.

    >>> choice([32, 64, 128]).ordinal, choice([32, 64, 128], ordinal=False).ordinal, choice(["relu", "tanh"]).ordinal
    (True, False, False)
    >>> choice({"adam": {"beta2": reverseloguniform(0.9, 0.999)}, "momentum": None}).options
    ('adam', 'momentum')
    """
    options = options.tolist() if hasattr(options, "tolist") else options  # plain numbers, as of an array in a space
    if isinstance(options, str | bytes) or not isinstance(options, Iterable):
        raise InputError(f"choice options must be a list or a dict, got {options!r}; try choice([{options!r}])")
    spaces = tuple(options.values()) if isinstance(options, Mapping) else ()
    return Choice(tuple(options), tier, default, spaces, ordinal)


def constant(value: Option) -> Choice:
    """Return a hyperparameter with one value, whatever it is: in a `Space`, a list would be a choice.

    A number, a string, a boolean or None in a space is a constant already.

    >>> constant([32, 64]), constant([32, 64]).levels
    (constant([32, 64]), 1.0)
    """
    return Choice((value,))


def exact(integer: Integer) -> Integer:
    """Return an integer hyperparameter; raise InputError if neighbours in a narrow range are the same float.

    Over a wide range, that some integers are left out does not matter.

    >>> exact(Integer("randint", 2**60, 2**61)).low == 2**60
    True
    """
    low, high = integer.low, integer.high
    largest = max(abs(low), abs(high))
    if high - low < _EXACT < largest and np.spacing(float(largest)) > integer.step:
        raise InputError(
            f"{integer.kind} cannot tell neighbours beyond 2**53 apart, got low={low!r}, high={high!r}; "
            f"try randint(0, {high - low}), and add {low} in your function"
        )
    return integer
