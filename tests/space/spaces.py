"""Spaces of every kind for hypothesis: all hyperparameters, sub-spaces, options and constants of all kinds."""

import datetime
import decimal
import enum
import fractions
import math
import pathlib

import numpy as np
from hypothesis import strategies as st

from caviar.space import (
    Space,
    choice,
    constant,
    distribution,
    lograndint,
    loguniform,
    randint,
    reverseloguniform,
    uniform,
)
from caviar.space.values import identity


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


class Activation:
    class Inner:
        pass


def double(x):
    return 2 * x


IMPORTABLE = [Colour.RED, Colour.BLUE, Level.LOW, Activation, Activation.Inner, double, math.sqrt, np.tanh, np.float32,
              fractions.Fraction, int, len]  # fmt: skip
awkward = st.sampled_from(
    ["", "nan", "NA", "None", "null", "True", "1", "1.0", "-1", "=1+1", "'=1", '"1"', "'", '"', "a,b", "[1]", "x\ny",
     "0.1", "{}", "(1,)", "2020-01-01", "math:sqrt", "\r", "<NA>", " ", "__caviar__"]
)  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 0.1]),
    awkward,
    st.text(max_size=5),
)
exotic = st.one_of(
    st.binary(max_size=3),
    st.complex_numbers(allow_nan=False),
    st.sampled_from(IMPORTABLE),
    st.sampled_from([np.float32(0.1), np.int64(1), np.float64(0.1), np.bool_(True), np.uint8(200), np.complex64(1j),
                     np.datetime64("2020-01-01"), np.longdouble(0.1)]),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, datetime.UTC])).map(lambda moment: moment.replace(fold=0)),
    st.times().map(lambda moment: moment.replace(fold=0)),
    st.sampled_from(["a", "1", "b/c", "2020-01-01"]).map(pathlib.Path),
)  # fmt: skip
keys = scalars | st.binary(max_size=2) | st.tuples(st.integers(0, 3), awkward)
values = st.recursive(
    scalars | exotic,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3) | st.just("__caviar__") | st.just("value"), inner, max_size=3),
        st.dictionaries(keys, inner, max_size=2),
    ),
    max_leaves=5,
)
options = st.lists(values, min_size=1, max_size=4, unique_by=identity)
pairs = st.tuples(st.integers(1, 9), st.integers(1, 9)).map(sorted)
tiers = st.sampled_from([1, 2, 3])
numbers = st.one_of(
    st.builds(lambda pair, tier: uniform(pair[0] / 10, pair[1] + 0.5, tier=tier), pairs, tiers),
    st.builds(lambda pair, tier: loguniform(pair[0] * 1e-5, pair[1], tier=tier, default=pair[0]), pairs, tiers),
    pairs.map(lambda pair: reverseloguniform(pair[0] / 20, 0.9 + pair[1] / 100)),
    pairs.map(lambda pair: uniform(0, pair[1], step=0.1)),
    pairs.map(lambda pair: uniform(np.float32(0.1), np.float64(pair[1]))),
    pairs.map(lambda pair: uniform(decimal.Decimal("0.1"), fractions.Fraction(pair[1] * 3, 2))),
    pairs.map(lambda pair: randint(0, pair[1] * 10**30)),
    pairs.map(lambda pair: randint(pair[0], pair[1] + 1)),
    pairs.map(lambda pair: randint(0, 64, step=pair[0], default=0)),
    pairs.map(lambda pair: lograndint(pair[0], 10 * pair[1])),
    pairs.map(lambda pair: distribution("norm", float(pair[0]), float(pair[1]))),
    pairs.map(lambda pair: distribution("poisson", pair[0])),
)


@st.composite
def choices(draw, sub_spaces):
    chosen = draw(options)
    made = choice(chosen, tier=draw(tiers))
    if draw(st.booleans()):
        spaces = [draw(sub_spaces) for _ in chosen]
        made = type(made)(made.options, made.tier, None, tuple(spaces))
    if draw(st.booleans()):
        made = type(made)(made.options, made.tier, draw(st.sampled_from(made.options)), made.spaces)
    return made


def named(letters, entries):
    return st.dictionaries(st.sampled_from(letters), entries, max_size=3)


constants = values.map(constant) | scalars
deeper = st.none() | named("pqr", numbers | constants | choices(st.none())).map(lambda entries: Space(**entries))


@st.composite
def spaces(draw):
    entries = draw(named(["a", "b", "-c", "=d"], numbers | constants))
    entries |= draw(named(["e", "f"], choices(st.none())))
    entries["kind"] = draw(choices(deeper))
    entries["x"] = draw(numbers)
    return Space(**entries)


def points_of(space, most=4):
    row = st.lists(st.floats(0, 1), min_size=space.dimension, max_size=space.dimension)
    return st.lists(row, min_size=1, max_size=most).map(lambda rows: np.array(rows).reshape(len(rows), space.dimension))
