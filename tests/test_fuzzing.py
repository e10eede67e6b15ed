"""Readers of files that may hold anything: they read, or raise one sentence. Each began as a file that someone wrote.

The examples are the same every time; `FUZZ=5000 python -m pytest tests/test_fuzzing.py` tries this many others.
"""

import bz2
import gzip
import io
import json
import lzma
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import caviar
from caviar.data.reading.format import Format
from caviar.data.reading.read import read_chunks, read_table
from caviar.insight.notebook import outcome_html
from caviar.jobs.local import LocalJobs
from caviar.model.state import from_npz, to_npz
from caviar.records.journal import NAME
from caviar.records.outcome import Outcome
from caviar.study.file import TEMPLATE, study_from_file
from tests.damage import as_json, changed, damaged, fuzzed, reads_or_says, torn

HERE = Path(__file__).parent
LINES = [json.loads(line) for line in (HERE / "records" / "formats" / "1" / NAME).read_text().splitlines()]


@fuzzed(100)
@given(st.integers(0, len(LINES) - 1).flatmap(lambda n: st.tuples(st.just(n), damaged(LINES[n]))))
@example(
    next((n, changed(line, ("square", "weights", 2, 0), -1e308)) for n, line in enumerate(LINES) if line.get("square"))
)
def test_a_journal(tmp_path, damage):
    number, line = damage
    lines = [*LINES[:number], line, *LINES[number + 1 :]]
    (tmp_path / NAME).write_bytes(b"".join(as_json(line) + b"\n" for line in lines))
    outcome = reads_or_says(Outcome.read, tmp_path)
    if outcome is None:
        return
    outcome.write_tables()
    reads_or_says(lambda: outcome.best)
    reads_or_says(outcome_html, outcome)
    list(LocalJobs(tmp_path.parent).logs(tmp_path.name))


STUDIES = [
    """
    data = "digits"
    early_stopping = "halving"
    confirm = [1, 2]
    waves = 2
    [space]
    learning_rate = { loguniform = [1e-4, 1.0], tier = 1, default = 0.1 }
    hidden_units = { randint = [50, 100], tier = 2, step = 2 }
    optimizer = { choice = ["adam", "momentum"], spaces = [{ momentum = { uniform = [0.1, 0.9] } }, {}] }
    dropout = { distribution = ["norm", 0, 1], low = 0.0, high = 0.5 }
    sizes = { constant = [1, 2] }
    [resources]
    cpu = 1
    """,
    """
    data = "flowers.csv"
    target = "kind"
    metrics = ["f1_macro"]
    validation = { folds = 3 }
    sample_weight = "weight"
    class_weight = { rose = 1, daisy = 2 }
    [columns]
    width = "number"
    """,
    """
    command = "true {x}"
    metric = "loss"
    mode = "min"
    trial_timeout = 3.0
    keep = 3
    space = { x = { uniform = [0, 1] } }
    """,
]


def as_toml(value):
    match value:
        case bool():
            return str(value).lower()
        case None:
            return '""'
        case str():
            return json.dumps(value.encode(errors="replace").decode())
        case list():
            return f"[{', '.join(map(as_toml, value))}]"
        case dict():
            return "{ " + ", ".join(f"{as_toml(name)} = {as_toml(item)}" for name, item in value.items()) + " }"
    return repr(value)  # of a number, infinite or NaN too


NAMED = {"__caviar__": "name", "value": "os:system"}


@fuzzed(150)
@given(st.sampled_from(STUDIES).flatmap(lambda text: damaged(tomllib.loads(text))))
@example(changed(tomllib.loads(STUDIES[0]), ("space", "hidden_units", "randint"), NAMED))
@example(changed(tomllib.loads(STUDIES[0]), ("space", "learning_rate", "default"), "a"))
def test_a_study_file(tmp_path, plain):
    (tmp_path / "flowers.csv").write_text("width,weight,kind\n" + "1.5,1,rose\n0.5,2,daisy\n" * 20)
    lines = [
        f"{as_toml(name)} = {as_toml(value)}" for name, value in (plain if isinstance(plain, dict) else {}).items()
    ]
    (tmp_path / "study.toml").write_text("\n".join(lines), encoding="utf-8")
    reads_or_says(study_from_file, tmp_path / "study.toml")


@fuzzed(40)
@given(torn(TEMPLATE.encode()))
def test_the_bytes_of_a_study_file(tmp_path, content):
    (tmp_path / "study.toml").write_bytes(content)
    reads_or_says(study_from_file, tmp_path / "study.toml")


