"""What the columns of a table become, against scikit-learn's own transformers, for every kind of cell."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, QuantileTransformer, StandardScaler

from caviar.data.preparation.cells import numbers
from caviar.data.preparation.columns import Category, Date, LeftOut, Number
from caviar.data.preparation.description import describe, tabulate
from caviar.data.preparation.fit import fit_preparation
from caviar.data.preparation.preparation import Preparation
from caviar.errors import InputError

ALL = np.arange(400)


def mixed(rows=400, seed=0):
    """Return a table with a column of each kind."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2023-11-05") + pd.to_timedelta(rng.integers(0, 400, rows), "D")
    deck = pd.Series(rng.choice(["A", "B", "C", None], rows, p=[0.3, 0.3, 0.2, 0.2]), dtype=object)
    deck[[4, 6]] = "T"  # a rare level
    return pd.DataFrame(
        {
            "width": rng.normal(5, 2, rows),
            "age": np.where(rng.random(rows) < 0.2, np.nan, rng.integers(1, 90, rows)),
            "fare": rng.lognormal(0, 2.5, rows),
            "sex": rng.choice(["male", "female"], rows),
            "deck": deck,
            "cut": rng.choice(["Good", "Fair", "Ideal"], rows),
            "alone": rng.random(rows) < 0.4,
            "when": day.strftime("%Y-%m-%d"),
        }
    )


def _series(cells):
    try:
        return pd.Series(cells)
    except OverflowError:  # pandas 2.2, of huge integers
        return pd.Series(cells, dtype=object)


def only(cells, **overrides):
    """Return what a single column becomes, and the features, beside a column of numbers."""
    table = pd.DataFrame({"x": _series(cells), "other": np.random.default_rng(0).normal(size=len(cells))})
    fitted = fit_preparation(table, np.arange(len(cells)), overrides=overrides)
    x = fitted.preparation.transform(table)
    assert np.isfinite(x).all()
    return fitted, x[:, fitted.preparation.slices["x"]] if "x" in fitted.preparation.slices else x[:, :0]


