"""Tables as people have them: what becomes of them, what is said, and what is refused with one sentence."""

import logging

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import caviar
from caviar.data.loaders import load_source
from caviar.data.preparation.description import describe
from caviar.data.source import Source, SourceKind
from caviar.errors import InputError

RANDOM = np.random.default_rng(0)


def flowers(rows=90, **columns):
    """Three kinds of flowers that two numbers tell apart."""
    kind = np.arange(rows) % 3
    noise = np.random.default_rng(1).normal(size=(rows, 2))
    table = pd.DataFrame({"width": kind + noise[:, 0] / 4, "height": kind - noise[:, 1] / 4, **columns})
    return table.assign(kind=np.array(["daisy", "rose", "tulip"])[kind])


def people(rows=200):
    """A table with text, booleans, dates and gaps."""
    random = np.random.default_rng(2)
    age = random.integers(1, 80, rows).astype(float)
    survived = random.random(rows) < 1 / (1 + np.exp((age - 30) / 10))
    age[::7] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "port": np.where(np.arange(rows) % 11 == 0, None, np.array(["S", "C", "Q"], object)[np.arange(rows) % 3]),
            "alone": random.random(rows) < 0.5,
            "embarked": pd.date_range("1912-04-01", periods=rows, freq="h").strftime("%Y-%m-%d %H:%M"),
            "survived": np.where(survived, "yes", "no"),
        }
    )


def said(caplog):
    return "\n".join(record.message for record in caplog.records)


@pytest.fixture(autouse=True)
def messages(caplog):
    caplog.set_level(logging.INFO, "caviar")
    return caplog


def test_text_booleans_dates_and_gaps_become_features(caplog):
    data = caviar.load_table(people(), target="survived")
    assert (data.task, data.classes, data.target) == ("classification", ("no", "yes"), "survived")
    assert all(np.isfinite(x).all() for x in data.arrays[::2])
    assert set(data.preparation.slices) == {"age", "port", "alone", "embarked"}
    assert all(line in said(caplog) for line in describe(data.preparation))
    assert "survived is taken for 2 classes, because it holds text; if not, say task='regression'" in data.notes


def test_a_file_a_frame_and_a_pair_give_the_same_arrays(tmp_path):
    table = people()
    table.to_csv(tmp_path / "people.csv", index=False)
    table.to_parquet(tmp_path / "people.parquet")
    x, y = table.drop(columns="survived"), table["survived"]
    first, *others = (
        caviar.load_table(tmp_path / "people.csv", target="survived"),
        caviar.load_table(str(tmp_path / "people.parquet"), target="survived"),
        caviar.load_table(table, target="survived"),
        caviar.load_table((x, y)),
        caviar.load_csv(tmp_path / "people.csv", "survived"),
    )
    for other in others:
        assert other.fingerprint() == first.fingerprint()
    assert first.name == "people"


def test_the_same_data_are_loaded_again_from_their_source(tmp_path):
    people().to_csv(tmp_path / "people.csv", index=False, sep=";")
    people(40).to_csv(tmp_path / "more.csv", index=False)
    for options in (
        {},
        {"task": "classification", "seed": 3},
        {"columns": {"port": ["S", "C", "Q"], "alone": "drop"}},
        {"validation": 0.3},
        {"validation": {"time": "embarked"}},
        {"validation": 3},
        {"validation": tmp_path / "more.csv"},
        {"class_weight": "balanced"},
    ):
        data = caviar.load_table(tmp_path / "people.csv", "survived", **options)
        plain = data.source.to_plain()
        restored = load_source(Source.from_plain(plain))
        assert data.source.kind is SourceKind.TABLE
        assert (restored.fingerprint(), restored.source) == (data.fingerprint(), data.source), options


def test_row_numbers_constants_and_identifiers_are_left_out_and_said(caplog):
    table = flowers(id=[f"flower {n * 7919 % 1000}" for n in range(90)], unit="cm", row=np.arange(90))
    data = caviar.load_table(table.sort_values("kind", ignore_index=True).reset_index(names="Unnamed: 0"), "kind")
    assert {"width", "height"} <= set(data.preparation.slices)
    for name in ("Unnamed: 0", "id", "unit"):
        assert name not in data.preparation.slices
        assert f"{name!r}" in said(caplog) or name in said(caplog)