def tables():
    zstandard, _ = pytest.importorskip("zstandard"), pytest.importorskip("pyarrow")
    table = pd.DataFrame(
        {"a": range(30), "b": ["x", "y", "z"] * 10, "c": np.linspace(0, 1, 30), "d": [None, True] * 15}
    )
    texts = [table.to_csv(index=False).encode(), table.to_csv(index=False, sep=";", decimal=",").encode("utf-16")]
    for text in texts:
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("table.csv", text)
        yield from (text, gzip.compress(text), bz2.compress(text), lzma.compress(text), zipped.getvalue())
    yield zstandard.compress(texts[0])
    for write in (table.to_parquet, table.to_feather):
        content = io.BytesIO()
        write(content)
        yield content.getvalue()


@pytest.mark.parametrize("content", tables(), ids=lambda content: f"{content[:4]!r}-{len(content)}")
def test_a_table(tmp_path, content):
    @fuzzed(20)
    @given(torn(content))
    def reads(damaged):
        (tmp_path / "table").write_bytes(damaged)
        reads_or_says(read_table, tmp_path / "table")
        kinds = {"a": "number", "b": "text", "d": "boolean"}
        reads_or_says(lambda: list(read_chunks(tmp_path / "table", Format(), 7, kinds)))

    reads()


@fuzzed(100)
@given(st.text("\"',;\t\n\r a1.\0é-", max_size=60))
def test_a_table_of_anything(tmp_path, text):
    (tmp_path / "table").write_text(text, encoding="utf-8", newline="")
    reads_or_says(read_table, tmp_path / "table")


def test_a_parquet_file_with_other_metadata_of_pandas(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.Table.from_pandas(pd.DataFrame({"a": [1, 2]}, index=["x", "y"]))
    metadata = json.loads(table.schema.metadata[b"pandas"])

    @fuzzed(60)
    @given(damaged(metadata).map(as_json))
    @example(b"{")
    def reads(content):
        parquet.write_table(table.replace_schema_metadata({"pandas": content}), tmp_path / "table")
        reads_or_says(read_table, tmp_path / "table")

    reads()


MODEL = HERE / "model" / "trained" / "formats" / "1"
ARRAYS = {name: from_npz((MODEL / f"{name}.npz").read_bytes()) for name in ("classification", "regression", "table")}
TEXTS = {name: json.loads(arrays["text"].tobytes()) for name, arrays in ARRAYS.items()}
LEFT, LABELS = ("model", "schema", "preparation", 1), ("model", "schema", "classes", 1)


def uses(path, rows):
    model = caviar.load_model(path)
    model.predict(rows)
    repr(model)
    _ = model.config, model.gain
    model.save(path.with_name("again.npz"))


def write_model(path, arrays, text):
    path.write_bytes(to_npz({**arrays, "text": np.frombuffer(as_json(text), np.uint8)}))


@fuzzed(120)
@given(st.sampled_from(list(TEXTS)).flatmap(lambda name: st.tuples(st.just(name), damaged(TEXTS[name]))))
@example(("table", changed(TEXTS["table"], (*LEFT, "quantiles", 38), "a")))
@example(("table", changed(TEXTS["table"], (*LEFT, "quantiles"), [])))
@example(("table", changed(TEXTS["table"], (*LEFT, "quantiles", 70), 2**70)))
@example(("table", changed(TEXTS["table"], LABELS, {})))
@example(("table", changed(TEXTS["table"], (*LEFT, "scale"), 0)))
@example(("table", changed(TEXTS["table"], LABELS, 2**70)))
@example(("regression", changed(TEXTS["regression"], ("networks", 0, "origin", "config"), [])))
@example(("regression", changed(TEXTS["regression"], ("networks", 0, "target_scale"), "a")))
@example(("regression", changed(TEXTS["regression"], ("networks", 0, "task"), "a\x1b\nb")))
def test_the_text_of_a_model(tmp_path, damage):
    name, text = damage
    write_model(tmp_path / "model.npz", ARRAYS[name], text)
    rows = read_table(MODEL / "table.csv") if name == "table" else np.load(MODEL / "predictions.npz")["x"]
    reads_or_says(uses, tmp_path / "model.npz", rows)


ODD_ARRAYS = st.sampled_from([np.zeros(0), np.zeros((2, 2)), np.array("x"), np.array([1j]), np.zeros(1, [("a", "i4")])])


@fuzzed(40)
@given(st.sampled_from(sorted(ARRAYS["table"])), ODD_ARRAYS)
def test_the_arrays_of_a_model(tmp_path, name, array):
    (tmp_path / "model.npz").write_bytes(to_npz({**ARRAYS["table"], name: array}))
    reads_or_says(uses, tmp_path / "model.npz", read_table(MODEL / "table.csv"))


@fuzzed(80)
@given(torn((MODEL / "table.npz").read_bytes()))
def test_the_bytes_of_a_model(tmp_path, content):
    (tmp_path / "model.npz").write_bytes(content)
    reads_or_says(caviar.load_model, tmp_path / "model.npz")
