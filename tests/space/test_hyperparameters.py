"""One test per law, for every kind; a new kind joins by adding its name to KINDS."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from caviar.errors import InputError
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
from caviar.space.bounds import fix, narrow_around, widen
from caviar.space.serialization import from_plain

reals = st.floats(-1e6, 1e6)
positives = st.floats(1e-9, 1e9)
betas = st.floats(0.0, 0.999999)
integers = st.integers(-10_000, 10_000)
counts = st.integers(1, 100_000)


def between(kind, bounds):
    return st.tuples(bounds, bounds).map(sorted).map(lambda pair: kind(*pair))


KINDS = {
    "uniform": between(uniform, reals),
    "loguniform": between(loguniform, positives),
    "reverseloguniform": between(reverseloguniform, betas),
    "randint": between(randint, integers),
    "lograndint": between(lograndint, counts),
    "uniform in steps": st.tuples(integers, st.integers(1, 500), st.integers(0, 200)).map(
        lambda t: uniform(t[0] / 100, (t[0] + t[1] * t[2]) / 100, step=t[1] / 100)
    ),
    "loguniform in steps": st.tuples(st.integers(1, 9), st.integers(1, 500), st.integers(0, 200)).map(
        lambda t: loguniform(t[0] * t[1] / 100, (t[0] + t[2]) * t[1] / 100, step=t[1] / 100)
    ),
    "randint in steps": st.tuples(integers, counts, st.integers(1, 99)).map(
        lambda t: randint(t[0], t[0] + t[1], step=t[2])
    ),
    "lograndint in steps": st.tuples(counts, counts, st.integers(1, 99)).map(
        lambda t: lograndint(t[0] + t[2], t[0] + t[2] + t[1], step=t[2])
    ),
    "distribution": st.sampled_from([("norm", 5.0, 2.0), ("expon",), ("beta", 2, 3), ("t", 3.0)]).map(
        lambda parameters: distribution(*parameters)
    ),
    "discrete distribution": st.sampled_from([("poisson", 4.0), ("binom", 5, 0.4), ("geom", 0.3)]).map(
        lambda parameters: distribution(*parameters)
    ),
    "choice": st.lists(integers, min_size=1, max_size=9, unique=True).map(choice),
}
units = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20).map(np.array)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), unit=units)
def test_values_lie_within_the_bounds(kind, data, unit):
    hyperparameter = data.draw(KINDS[kind])
    values = hyperparameter.values(unit)
    assert len(values) == len(unit)
    if kind == "choice":
        assert set(values) <= set(hyperparameter.options)
    else:
        assert ((values >= hyperparameter.low) & (values <= hyperparameter.high)).all()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), unit=units)
def test_values_map_back_to_their_units(kind, data, unit):
    hyperparameter = data.draw(KINDS[kind])
    values = hyperparameter.values(unit)
    back = hyperparameter.units(values)
    again = hyperparameter.values(back)
    if math.isinf(hyperparameter.levels):
        scale = hyperparameter.scale
        start, end = scale.forward(np.array([hyperparameter.low, hyperparameter.high]))
        assert np.allclose(scale.forward(again), scale.forward(values), rtol=1e-6, atol=1e-6 * (end - start))
    else:  # integers and options map back exactly
        assert list(again) == list(values)
        assert np.array_equal(hyperparameter.units(again), back)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), unit=units)
def test_the_repr_recreates_the_hyperparameter(kind, data, unit):
    hyperparameter = data.draw(KINDS[kind])
    names = {
        f.__name__: f
        for f in (uniform, loguniform, reverseloguniform, randint, lograndint, choice, constant, distribution)
    }
    assert eval(repr(hyperparameter), names) == hyperparameter


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "choice"])
@given(data=st.data())
def test_the_map_is_monotone_and_reaches_both_bounds(kind, data):
    hyperparameter = data.draw(KINDS[kind])
    values = hyperparameter.values(np.linspace(0, 1, 101))
    assert (np.diff(values) >= 0).all()
    assert values[0] == hyperparameter.low
    assert values[-1] == hyperparameter.high


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "choice"])
@given(data=st.data(), upper=st.booleans())
def test_widening_keeps_the_other_bound_and_never_shrinks(kind, data, upper):
    hyperparameter = data.draw(KINDS[kind].filter(lambda h: h.low < h.high))
    wider = widen(hyperparameter, upper=upper)
    assert wider.low <= hyperparameter.low
    assert wider.high >= hyperparameter.high
    assert (wider.low == hyperparameter.low) if upper else (wider.high == hyperparameter.high)


def shares(values, edges):
    return np.histogram(values, edges)[0] / len(values)


EVENLY_SPACED = (np.arange(10_000) + 0.5) / 10_000
TOLERANCE = 2e-4  # two points more or fewer in an interval
exponents = st.integers(-6, 3)
decades = st.integers(1, 5)


@given(low=exponents, number=decades)
def test_a_log_scale_gives_every_decade_the_same_share(low, number):
    edges = [10.0**exponent for exponent in range(low, low + number + 1)]
    values = loguniform(edges[0], edges[-1]).values(EVENLY_SPACED)
    assert shares(values, edges) == pytest.approx([1 / number] * number, abs=TOLERANCE)


@given(first=st.integers(0, 4), number=decades)
def test_a_reverse_log_scale_gives_every_decade_of_one_minus_beta_the_same_share(first, number):
    edges = [1 - 10.0**-exponent for exponent in range(first, first + number + 1)]
    beta = reverseloguniform(edges[0], edges[-1]).values(EVENLY_SPACED)
    assert shares(beta, edges) == pytest.approx([1 / number] * number, abs=TOLERANCE)
    windows = [10.0**exponent for exponent in range(first, first + number + 1)]
    windows[-1] *= 1 + 1e-9  # 1 - beta is rounded
    assert shares(1 / (1 - beta), windows) == pytest.approx([1 / number] * number, abs=TOLERANCE)


@given(low=st.integers(-1000, 1000), number=decades)
def test_a_linear_scale_gives_pieces_of_one_width_the_same_share(low, number):
    values = uniform(low, low + number).values(EVENLY_SPACED)
    assert shares(values, range(low, low + number + 1)) == pytest.approx([1 / number] * number, abs=TOLERANCE)


@given(low=integers, number=st.integers(1, 50))
def test_integers_are_equally_likely_bounds_included(low, number):
    values = randint(low, low + number - 1).values(EVENLY_SPACED)
    edges = np.arange(low - 0.5, low + number)
    assert shares(values, edges) == pytest.approx([1 / number] * number, abs=TOLERANCE)


@given(low=st.integers(1, 200), number=st.integers(2, 50))
def test_log_integers_get_the_share_of_their_interval_on_the_log_scale(low, number):
    edges = np.arange(low - 0.5, low + number)
    values = lograndint(low, low + number - 1).values(EVENLY_SPACED)
    expected = np.diff(np.log(edges)) / np.log(edges[-1] / edges[0])
    assert shares(values, edges) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(
    "frozen", [stats.norm(5, 2), stats.expon(), stats.beta(2, 3), stats.poisson(4), stats.binom(5, 0.4)]
)
def test_equal_probabilities_of_a_distribution_get_equal_shares(frozen):
    values = distribution(frozen.dist.name, *frozen.args).values(EVENLY_SPACED)
    edges = frozen.ppf(np.linspace(0.1, 0.9, 9))
    below = [(values <= edge).mean() for edge in edges]
    assert below == pytest.approx(frozen.cdf(edges), abs=TOLERANCE)


@given(options=st.lists(integers, min_size=1, max_size=9, unique=True))
def test_options_are_equally_likely(options):
    values = choice(options).values(EVENLY_SPACED)
    counts = [(values == option).mean() for option in options]
    assert counts == pytest.approx([1 / len(options)] * len(options), abs=TOLERANCE)


def test_random_points_have_these_shares_too():
    unit = np.random.default_rng(0).random(40_000)
    edges = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert shares(loguniform(1e-4, 1.0).values(unit), edges) == pytest.approx([0.25] * 4, abs=0.01)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: uniform(3, 1), "low=3, high=1"),
        (lambda: loguniform(0, 1), "low=0"),
        (lambda: loguniform(-1, 1), "low=-1"),
        (lambda: reverseloguniform(0.9, 1), "high=1"),
        (lambda: lograndint(0, 4), "low=0"),
        (lambda: randint(1, 2.5), "2.5"),
        (lambda: uniform(0, math.inf), "inf"),
        (lambda: uniform(0, math.nan), "nan"),
        (lambda: uniform("a", "b"), "low='a'"),
        (lambda: uniform(0, 10**400), "uniform bounds must be finite numbers"),
        (lambda: uniform(0, Fraction(10**400)), "uniform bounds must be finite numbers"),
        (lambda: uniform(0, Decimal("sNaN")), "uniform bounds must be finite numbers"),
        (lambda: uniform(np.array(0.0), np.array(1.0)), r"must be finite numbers, got low=array\(0.\)"),
        (lambda: uniform(-1e308, 1e308), "bounds must be less than 1.8e308 apart, got low=-1e[+]308"),
        (lambda: choice([]), "at least one option"),
        (lambda: choice(5), r"must be a list or a dict, got 5; try choice\(\[5\]\)"),
        (lambda: choice(None), "must be a list or a dict, got None"),
        (lambda: choice(b"ab"), "must be a list or a dict, got b'ab'"),
        (lambda: choice("adam"), "'adam'"),
        (lambda: choice([1, 1]), "must be different"),
        (lambda: choice([math.nan]), "NaN"),
        (lambda: choice([1.0, np.float32(math.nan)]), "NaN"),
        (lambda: uniform(0, 1, tier=4), "got 4"),
        (lambda: uniform(0, 1, default=2), r"default of uniform must be in \[0, 1\], got 2"),
        (lambda: randint(1, 4, default=2.5), "default of randint must be an integer, got 2.5"),
        (lambda: choice([1, 2], default=3), "got 3"),
        (lambda: randint(0, 10, step=2, default=3), "takes values in steps of 2, got 3"),
        (lambda: uniform(0, 1, step=0.1, default=0.25), "takes values in steps of 0.1, got 0.25"),
        (lambda: uniform(0, 1, step=0), "step of uniform must be a number > 0, got 0"),
        (lambda: randint(0, 9, step=0.5), "step of randint must be an integer >= 1, got 0.5"),
        (lambda: lograndint(1, 9, step=2), "low of lograndint must be >= step, got low=1, step=2; try low=2"),
        (lambda: distribution("nrom", 0, 1), "distribution must be one of scipy.stats.*'nrom', 0, 1"),
        (lambda: distribution("norm", 0, -1), "distribution must be one of scipy.stats"),
        (lambda: distribution("norm", 0, 1, 2, 3, 4), "distribution must be one of scipy.stats"),
        (lambda: distribution("poisson", 4, low=0.5), "distribution bounds must be integers, got low=0.5"),
        (lambda: randint(0, 9, step=3).units([4]), "takes values in steps of 3, got 4"),
        (lambda: choice({"a": 3}), "must be a Space or None"),
        (lambda: uniform(0, 1).units([2.0]), "takes values within its bounds, got 2"),
        (lambda: randint(0, 3).units([1.5]), "takes integers, got 1.5"),
        (lambda: choice(["a"]).units(["b"]), "'b' is not one of"),
    ],
)
def test_an_invalid_hyperparameter_raises_one_sentence_with_the_value(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


def test_the_default_is_the_given_one_the_middle_or_the_first_option():
    assert fix(loguniform(1e-4, 1.0)) == pytest.approx(0.01)
    assert fix(randint(1, 4, default=2)) == 2
    assert fix(choice(["a", "b"])) == "a"
    assert isinstance(fix(randint(1, 9)), int)


def test_steps_are_counted_from_the_lower_bound_and_equally_likely():
    tenths = uniform(0.1, 0.75, step=0.2)
    assert (tenths.high, tenths.levels) == (0.7, 4)
    values = tenths.values(EVENLY_SPACED)
    assert sorted(set(values.tolist())) == [0.1, 0.3, 0.5, 0.7]
    assert [(values == value).mean() for value in (0.1, 0.3, 0.5, 0.7)] == pytest.approx([0.25] * 4, abs=TOLERANCE)
    assert randint(32, 100, step=32) == randint(32, 96, step=32)


@pytest.mark.parametrize(
    ("number", "first"),
    [
        (uniform(0, 1, step=0.1), [0.0, 0.1, 0.2, 0.3]),
        (uniform(0, 1, step=1 / 3), [0.0, 1 / 3, 2 / 3, 1.0]),
        (uniform(math.pi, 4, step=0.125), [math.pi, math.pi + 0.125, math.pi + 0.25, math.pi + 0.375]),
        (uniform(1e9, 1e9 + 1, step=0.0001), [1e9, 1e9 + 0.0001, 1e9 + 0.0002, 1e9 + 0.0003]),
        (uniform(0, 1, step=np.float32(0.1)), [0.0, *(n * float(np.float32(0.1)) for n in (1, 2, 3))]),
    ],
    ids=repr,
)
def test_values_in_steps_are_as_exact_as_the_step(number, first):
    units = (np.arange(4) + 0.5) / number.levels
    assert number.values(units).tolist() == first
    assert np.floor(number.units(first) * number.levels).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("low", "high"), [(1, 2**63 - 1), (1, 10**18), (2**53 - 1, 2**60)])
@pytest.mark.parametrize("kind", [randint, lograndint])
def test_no_integer_lies_beyond_large_bounds(kind, low, high):
    number = kind(low, high)
    assert number.high == high
    least, middle, most = (config["n"] for config in Space(n=number).configs(np.array([[0.0], [0.3], [1.0]])))
    assert (least, most) == (low, high)
    assert low < middle < high


def test_an_array_of_options_holds_plain_numbers():
    assert repr(choice(np.array([1, 2, 3]))) == "choice([1, 2, 3])"
    assert repr(choice(np.array([0.5, 2.0]), ordinal=False)) == "choice([0.5, 2.0], ordinal=False)"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "choice"])
@given(data=st.data(), unit=st.floats(0, 1), share=st.floats(0.1, 1))
def test_narrower_and_wider_bounds_keep_the_steps(kind, data, unit, share):
    hyperparameter = data.draw(KINDS[kind].filter(lambda h: h.low < h.high))
    value = type(hyperparameter.low)(hyperparameter.values(np.array([unit])).item())
    narrow = narrow_around(hyperparameter, value, share)
    assert hyperparameter.low <= narrow.low <= value <= narrow.high <= hyperparameter.high
    for other in (narrow, widen(hyperparameter, upper=True), widen(hyperparameter, upper=False)):
        assert other.step == hyperparameter.step
        if hyperparameter.step is not None:
            steps = (np.array([other.low, other.high]) - hyperparameter.low) / hyperparameter.step
            assert np.allclose(steps, np.round(steps), atol=1e-6)


def test_a_constant_is_a_hyperparameter_with_one_value():
    assert constant([32, 64]).values(np.array([0.0, 1.0])).tolist() == [[32, 64]] * 2
    assert repr(constant([32, 64])) == "constant([32, 64])"
    assert constant((1, 2)) != constant([1, 2])
    assert hash(constant("a")) == hash(constant("a"))


@pytest.mark.parametrize("kind", [randint, lograndint])
def test_a_narrow_range_of_integers_that_floats_cannot_tell_apart_is_refused(kind):
    with pytest.raises(InputError, match=r"try randint\(0, 10\), and add 1152921504606846976"):
        kind(2**60, 2**60 + 10)
    assert kind(2**53 - 10, 2**53).levels == 11
    assert kind(1, 2**63).high == 2**63
    assert kind(2**60, 2**60 + 2**20, step=256).low == 2**60


@pytest.mark.parametrize("kind", ["randint", "lograndint"])
def test_such_a_range_is_refused_in_a_study_file_and_opened_in_a_journal(kind):
    plain = {"x": {kind: [2**60, 2**60 + 10]}}
    with pytest.raises(InputError, match=rf"x: {kind} cannot tell neighbours beyond 2\*\*53 apart"):
        from_plain(plain, toml=True)
    assert from_plain(plain)["x"].low == 2**60