def test_the_target_under_another_name_is_left_out_and_said(caplog):
    table = people().assign(alive=lambda t: t["survived"].map({"yes": 1, "no": 0}))
    data = caviar.load_table(table, "survived")
    assert "alive" not in data.preparation.slices
    assert "alive" in said(caplog)
    assert "alive" in caviar.load_table(table, "survived", columns={"alive": "keep"}).preparation.slices


def test_26_integer_letters_are_classes_and_a_count_is_not():
    letters = flowers(520).assign(letter=np.arange(520) % 26).drop(columns="kind")
    assert len(caviar.load_table(letters, "letter").classes) == 26
    assert caviar.load_table(letters, "letter", task="regression").task == "regression"
    counts = flowers(520).assign(count=RANDOM.poisson(6, 520)).drop(columns="kind")
    data = caviar.load_table(counts, "count")
    assert data.task == "regression"
    assert any("count is taken for a number" in note and "task='classification'" in note for note in data.notes)


def test_labels_that_read_like_missing_values_are_labels(tmp_path):
    table = flowers().assign(kind=np.array(["None", "NA", "null", "nan"], object)[np.arange(90) % 4])
    table.to_csv(tmp_path / "labels.csv", index=False)
    assert caviar.load_table(tmp_path / "labels.csv", "kind").classes == ("NA", "None", "nan", "null")


@pytest.mark.parametrize("dtype", ["boolean", "string", "Int64", "object", "category"])
def test_a_row_without_a_target_is_left_out_and_said(dtype):
    kinds = {"boolean": [True, False], "string": ["a", "b"], "Int64": [1, 2], "object": ["a", "b"]}
    values = pd.Series([*kinds.get(dtype, ["a", "b"]) * 45], dtype=dtype)
    values[3] = None
    data = caviar.load_table(flowers().assign(kind=values), "kind")
    assert sum(len(y) for y in data.arrays[1::2]) == 89
    assert "1 of 90 rows are left out: their kind is empty" in data.notes


def test_a_column_that_is_constant_but_for_one_held_out_row_harms_nothing():
    for held_out in range(90):
        table = flowers(weight=np.where(np.arange(90) == held_out, 15.0, 14.62))
        data = caviar.load_table(table, "kind")
        assert max(np.abs(x).max() for x in data.arrays[::2] if x.size) < 1e4


def test_a_huge_feature_keeps_its_order():
    table = flowers(huge=np.linspace(-1e300, 1e300, 90))
    data = caviar.load_table(table, "kind")
    column = data.train_x[:, data.preparation.slices["huge"]][:, 0]
    assert np.isfinite(column).all()
    assert len(np.unique(column)) > 50


def test_a_class_with_a_single_row_is_named(caplog):
    table = flowers()
    table.loc[17, "kind"] = "orchid"
    data = caviar.load_table(table, "kind")
    assert data.classes.index("orchid") in data.train_y
    assert "class 'orchid' of kind has a single row" in said(caplog)


def test_copies_of_training_rows_in_validation_are_said(caplog):
    caviar.load_table(pd.concat([flowers(30)] * 10, ignore_index=True), "kind")
    assert "of the validation rows are also training rows" in said(caplog)
    caplog.clear()
    caviar.load_table(flowers(300), "kind")
    assert "also training rows" not in said(caplog)


@pytest.mark.parametrize(
    ("validation", "apart"),
    [({"group": "patient"}, "patient"), ({"time": "day"}, "day"), ({"column": "part"}, "part"), ({"folds": 3}, None)],
)
def test_columns_that_choose_the_rows_are_no_features(validation, apart):
    table = flowers(
        patient=np.arange(90) // 3,
        day=pd.date_range("2024-01-01", periods=90),
        part=np.array(["train", "train", "val"])[RANDOM.integers(0, 3, 90)],
    )
    data = caviar.load_table(table, "kind", validation=validation)
    assert apart not in data.preparation.slices
    assert len(data.folds) == validation.get("folds", 0)


def test_nothing_of_a_validation_row_is_seen_in_fitting():
    table = people()
    other = table.copy()
    table["part"] = other["part"] = np.array(["train", "val", "test"])[np.arange(len(table)) % 3]
    held_out = other["part"] != "train"
    other.loc[held_out, "age"] = 1e6
    other.loc[held_out, "port"] = "elsewhere"
    first, second = (caviar.load_table(t, "survived", validation={"column": "part"}) for t in (table, other))
    assert first.preparation == second.preparation
    assert (first.train_x == second.train_x).all()


