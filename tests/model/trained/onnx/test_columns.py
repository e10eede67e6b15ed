"""Every kind of column is prepared in ONNX as in NumPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caviar.data.preparation.cells import spelling
from caviar.data.preparation.columns import CYCLES, Category, Date, LeftOut, Number, Ordered, Quantiles
from caviar.data.preparation.preparation import Preparation
from caviar.model.trained.schema import Schema

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

numbers = st.floats(-1e9, 1e9, allow_subnormal=False)
scales = st.floats(1e-3, 1e3)
cells = st.one_of(numbers, st.floats(allow_subnormal=False))  # NaN, infinite and huge ones too
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
seconds = st.one_of(st.integers(-(10**10), 10**10), st.integers(-(10**12), 10**12), st.just(np.nan))
levels = st.lists(words, max_size=5, unique=True).map(tuple)
number_levels = st.lists(numbers | st.integers(-9, 9).map(float), max_size=5, unique_by=spelling).map(
    lambda values: tuple(map(spelling, values))
)


def text_cells(column):
    return st.one_of(words, st.just(""), *map(st.just, column.levels))


def number_cells(column):
    return st.one_of(cells, *[st.just(float(level)) for level in column.levels])


def scaled(kind, *more):
    return st.builds(kind, st.just(""), *more, mean=numbers, scale=scales, fill=numbers, indicator=st.booleans())


def quantiles(size):
    return st.lists(numbers | st.integers(-3, 3).map(float), min_size=2, max_size=size).map(sorted).map(tuple)


def many(column, cells):
    return st.tuples(st.just(column), st.lists(cells, min_size=3, max_size=3))


categories = st.builds(Category, st.just(""), levels, st.booleans(), st.booleans())
ordered = scaled(Ordered, levels)
by_number = {"kind": st.just("number")}
columns_and_cells = st.one_of(
    (scaled(Number) | st.builds(Number, st.just(""), numbers, scales)).flatmap(lambda column: many(column, cells)),
    scaled(Quantiles, quantiles(9)).flatmap(
        lambda column: many(column, st.one_of(cells, *map(st.just, column.quantiles)))
    ),
    (categories | ordered).flatmap(lambda column: many(column, text_cells(column))),
    st.builds(Category, st.just(""), number_levels, st.booleans(), st.booleans(), **by_number).flatmap(
        lambda column: many(column, number_cells(column))
    ),
    st.builds(Ordered, st.just(""), number_levels, numbers, scales, numbers, st.booleans(), **by_number).flatmap(
        lambda column: many(column, number_cells(column))
    ),
    st.builds(
        Category,
        st.just(""),
        st.sampled_from([(), ("True",), ("False", "True")]),
        st.booleans(),
        kind=st.just("boolean"),
    ).flatmap(lambda column: many(column, st.sampled_from([0.0, 1.0, np.nan]))),
    st.builds(
        Date, st.just(""), st.floats(-1e5, 1e5), st.floats(1e-3, 1e5), numbers, st.booleans(), st.just(tuple(CYCLES))
    ).flatmap(lambda column: many(column, seconds)),
)


def as_in_a_table(column, values):
    """Return the cells of a table for the cells of an input."""
    if isinstance(column, Date):
        micros = [np.datetime64("NaT") if np.isnan(s) else np.datetime64(s * 1_000_000, "us") for s in values]
        return np.array(micros, "datetime64[us]")
    if column.kind == "boolean" and isinstance(column, Category):
        return np.array([None if np.isnan(value) else bool(value) for value in values], object)
    if isinstance(values[0], str):
        return np.array([value if value or "" in column.levels else None for value in values], object)
    return np.array(values, np.float64)


def features(preparation, inputs, names=True):
    """Return the features that ONNX makes of inputs."""
    from caviar.model.trained.onnx.columns import add_preparation
    from caviar.model.trained.onnx.graph import Graph

    graph, count = Graph(), len(preparation.features)
    schema = Schema("law", "regression", count, preparation=preparation)
    assert schema.has_names == names
    graph.output("features", add_preparation(graph, schema), graph.types.FLOAT, count)
    session = onnxruntime.InferenceSession(graph.model("law").SerializeToString())
    (found,) = session.run(None, inputs)
    return found


def named(pairs):
    """Return a preparation of columns that are called a, b, ..., and its pairs of name and cells."""
    plain = Preparation(tuple(column for column, _ in pairs)).to_plain()
    renamed = [{**column, "name": chr(ord("a") + i)} for i, column in enumerate(plain)]
    return Preparation.from_plain(renamed)


@given(st.lists(columns_and_cells, min_size=1, max_size=5))
@example([(Number("", 0.0, 1.0, 2.0, True), [np.nan, 1.0, 1e300]), (Number("", 1.0, 1.0), [np.inf, 1.0, -1e300])])
@example([(Category("", ("", "x"), True, True), ["", "x", "y"])])
@example([(Category("", ("0", "1", "other")), ["", "0", "2"])])
@example([(Category("", ("0", "7"), True, True, "number"), [np.nan, 0.0, 8.0])])
@example([(Quantiles("", (0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0)), [0.0, 1.0, 2.0])])
@example([(Quantiles("", (0.0, 1.0)), [1e-9, 1 - 1e-9, 0.9])])
@example(
    [(Date("", 0.0, 1.0, 0.0, True, tuple(CYCLES)), [951_782_399, 951_868_800, -1])]
)  # 28 February and 1 March 2000
def test_raw_columns_become_the_same_features(pairs):
    preparation = named(pairs)
    cells = zip(preparation.columns, pairs, strict=True)
    table = pd.DataFrame({column.name: as_in_a_table(column, values) for column, (_, values) in cells})
    inputs = {
        column.name: np.array(values, object if isinstance(values[0], str) else float)[:, None]
        for column, (_, values) in zip(preparation.columns, pairs, strict=True)
        if column.features
    }
    if not inputs:
        return
    np.testing.assert_allclose(features(preparation, inputs), preparation.transform(table), rtol=1e-6, atol=1e-6)


def test_every_month_of_four_centuries_is_found():
    day = np.arange("1800-01-01", "2205-01-01", dtype="datetime64[D]")
    preparation = Preparation((Date("day", 0.0, 1e4, 0.0, cycles=("month", "weekday")),))
    inputs = {"day": day.astype("datetime64[s]").astype(float)[:, None]}
    expected = preparation.transform(pd.DataFrame({"day": day.astype("datetime64[s]")}))
    np.testing.assert_allclose(features(preparation, inputs), expected, rtol=1e-6, atol=1e-6)


def test_normal_quantiles_agree_over_all_ranks():
    preparation = Preparation((Quantiles("share", tuple(np.linspace(0, 1, 100))),))
    tails = np.logspace(-9, -1, 500)
    shares = np.concatenate([[-1.0, 0.0, 1.0, 2.0], tails, 1 - tails, np.linspace(0, 1, 1001)])
    expected = preparation.transform(pd.DataFrame({"share": shares}))
    np.testing.assert_allclose(features(preparation, {"share": shares[:, None]}), expected, rtol=1e-6, atol=1e-6)


def test_columns_without_names_that_are_all_numbers_have_one_input():
    columns = (Number("0", 1.0, 2.0, 3.0, True), LeftOut("1", "constant"), Category("2", ("7",), kind="number"))
    x = np.array([[1.0, 5.0, 7.0], [np.nan, 5.0, 8.0]])
    found = features(Preparation(columns), {"x": x}, names=False)
    np.testing.assert_array_equal(found, Preparation(columns).transform(x))


def test_columns_without_names_have_inputs_of_their_numbers_if_one_is_text():
    columns = (Number("0", 1.0, 2.0), Category("1", ("yes",)))
    inputs = {"0": np.array([[3.0]]), "1": np.array([["yes"]])}
    assert features(Preparation(columns), inputs, names=False).tolist() == [[1.0, 1.0]]