def test_features_are_those_of_scikit_learn():
    table, train = mixed(), np.append(np.random.default_rng(1).permutation(np.arange(7, 400))[:275], [0, 4, 6])
    fitted = fit_preparation(
        table, train, overrides={"cut": ["Fair", "Good", "Ideal"], "when": "drop", "alone": "drop"}
    )
    median = SimpleImputer(strategy="median")
    sample = np.random.default_rng(0).permutation(train)
    quantiles = QuantileTransformer(n_quantiles=100, output_distribution="normal", subsample=None)
    theirs = ColumnTransformer(
        [
            ("number", StandardScaler(), ["width"]),
            ("gaps", SimpleImputer(strategy="median", add_indicator=True), ["age"]),
            ("heavy", make_pipeline(median, quantiles, StandardScaler()), ["fare"]),
            ("levels", OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist"), ["sex", "deck"]),
            ("order", make_pipeline(OrdinalEncoder(categories=[["Fair", "Good", "Ideal"]]), StandardScaler()), ["cut"]),
        ],
        sparse_threshold=0,
    ).fit(table.iloc[sample])
    expected = np.asarray(theirs.transform(table), float)
    age = theirs.named_transformers_["gaps"].transform(table.iloc[sample][["age"]])[:, 0]
    expected[:, 1] = (expected[:, 1] - age.mean()) / age.std()
    names = theirs.get_feature_names_out()
    missing, rare = list(names).index("levels__deck_None"), list(names).index("levels__deck_infrequent_sklearn")
    order = [*range(missing), *[rare, missing], *range(rare + 1, len(names))]
    np.testing.assert_allclose(fitted.preparation.transform(table), expected[:, order], rtol=1e-5, atol=2e-6)
    assert fitted.preparation.features == (
        *("width", "age", "age=(missing)", "fare", "sex=female", "sex=male"),
        *("deck=A", "deck=B", "deck=C", "deck=(rare)", "deck=(missing)", "cut"),
    )


@given(st.lists(st.sampled_from([draw**2 for draw in range(9)]), min_size=30, max_size=400), st.integers(0, 2))
@example([*range(60)] * 4 + [*range(30)] * 2, 2)
def test_frequent_levels_are_those_of_scikit_learn(draws, gaps):
    cells = pd.Series([f"{draw:02}" for draw in draws] + ["99", None][:gaps] * 3, dtype=object)
    fitted = fit_preparation(pd.DataFrame({"x": cells}), np.arange(len(cells)), overrides={"x": "keep"})
    frequency = min(10, max(2, -(-len(cells) // 100)))
    theirs = OneHotEncoder(min_frequency=frequency, max_categories=51, handle_unknown="infrequent_if_exist")
    names = theirs.fit(cells.to_frame("x")).get_feature_names_out()
    ours = {
        name.replace("(missing)", "None").replace("(rare)", "infrequent_sklearn")
        for name in fitted.preparation.features
    }
    assert ours == {name.replace("x_", "x=", 1) for name in names}


def test_nothing_is_learned_from_other_rows():
    table, train = mixed(), np.arange(0, 400, 2)
    other = table.copy()
    for name in ("width", "age", "fare"):
        other.loc[1::2, name] = 1e9
    other.loc[1::2, "sex"] = "unknown"
    other.loc[1::2, "when"] = "2050-07-01T10:00"
    target = np.arange(400) % 3
    assert fit_preparation(other, train, target) == fit_preparation(table, train, target)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(30, 90))
def test_a_preparation_survives_json(seed, rows):
    table = mixed(rows, seed)
    preparation = fit_preparation(
        table, np.arange(0, rows, 2), overrides={"cut": ["Fair", "Good", "Ideal"]}
    ).preparation
    restored = Preparation.from_plain(json.loads(json.dumps(preparation.to_plain(), allow_nan=False)))
    assert restored == preparation
    features = preparation.transform(table)
    assert restored.transform(table).tobytes() == features.tobytes()
    index = np.arange(rows)[::-3]
    assert preparation.transform(table, index).tobytes() == features[index].tobytes()
    assert preparation.transform(table[table.columns[::-1]]).tobytes() == features.tobytes()


def test_new_cells_are_handled_as_in_training():
    table = mixed()
    preparation = fit_preparation(table, ALL, overrides={"cut": ["Fair", "Good", "Ideal"]}).preparation
    rows = table.iloc[:3].astype(object)
    rows.loc[0] = [None] * 8
    rows["width"] = [np.nan, np.inf, 1e300]
    rows["fare"] = [np.nan, 1e300, -1e300]
    rows["sex"], rows["deck"] = ["?", None, "male"], ["Z", None, "A"]
    rows["cut"] = ["Bad", "Good", None]
    features = preparation.transform(rows)
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= 1e6
    by = {name: features[:, cut] for name, cut in preparation.slices.items()}
    assert not by["sex"][:2].any()  # there are no rare levels, and none were missing
    assert by["deck"].argmax(axis=1).tolist() == [3, 4, 0]  # rare, missing, A
    assert by["cut"].shape == (3, 1)
    assert abs(by["width"][0, 0]) < 0.1  # the median


@pytest.mark.parametrize(
    ("cells", "kind", "features"),
    [
        (pd.array([1, 2, None, 5] * 10, dtype="Int64"), "number", 2),
        (pd.array([1.5, 2, None, 5] * 10, dtype="double[pyarrow]"), "number", 2),
        ([Decimal("1.5"), Decimal(2), None, 7] * 10, "number", 2),
        ([10**400, 1, 2, 5] * 10, "number", 2),
        ([np.inf, 1.0, 2.0, 4.0] * 10, "number", 2),
        (pd.to_timedelta([1, 2, 5, None] * 10, "h"), "number", 2),
        (pd.array([True, False, None, False] * 10, dtype="boolean"), "boolean", 2),
        ([True, False, None, False] * 10, "boolean", 2),
        (pd.array([True, False] * 20, dtype="bool[pyarrow]"), "boolean", 1),
        (pd.array(["a", "b", None, "c"] * 10, dtype="string"), "text", 4),
        (pd.array(["a", "b", None, "c"] * 10, dtype="string[pyarrow]"), "text", 4),
        (pd.Categorical(["a", "b", None, "c"] * 10), "text", 4),
        (pd.Categorical([1, 2, 1, 3] * 10), "number", 3),
        (pd.Categorical(["lo", "hi", None, "hi"] * 10, categories=["lo", "hi"], ordered=True), "text", 2),
        (["1", 2, "unknown", 2.0] * 10, "text", 3),
        (pd.date_range("2020-01-01", periods=40), "date", 5),
        (pd.date_range("2020-01-02", periods=40, freq="h", tz="Europe/Berlin"), "date", 5),
        (pd.period_range("2020-01", periods=40, freq="M"), "date", 5),
        ([datetime.date(2020, 1, 1 + i % 9) for i in range(40)], "date", 3),
        ([f"2020-{1 + i % 12:02}-01" for i in range(40)], "date", 5),
        (pd.array([datetime.date(2020, 1, 1 + i % 9) for i in range(40)], dtype="date32[pyarrow]"), "date", 3),
        ([1.0, None] * 20, "number", 1),
        ([5.0, None, 5.0, None] * 10, "number", 1),
    ],
)
def test_each_kind_of_cell_becomes_features(cells, kind, features):
    fitted, x = only(cells)
    assert (fitted.preparation.kinds["x"], x.shape[1]) == (kind, features)
    assert x.std(axis=0).max() > 0


@pytest.mark.parametrize("cell", [[1], {"a": 1}, 1j, b"x", (1, 2), {1}])
def test_cells_of_several_values_are_refused(cell):
    with pytest.raises(InputError, match=r'single values.*columns=\{"x": "drop"\}'):
        only([cell, "b"] * 20)


def test_levels_match_however_they_are_read():
    table = pd.DataFrame({"zip": [10, 20, 20, 30] * 20, "x": np.arange(80.0) ** 1.1})
    preparation = fit_preparation(table, np.arange(80), overrides={"zip": "category"}).preparation
    expected = preparation.transform(table)
    for cells in (
        table["zip"].astype(float),
        table["zip"].astype(str),
        table["zip"].astype(object),
        table["zip"].astype("Int64"),
    ):
        assert (preparation.transform(table.assign(zip=cells)) == expected).all()


def test_rare_levels_are_grouped_and_capped():
    counts = [40, 30, 1, 1]
    fitted, _ = only(np.repeat(["a", "b", "c", "d"], counts))
    assert fitted.preparation.features[:-1] == ("x=a", "x=b", "x=(rare)")
    fitted, x = only([f"level {i % 120}" for i in range(2400)])
    assert x.shape[1] == 51
    assert "50 levels, rare ones" in describe(fitted.preparation)[1]


def test_infinite_cells_heavy_tails_and_dates_are_said():
    table = mixed()
    table.loc[3, "width"] = np.inf
    notes = fit_preparation(table, ALL).notes
    assert "width: infinite values count as missing" in notes
    assert 'fare: heavy tails, so by quantiles; columns={"fare": "number"} standardises it' in notes
    assert any(note.startswith("when: dates, so days, month, weekday") for note in notes)
    assert not any("fare" in note for note in fit_preparation(table, ALL, overrides={"fare": "number"}).notes)


def test_three_lines_and_a_table_tell_what_became_of_each_column():
    fitted = fit_preparation(mixed().assign(unit="mm"), ALL)
    first, second, third = describe(fitted.preparation)
    assert first.startswith("3 numbers: width, age, fare; 1 by quantiles")
    assert "1 boolean: alone; 1 date: when (days, month, weekday); 1 with gaps" in first
    assert second.startswith("3 categories: sex (2 levels), deck (3 levels, rare ones, missing)")
    assert third == "left out: unit (the same value in every training row)"
    assert tabulate(fitted.preparation)["features"].sum() == len(fitted.preparation.features)
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 500)))
    (line,) = describe(fit_preparation(wide, np.arange(40)).preparation)
    assert line == "500 numbers: 0, 1, 2, 3, 4, 5 and 494 more"