def test_every_fold_has_a_preparation_of_its_own():
    data = caviar.load_table(people(), "survived", validation=4)
    assert len({str(fold.preparation) for fold in data.folds}) == 4
    assert len(data.val_y) == 0
    assert sum(len(fold.val_y) for fold in data.folds) == len(data.train_y)
    assert all(fold.classes == data.classes for fold in data.folds)


def test_weights_come_from_a_column_and_from_classes():
    table = flowers(weight=np.where(np.arange(90) % 3 == 0, 3.0, 1.0))
    data = caviar.load_table(table, "kind", sample_weight="weight")
    assert "weight" not in data.preparation.slices
    assert data.train_weights.mean() == pytest.approx(1)
    heavy = data.train_weights[data.train_y == data.classes.index("daisy")]
    assert np.allclose(heavy / data.train_weights.min(), 3)
    balanced = caviar.load_table(table[:70], "kind", class_weight={"rose": 2.0, "daisy": 1.0, "tulip": 1.0})
    assert balanced.val_weights is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": None}, "target must name the column to predict"),
        ({"target": "kinds"}, "no column 'kinds'; did you mean 'kind'"),
        ({"validation": {"group": "patients"}}, "no column 'patients'"),
        ({"validation": {"folds": 1}}, "folds must be an integer >= 2"),
        ({"validation": 0.9}, r"in \(0, 0.5\]"),
        ({"validation": [1, 2]}, "validation must be a fraction, a number of folds, a table or a dict"),
        ({"sample_weight": "w"}, "no column 'w'"),
        ({"class_weight": {"lily": 1}}, "lily"),
        ({"columns": {"widht": "drop"}}, "did you mean 'width'"),
        ({"columns": {"width": "numbr"}}, "must be a list of levels in order, or"),
        ({"task": "ranking"}, "task must be"),
        ({"seed": -1}, "seed must be an integer >= 0"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message) as error:
        caviar.load_table(flowers(), **{"target": "kind", **arguments})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (flowers(10), "10 rows and 2 feature columns; it needs at least 20 rows"),
        (flowers()[["kind"]], "90 rows and 0 feature columns"),
        (3, "must be a file, a URL, a DataFrame or a pair"),
        ((1, 2, 3), r"a pair must be \(x, y\), got 3 values"),
        ((np.zeros((40, 2, 2)), np.arange(40)), "one row per example"),
        ((np.zeros((40, 2)), np.arange(30)), "one target for each of the 40 rows"),
    ],
)
def test_a_table_that_cannot_be_used(table, message):
    with pytest.raises(InputError, match=message):
        caviar.load_table(table, "kind")


def test_wide_and_long_tables_load():
    wide = pd.DataFrame(RANDOM.normal(size=(60, 5000)), columns=[f"gene {n}" for n in range(5000)])
    assert caviar.load_table(wide.assign(ill=np.arange(60) % 2), "ill").features == 5000


def test_columns_whose_names_are_numbers_are_named_as_users_name_them():
    table = flowers(patient=np.arange(90) // 3, weight=1.0).rename(columns={"width": 0, "kind": 1, "patient": 2})
    table = table.rename(columns={"weight": 3})
    arguments = {"validation": {"group": 2}, "sample_weight": 3, "columns": {0: "number"}}
    assert caviar.load_table(table, 1, **arguments).preparation.features == ("0", "height")
    with pytest.raises(InputError, match="two columns named '0'"):
        caviar.load_table(table.rename(columns={"height": "0"}), 1)


def test_a_pair_may_validate_a_pair():
    x, y = flowers().drop(columns="kind"), flowers()["kind"]
    data = caviar.load_table((x, y), validation=(x[:40], y[:40]))
    assert len(data.val_y) == 40


@pytest.mark.parametrize("second", [flowers()[:0], flowers().assign(kind=None)])
def test_a_second_table_without_rows_is_refused(second):
    with pytest.raises(InputError, match="the table for validation has no row"):
        caviar.load_table(flowers(), "kind", validation=second)


def test_levels_of_a_second_table_keep_the_order_of_the_first():
    size = pd.CategoricalDtype(["low", "high"], ordered=True)
    table = flowers(size=pd.Series(["low", "high"] * 45, dtype=size))
    other = flowers(size=pd.Series(["huge", "low"] * 45, dtype="category"))
    data = caviar.load_table(table, "kind", validation=other)
    assert data.preparation.columns[2].levels == ("low", "high")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([np.nan] * 90, "kind is known in 0 of 90 rows; it needs at least 20"),
        (["a", "b"] * 9 + [None] * 72, "kind is known in 18 of 90 rows"),
        ([10**400 * n for n in range(90)], "89 missing or infinite values"),
        (np.linspace(-1e200, 1e200, 90), "whose squares do not fit"),
    ],
)
def test_targets_of_which_nothing_can_be_learned(column, message):
    with pytest.raises(InputError, match=message):
        caviar.load_table(flowers().assign(kind=pd.Series(list(column), dtype=object)), "kind")


