"""The JSON Schema of study.toml: it accepts what the reader accepts, and refuses wrong kinds."""

import inspect
import json
import re
import string
import tomllib

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import given, settings

import caviar
from caviar.errors import InputError
from caviar.model.config import SPECIFICATIONS
from caviar.records.settings import SEARCHES
from caviar.space.serialization import KINDS
from caviar.study import schema
from caviar.study.file import NAME, TABLE, TEMPLATE, study_from_file, write_template
from tests.docs.pages import PAGES, PRICES, blocks

SCHEMA = schema.study_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def refused(text):
    return not VALIDATOR.is_valid(tomllib.loads(text))


def test_it_is_a_schema_of_draft_7_in_plain_json():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_it_has_every_argument_of_a_study_and_every_hyperparameter_of_the_network_explained():
    arguments = {"trainable", "command", *TABLE, *inspect.signature(caviar.Study).parameters}
    assert set(SCHEMA["properties"]) == arguments
    assert all(s.get("description") for name, s in SCHEMA["properties"].items() if name != "space")
    network = SCHEMA["definitions"]["space"]["properties"]
    assert set(network) == set(SPECIFICATIONS)
    assert "Adam's beta1" in network["momentum"]["description"]


def test_it_has_every_kind_of_hyperparameter():
    tables = [option for option in SCHEMA["definitions"]["hyperparameter"]["anyOf"] if option["type"] == "object"]
    assert {*KINDS, "constant"} == {option["required"][0] for option in tables}


def test_init_writes_it_and_the_template_names_it(tmp_path):
    path = write_template(tmp_path)
    first = path.read_text().splitlines()[0]
    assert first.startswith("#:schema ./")
    assert json.loads((tmp_path / first.removeprefix("#:schema ./")).read_text()) == SCHEMA


def test_the_template_and_the_examples_of_the_pages_are_valid():
    tables = [block for page in PAGES for block in blocks(page) if block.language == "toml"]
    examples = [block.text for block in tables if block.title != PRICES]
    assert len(examples) > 5
    left_out = ("data", "# trainable", "# command")
    lines = [line for line in TEMPLATE.splitlines() if not line.startswith(left_out)]
    everything = "\n".join(line.removeprefix("# ") for line in lines if re.match(r"(# )?(\w+ = |\[)", line))
    assert {"target", "confirm", "resources", "address"} <= tomllib.loads(everything).keys()
    for text in [TEMPLATE, everything, *examples]:
        VALIDATOR.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "trails = 3",
        'trials = "many"',
        "trials = 0",
        "metrics = 3",
        'metrics = "f1"',
        'metrics = ["f1_macro", 3]',
        'waves = "some"',
        "seed = -1",
        'search = "randm"',
        "early_stopping = true",
        "early_stopping = { facto = 3 }",
        "confirm = [3]",
        "workers = -1",
        "timeout = 0",
        'mode = "most"',
        'target = "y"',
        'data = "digits"\ntrainable = "a:b"',
        'data = "digits"\ncommand = "a"',
        'trainable = "a:b"\ncommand = "a"',
        "command = 3",
        'trainable = "train"',
        "resources = 3",
        "resources = { cpu = -1 }",
        "space = 3",
        "[space]\nx = { loguniforn = [1e-4, 1.0] }",
        "[space]\nx = { uniform = [1, 2, 3] }",
        '[space]\nx = { uniform = ["a", "b"] }',
        "[space]\nx = { randint = [1.5, 2] }",
        "[space]\nx = { uniform = [0, 1], tier = 4 }",
        "[space]\nx = { uniform = [0, 1], randint = [0, 1] }",
        "[space]\nbatch_size = { choice = 32 }",
        "[space]\nx = { choice = [1, 2], spaces = [3, 4] }",
        "[space]\nx = { choice = [1, 2], spaces = [{}, { y = { uniform = [1] } }] }",
    ],
)
def test_wrong_kinds_are_refused_by_the_schema_and_by_the_reader(tmp_path, text):
    assert refused(text)
    (tmp_path / NAME).write_text(text if re.search("data|train|command", text) else f'data = "digits"\n{text}')
    with pytest.raises(InputError):
        study_from_file(tmp_path / NAME, out=tmp_path / "s")


names = st.text(string.ascii_lowercase, min_size=1, max_size=8).map("x_{}".format)
numbers = st.integers(1, 1000) | st.floats(0.01, 1000)
constants = st.booleans() | st.integers(-5, 5) | st.floats(-1, 1) | names
priorities = st.fixed_dictionaries({}, optional={"tier": st.integers(1, 3)})


def ranges(kind, bounds):
    return st.tuples(st.lists(bounds, min_size=2, max_size=2).map(sorted), priorities).map(
        lambda drawn: {kind: drawn[0], **drawn[1]}
    )


hyperparameters = st.one_of(
    ranges("uniform", numbers),
    ranges("loguniform", numbers),
    ranges("reverseloguniform", st.floats(0, 0.99)),
    ranges("randint", st.integers(-9, 9)),
    ranges("lograndint", st.integers(1, 99)),
    st.tuples(st.lists(names, min_size=1, max_size=3, unique=True), priorities).map(
        lambda drawn: {"choice": drawn[0], **drawn[1]}
    ),
)
conditional = st.tuples(names, hyperparameters | constants).map(
    lambda drawn: {"choice": [1, 2.5], "spaces": [{}, {f"sub_{drawn[0]}": drawn[1]}], "default": 2.5}
)
asynchronous = st.fixed_dictionaries({"asynchronous": st.just(True)}, optional={"factor": st.integers(2, 5)})
files = st.fixed_dictionaries(
    {
        "trainable": st.just("trained:train"),
        "metric": st.just("loss"),
        "mode": st.sampled_from(["min", "max"]),
        "trials": st.integers(8, 64),
        "space": st.dictionaries(names, hyperparameters | conditional | constants, max_size=3).map(
            lambda space: {**space, "always": {"uniform": [0, 1]}}
        ),
    },
    optional={
        "waves": st.sampled_from(["auto", "continuous"]) | st.integers(1, 8),
        "seed": st.integers(0, 9),
        "epochs": st.integers(8, 99),  # early stopping may have no rung in fewer
        "search": st.sampled_from(SEARCHES),
        "grow": st.booleans(),
        "early_stopping": st.just("asha") | asynchronous,
        "confirm": st.booleans() | st.just("auto") | st.tuples(st.integers(1, 3), st.integers(2, 4)).map(list),
        "name": names,
        "workers": st.just("auto") | st.integers(0, 4),
        "address": st.sampled_from(["auto", "local"]),
        "resources": st.dictionaries(st.sampled_from(["cpu", "gpu", "memory", "tpu"]), numbers),
        "trial_timeout": numbers,
        "timeout": numbers,
    },
)


def as_toml(value):
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {as_toml(item)}' for name, item in value.items())} }}"
    return f"[{', '.join(map(as_toml, value))}]" if isinstance(value, list) else json.dumps(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "trained.py").write_text("def train(config, seed):\n    return {'loss': 0.0}\n")
    return folder


@settings(max_examples=50)
@given(plain=files)
def test_what_the_reader_accepts_the_schema_accepts(folder, plain):
    text = "\n".join(f"{name} = {as_toml(value)}" for name, value in plain.items())
    (folder / NAME).write_text(text)
    study_from_file(folder / NAME, out=folder / "s")  # accepts whatever is drawn
    VALIDATOR.validate(tomllib.loads(text))