def test_pixels_keep_their_floor_unless_there_are_other_columns():
    table = pd.DataFrame({"dim": [0] * 39 + [1], "bright": [0, 255] * 20, "rare": [*range(10)] * 3 + [3] * 9 + [255]})
    pixels = fit_preparation(table, np.arange(40)).preparation
    assert pixels.columns[0].scale == pytest.approx(12.75)
    assert {type(column) for column in pixels.columns} == {Number}
    others = fit_preparation(table.assign(z=np.linspace(0, 1, 40)), np.arange(40)).preparation
    assert others.columns[0].scale < 1


def test_columns_are_checked_by_name_and_arrays_by_position():
    table = mixed()
    preparation = fit_preparation(table.assign(unit="mm"), ALL).preparation
    assert preparation.check_columns(table.assign(new=1)) == ("new",)  # unit is not needed
    with pytest.raises(InputError, match="no column 'sex'; did you mean 'Sex'"):
        preparation.transform(table.rename(columns={"sex": "Sex"}))
    with pytest.raises(InputError, match="lacks 2 columns: width, age"):
        preparation.transform(table.drop(columns=["width", "age"]))
    with pytest.raises(InputError, match="two columns named 'x'"):
        fit_preparation(pd.DataFrame(np.ones((40, 2)), columns=["x", "x"]), np.arange(40))
    array = table.assign(unit="mm").to_numpy(object)
    assert (preparation.transform(array) == preparation.transform(table)).all()
    with pytest.raises(InputError, match=r"shape \(rows, 9\)"):
        preparation.transform(array[:, 1:])