def test_classes_of_two_rows_each_load():
    assert (
        len(caviar.load_table(flowers().assign(kind=np.arange(90) // 2), "kind", task="classification").classes) == 45
    )


@pytest.mark.parametrize("kind", ["list", "struct"])
def test_an_arrow_column_of_lists_gets_one_sentence(kind):
    arrow = pytest.importorskip("pyarrow")
    cell, dtype = (
        ([1], arrow.list_(arrow.int64())) if kind == "list" else ({"a": 1}, arrow.struct([("a", arrow.int64())]))
    )
    with pytest.raises(InputError, match="column 'parts' must hold single values"):
        caviar.load_table(flowers(parts=pd.Series([cell] * 90, dtype=pd.ArrowDtype(dtype))), "kind")


def test_an_arrow_dictionary_is_a_target():
    arrow = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(arrow.dictionary(arrow.int8(), arrow.string()))
    kinds = pd.Series(["a", "b"] * 45, dtype=dtype)
    assert caviar.load_table(flowers().assign(kind=kinds), "kind").classes == ("a", "b")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1e300] * 90, "divide all by the same number"),
        ([1e-310] * 90, "divide all by the same number"),
        ([1.0] + [0.0] * 89, "is 0 in every row of the .* part"),
    ],
)
def test_weights_that_cannot_be_used(weights, message):
    with pytest.raises(InputError, match=message):
        caviar.load_table(flowers(weight=weights), "kind", sample_weight="weight")


def test_a_sample_weight_must_be_a_column():
    with pytest.raises(InputError, match="must name a column, got a value of type ndarray"):
        caviar.load_table(flowers(), "kind", sample_weight=np.ones(90))


def test_numbers_of_numpy_are_numbers():
    data = caviar.load_table(
        flowers(size=np.arange(90) % 2),
        "kind",
        validation=np.int64(3),
        class_weight={"rose": np.float32(2)},
        columns={"size": list(np.array([1, 0]))},
    )
    assert (len(data.folds), data.preparation.columns[2].levels) == (3, ("1", "0"))


def test_rows_of_a_huge_group_are_for_training():
    table = flowers(300, patient=np.maximum(np.arange(300) - 250, 0))
    for seed in range(8):
        data = caviar.load_table(table, "kind", validation={"group": "patient"}, seed=seed)
        assert len(data.train_y) >= 250


@pytest.mark.parametrize("times", [pd.period_range("2020", periods=90, freq="D"), pd.timedelta_range("1h", periods=90)])
def test_periods_and_durations_are_times(times):
    assert len(caviar.load_table(flowers(day=times), "kind", validation={"time": "day"}).val_y)


def test_a_model_of_columns_with_numbers_for_names_takes_the_whole_table(tmp_path):
    table = flowers().rename(columns={"width": 0, "height": 1})
    data = caviar.load_table(table, "kind")
    study = caviar.Study(data, trials=1, epochs=1, workers=0, confirm=False, out=tmp_path / "study")
    study.run(progress=False)
    model = study.model()
    assert (model.predict(table) == model.predict(table[[0, 1]].to_numpy())).all()
    assert (model.predict(table[["kind", 1, 0]]) == model.predict(table)).all()


def test_rows_that_agree_by_chance_are_no_copies(caplog):
    caviar.load_table(pd.DataFrame({"alone": [True, False] * 45, "y": ["a", "b", "c"] * 30}), "y")
    assert "also training rows" not in said(caplog)