@pytest.mark.parametrize("cell", [[1], np.array([1]), (1,), {"a": 1}])
def test_a_cell_of_several_values_is_no_number_of_new_rows(cell):
    learned = fit_preparation(pd.DataFrame({"size": np.sin(np.arange(40.0))}), np.arange(40)).preparation
    cells = pd.Series([1.5, cell, None], dtype=object, name="size")
    with pytest.raises(InputError, match="column 'size' must hold single values"):
        learned.transform(pd.DataFrame({"size": cells}))


@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("date", "29.02.2024", "column 'date' must hold dates, as in training, got '29.02.2024'; correct its cells"),
        ("date", 5, "column 'date' must hold dates, as in training, got '5'"),
        ("number", "many", "column 'number' must hold numbers, as in training, got 'many'"),
        ("number", datetime.date(2024, 1, 1), "column 'number' must hold numbers, as in training, got '2024-01-01'"),
    ],
)
def test_a_column_that_holds_something_else_than_in_training_is_refused(column, cell, sentence):
    preparation = Preparation((Date("date", 0.0, 1.0, 0.0), Number("number", 0.0, 1.0)))
    rows = pd.DataFrame({"date": ["2024-02-29", None], "number": [1.0, None]}, dtype=object)
    assert np.isfinite(preparation.transform(rows)).all()
    assert np.isfinite(preparation.transform(rows.assign(**{column: ["", None]}))).all()
    assert np.isfinite(preparation.transform(rows.assign(date="unknown"))).all()
    with pytest.raises(InputError, match=sentence):
        preparation.transform(rows.assign(**{column: cell}))


@pytest.mark.parametrize(
    ("spelled", "kind", "note"),
    [
        ("%d.%m.%Y", Date, "dates, so days, month, weekday"),
        ("%m/%d/%Y", Date, "dates, so days, month, weekday"),
        ("%d %b %Y %H:%M", Date, "dates, so days, month, weekday, hour"),
        ("%j.5", Number, "a training row has text that is no number, such as 'unknown', which counts as missing"),
        ("no. %j%y", LeftOut, "a different text in nearly every row"),
    ],
)
def test_dates_of_all_countries_and_numbers_among_words_are_no_free_text(spelled, kind, note):
    days = pd.Series(pd.date_range("2023-01-30", periods=100, freq="31h")).dt.strftime(spelled)
    days[50] = "unknown"
    table = pd.DataFrame({"day": days})
    if kind is LeftOut:
        with pytest.raises(InputError, match=note):
            fit_preparation(table, np.arange(100))
        return
    fitted = fit_preparation(table, np.arange(100))
    assert isinstance(fitted.preparation.columns[0], kind)
    assert note in fitted.notes[0]
    assert np.isfinite(fitted.preparation.transform(table)).all()
    as_asked = fit_preparation(table, np.arange(100), overrides={"day": "date" if kind is Date else "number"})
    assert as_asked.preparation == fitted.preparation


def test_text_of_numbers_with_units_is_numbers():
    cells = pd.DataFrame({"rate": [f"{i}.5%" for i in range(80)], "price": [f"${i + 1},{i:03}.25" for i in range(80)]})
    fitted = fit_preparation(cells, np.arange(80))
    plain = pd.DataFrame({"rate": np.arange(80) + 0.5, "price": np.arange(80) * 1001 + 1000.25})
    expected = fit_preparation(plain, np.arange(80)).preparation.transform(plain)
    assert fitted.preparation.transform(cells) == pytest.approx(expected)


@pytest.mark.parametrize("cell", ["0,125 %", "1,250 %", "1,250 €", "1,20 €", "12 kg", "1,2345,678"])
def test_what_may_have_a_decimal_comma_or_another_unit_is_no_number(cell):
    assert np.isnan(numbers(pd.Series(["$1,250", cell]))).tolist() == [False, True]


@pytest.mark.parametrize(("spelled", "kind"), [("%d.%m.%Y", Date), ("%j", Number), ("a %j", Category)])
def test_many_dates_or_numbers_that_repeat_are_no_levels(spelled, kind):
    days = pd.Series(pd.date_range("2023-01-30", periods=60)).dt.strftime(spelled)
    cells = pd.DataFrame({"day": [*days, "unknown"] * 8})
    fitted = fit_preparation(cells, np.arange(len(cells)))
    assert isinstance(fitted.preparation.columns[0], kind)
    few = fit_preparation(cells[cells["day"].isin([*days[:9], "unknown"])].reset_index(drop=True), np.arange(80))
    assert isinstance(few.preparation.columns[0], Category)