def test_a_wide_table_of_text_is_prepared_as_its_rows_are_later():
    levels = np.array(["a", "b", None], object)[RANDOM.integers(0, 3, (60, 1500))]
    wide = pd.DataFrame(levels, columns=[f"answer {n}" for n in range(1500)])
    wide["age"] = RANDOM.normal(size=60)
    data = caviar.load_table(wide.assign(ill=np.arange(60) % 2), "ill", task="classification")
    held = np.concatenate([data.train_x, data.val_x, data.test_x])
    rows = data.preparation.transform(wide)
    assert sorted(map(bytes, held)) == sorted(map(bytes, rows))


@pytest.mark.parametrize("y", [np.arange(90.0)[:, None], pd.DataFrame({"size": np.arange(90.0)})])
def test_targets_may_be_a_column_of_two_dimensions(y):
    loaded = caviar.load_table((flowers().drop(columns="kind"), y))
    assert (loaded.task, loaded.target) == ("regression", "size" if isinstance(y, pd.DataFrame) else "target")


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((np.ones((90, 2)), np.ones((90, 2))), r"one target for each row, got shape \(90, 2\)"),
        ((np.zeros(90, [("a", float)]), np.arange(90)), r"structured one; try pandas\.DataFrame\(x\)"),
        ((scipy.sparse.eye(90).tocsr(), np.arange(90)), r"sparse one; try x\.toarray\(\)"),
    ],
)
def test_a_pair_that_is_no_table_is_one_sentence(pair, message):
    with pytest.raises(InputError, match=message):
        caviar.load_table(pair)


def test_a_huge_number_that_predicts_the_target_is_said():
    huge = np.linspace(-1e300, 1e300, 90)
    data = caviar.load_table(flowers(huge=huge).assign(kind=huge > 0), "kind")
    assert "huge: predicts the target almost alone" in " ".join(data.notes)


def test_names_with_newlines_stay_in_one_line():
    table = flowers(**{"id\nx": [f"f{n}" for n in range(90)]}).rename(columns={"width": "width\nmm", "kind": "a\nkind"})
    table.loc[3, "a\nkind"] = None
    data = caviar.load_table(table, "a\nkind")
    assert "\n" not in "".join(data.notes)
    assert r'id\nx: left out, a different text in nearly every row; columns={"id\nx": "keep"} keeps it' in data.notes
    assert "width\nmm" in data.preparation.slices


def test_half_characters_are_escaped_in_levels_and_refused_in_names():
    cells = pd.Series(RANDOM.choice(np.array(["caf\udce9", "tea", "milk"], object), 90), dtype=object)
    data = caviar.load_table(flowers(drink=cells), "kind")
    assert [name for name in data.preparation.features if "caf" in name] == [r"drink=caf\udce9"]
    name = pd.Index([*flowers(), "caf\udce9"], dtype=object)
    with pytest.raises(InputError, match=r"column named 'caf\\udce9', which files cannot hold; rename it"):
        caviar.load_table(flowers(drink="tea").set_axis(name, axis="columns"), "kind")


def test_a_file_that_seems_to_have_one_column_says_what_to_do(tmp_path):
    (tmp_path / "a.csv").write_text("x k t\n1 2 3\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"a single column, 'x k t', and no .*; if that is several, say what .*: separator="
    ):
        caviar.load_table(tmp_path / "a.csv", "t")


@pytest.mark.parametrize("target", [flowers()["kind"], flowers()["kind"].to_numpy(), ["kind"]])
@pytest.mark.parametrize("pair", [False, True])
def test_a_target_that_is_no_name_is_refused_in_a_short_sentence(target, pair):
    table = (flowers(), flowers()["kind"]) if pair else flowers()
    with pytest.raises(InputError, match=r"target must name the column to predict, got a value of type \w+; "):
        caviar.load_table(table, target)


def test_a_target_in_the_index_is_named():
    with pytest.raises(InputError, match=r"'kind' is the index of the table, not a column; try table.reset_index\(\)"):
        caviar.load_table(flowers().set_index("kind"), "kind")


def test_copies_are_said_of_a_table_with_one_column(caplog):
    table = flowers()[["width", "kind"]]
    caviar.load_table(table, "kind", validation=table[:30])
    assert "of the validation rows are also training rows" in caplog.text
