"""What a study was asked is what it does: also after it was killed, and when its tables are read back."""

import datetime
import logging
import subprocess
import sys
import tempfile
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError
from caviar.insight import write_report
from caviar.insight.figures.axes import coordinates
from caviar.jobs.package import pack
from caviar.records.journal import NAME
from caviar.space.values import identity
from tests.space.spaces import Activation, Colour, Level, double, spaces

slow = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LOCAL = {"workers": 0, "isolation": "none"}


def study_of(folder, space, function, **options):
    defaults = {"metric": "loss", "mode": "min", "trials": 4, "waves": 2, "confirm": (1, 2), "out": folder, **LOCAL}
    return caviar.Study(function, space=space, **{**defaults, **options})


def recorder():
    """Return a function that any config can be passed to, and the list of those that it was passed, in order."""
    seen = []

    def train(config, seed):
        seen.append(config)
        return {"loss": zlib.crc32(repr((identity(config), seed)).encode()) / 2**32}

    return train, seen


def identities(configs):
    return [identity(config) for config in configs]


def study_size(space):
    return int(min(space.levels.max(), 6))


def configs_of(outcome):
    return identities(result.config for result in outcome.results)


def run_again(study, folder, cut):
    """Run a study whose journal was cut after some lines; return it, and the configs that it passed to its function."""
    lines = (study.folder / NAME).read_bytes().splitlines(keepends=True)
    folder.mkdir()
    (folder / NAME).write_bytes(b"".join(lines[: 1 + cut % len(lines)]))
    train, seen = recorder()
    resumed = caviar.Study.open(folder, data=train, **LOCAL)
    assert resumed.settings == study.settings
    resumed.run(progress=False)
    return resumed, seen


@slow
@given(space=spaces(), cut=st.integers(1, 99))
def test_a_study_that_was_killed_and_resumed_is_the_study(space, cut):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, seen = recorder()
        study = study_of(folder / "whole", space, train, trials=min(4, study_size(space)))
        study.run(progress=False)
        resumed, seen_again = run_again(study, folder / "cut", cut)
        changing = ["seconds", "began", "ended", "worker"]
        assert resumed.table.drop(columns=changing).equals(study.table.drop(columns=changing))
        assert (
            configs_of(resumed.outcome) == configs_of(study.outcome) == configs_of(caviar.Outcome.read(folder / "cut"))
        )
        assert identities(seen_again) == identities(seen[len(seen) - len(seen_again) :])
        for file in ("results.csv", "waves.csv"):
            one, other = (pd.read_csv(folder / part / file, dtype=str) for part in ("cut", "whole"))
            clock = [*changing, "next", "next_minutes"]
            assert one.drop(columns=clock, errors="ignore").equals(other.drop(columns=clock, errors="ignore"))


@slow
@given(space=spaces())
def test_every_row_of_a_table_is_the_trial_that_it_was(space):
    with tempfile.TemporaryDirectory() as folder:
        trials = min(6, study_size(space))
        study = study_of(Path(folder) / "old", space, recorder()[0], trials=trials, confirm=False)
        table = study.run(progress=False)
        points = np.concatenate([entry.points for entry in study.outcome.search_log])
        for finished in (study.folder / "results.csv", table, study, caviar.Outcome.read(study.folder)):
            new = study_of(Path(folder) / "new", space, recorder()[0], trials=trials)
            assert new.warm_start(finished) == len(table)
            (observed,) = new.outcome.search_log
            assert np.allclose(observed.points, space.snap(points), rtol=0, atol=1e-9)
        for rows in (table, pd.read_csv(study.folder / "results.csv", na_values=[""], keep_default_na=False)):
            for (_, row), result in zip(rows.iterrows(), study.outcome.results, strict=True):
                new = study_of(Path(folder) / "new", space, recorder()[0], trials=1, waves=1)
                new.enqueue(row)
                assert identities(new.record.state.enqueued) == [identity(result.config)]


@pytest.mark.parametrize(
    "options",
    [
        [None, "", "nan", "None", "1", 1, 1.0, True, "True", "\r", "=1", "'=1", '"', [8, 8], (8, 8), "[8, 8]"],
        [np.True_, np.False_],
        [Level.LOW, Level.HIGH],
        [10**400, 10**400 + 1, 1],
        [10**20, 10**20 + 1],
    ],
    ids=["awkward", "booleans of NumPy", "an IntEnum", "huge integers", "huge ordered integers"],
)
def test_no_row_with_awkward_options_is_left_out(tmp_path, options):
    space = caviar.Space(kind=caviar.choice(options))
    grid = {"trials": len(options), "search": "grid", "waves": 1, "confirm": False}
    study = study_of(tmp_path / "s", space, recorder()[0], **grid)
    study.run(progress=False)
    for trials in (study.folder / "results.csv", study.table):
        new = study_of(tmp_path / "new", space, double, **grid)
        assert new.warm_start(trials) == len(options)
        (observed,) = new.outcome.search_log
        assert identities(space.configs(observed.points)) == configs_of(study.outcome)
    assert np.array_equal(coordinates(study.table, space), observed.points)  # None is an option in the plots, too


KINDS = {
    "a class": Activation,
    "a class within a class": Activation.Inner,
    "a function": double,
    "a function written in C": len,
    "a member of an Enum": Colour.RED,
    "a tuple": (1, ("a", 2.5)),
    "bytes": b"\x00\xff",
    "a complex number": 1 + 2j,
    "a date": datetime.date(2026, 1, 1),
    "a path": Path("data") / "a.csv",
    "a number of NumPy": np.float32(0.1),
    "an empty dict": {},
    "a dict": {"a": {"b": [1, None]}},
    "a dict with other keys": {1: "a", (2, 3): "b", None: "c"},
    "a dict that looks tagged": {"__caviar__": "tuple", "value": [1]},
    "classes in a list": [Activation, {"of": Colour.BLUE}],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["constant", "option", "constant below", "option below"])
def test_a_resumed_study_passes_on_what_it_was_given(tmp_path, kind, place):
    value = KINDS[kind]
    entry = caviar.constant(value) if "constant" in place else caviar.choice([value])
    entry = caviar.choice({"deep": caviar.Space(value=entry)}) if "below" in place else entry
    name = "parent" if "below" in place else "value"
    space = caviar.Space(x=caviar.uniform(0, 1), **{name: entry})
    study = study_of(tmp_path / "s", space, recorder()[0], confirm=False)
    study.run(progress=False)
    resumed, seen = run_again(study, tmp_path / "again", 3)
    assert len(seen) == 2
    for config in seen:
        assert type(config["value"]) is type(value)
        assert config["value"] == value
    assert resumed.best.config == study.best.config


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ones(2), "value must be a value that the study's journal can keep, got ndarray"),
        (pd.Series([1.5]), "a list of its numbers, or the name of a file"),
        (lambda x: x, "at the top level of a module"),
        (recorder()[0], "at the top level of a module"),
        (object(), "a name or numbers from which the function makes it"),
        ([{1, 2}], "got list"),
    ],
)
@pytest.mark.parametrize("place", ["constant", "option", "below"])
def test_what_would_not_come_back_is_refused_at_construction(tmp_path, value, words, place):
    entry = caviar.choice([value, 1]) if place == "option" else caviar.constant(value)
    space = caviar.Space(value=entry) if place != "below" else caviar.Space(p=caviar.choice({"a": {"value": entry}}))
    space = caviar.Space(x=caviar.uniform(0, 1), **space)
    with pytest.raises(InputError, match=words):
        study_of(tmp_path / "s", space, double)
    assert not (tmp_path / "s").exists()


def test_the_tables_show_what_can_be_imported_by_its_name(tmp_path):
    space = caviar.Space(made=caviar.choice([Activation, double]), x=caviar.uniform(0, 1))
    study = study_of(tmp_path / "s", space, recorder()[0], trials=6)
    study.run(progress=False)
    cells = set(pd.read_csv(study.folder / "results.csv")["made"])
    assert cells == {"tests.space.spaces:Activation", "tests.space.spaces:double"}
    assert set(map(str, study.table["made"])) == cells
    assert all(cell in study.square["options"][0] for cell in cells)
    pages = [write_report(outcome).read_bytes() for outcome in (study.outcome, caviar.Outcome.read(study.folder))]
    assert pages[0] == pages[1]
    assert b"tests.space.spaces:Activation" in pages[0]
    assert (study.table["made"] == Activation).any()


def test_a_row_of_a_table_can_be_enqueued(tmp_path):
    space = caviar.Space(
        units=caviar.randint(1, 100),
        rate=caviar.uniform(0, 1),
        kind=caviar.choice({"a": {"depth": [1, 2]}, "b": None}),
        sizes=caviar.constant([8, 8]),
        width=64,
    )
    row = pd.DataFrame({"units": [64.0], "rate": [1], "kind": ["b"], "depth": [np.nan], "loss": [0.5]}).iloc[0]
    study = study_of(tmp_path / "s", space, double)
    study.enqueue(row)
    study.enqueue({"units": np.int64(3), "rate": 0.5, "kind": "a", "depth": 2.0, "width": 64})
    first, second = study.record.state.enqueued
    assert repr(first) == "{'units': 64, 'rate': 1.0, 'kind': 'b', 'sizes': [8, 8], 'width': 64}"
    assert repr(second) == "{'units': 3, 'rate': 0.5, 'kind': 'a', 'depth': 2, 'sizes': [8, 8], 'width': 64}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": None}, "width: it is the constant 64 in the space, got None"),
        ({"width": 32}, "width: it is the constant 64 in the space, got 32"),
        ({"depth": 1}, "'depth' is not active"),
        ({"units": "64"}, "units: .* takes numbers, got '64'"),
        ({"units": True}, "takes numbers, got True"),
        ({"units": 1.5}, "takes integers"),
        ({"units": None}, "lacks 'units'"),
    ],
)
def test_a_config_against_the_space_is_refused(tmp_path, change, words):
    kind = caviar.choice({"a": {"depth": [1, 2]}, "b": None})
    space = caviar.Space(units=caviar.randint(1, 100), kind=kind, width=64)
    with pytest.raises(InputError, match=words):
        study_of(tmp_path / "s", space, double).enqueue({"units": 3, "kind": "b", **change})


def test_rows_that_are_left_out_are_told(tmp_path, caplog):
    space = caviar.Space(x=caviar.uniform(0, 1), kind=["a", "b"])
    table = pd.DataFrame({"x": [0.5, 2, 0.1], "kind": ["a", "a", "c"], "loss": [1, 2, 3]})
    with caplog.at_level(logging.WARNING, "caviar"):
        assert study_of(tmp_path / "s", space, double).warm_start(table) == 1
    assert "2 of 3 trials lie outside of the space: x:" in caplog.text


def test_a_csv_file_from_elsewhere_is_read_as_it_is_meant(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('x,units,flag,layers,loss\n0.5,64.0,true,"[8, 8]",1\n.25,8,False,[8],2\n', encoding="utf-8")
    space = caviar.Space(x=caviar.uniform(0, 1), units=[8, 64], flag=[True, False], layers=caviar.choice([[8], [8, 8]]))
    study = study_of(tmp_path / "s", space, double)
    assert study.warm_start(path) == 2
    (observed,) = study.outcome.search_log
    assert observed.points.tolist() == [[0.5, 0.75, 0.25, 0.75], [0.25, 0.25, 0.75, 0.25]]


def test_a_submitted_study_is_the_study(tmp_path):
    kinds = {f"kind {number}": caviar.constant(value) for number, value in enumerate(KINDS.values())}
    space = caviar.Space(x=caviar.uniform(0, 1), made=caviar.choice([Activation, (1, 2)]), **kinds)
    study = study_of(tmp_path / "s", space, double)
    study.enqueue({"x": 0.5, "made": Activation})
    (tmp_path / "job").mkdir()
    pack(study, tmp_path / "job")
    arrived = caviar.Study.open(tmp_path / "job", data=double, **LOCAL)
    assert arrived.settings == study.settings
    assert identities(arrived.record.state.enqueued) == identities(study.record.state.enqueued)


SCRIPT = """
    import caviar, sys
    from pathlib import Path

    class Swish:
        pass

    def train(config):
        if config["x"] > 0.6 and len(sys.argv) > 1:
            raise KeyboardInterrupt
        return {"loss": config["x"] + (config["made"] is not Swish)}

    if __name__ == "__main__":
        place = dict(workers=0, isolation="none")
        if Path("s").exists():
            study = caviar.Study.open("s", data=train, **place)
        else:
            space = caviar.Space(x=caviar.uniform(0, 1), made=caviar.constant(Swish))
            study = caviar.Study(train, space=space, trials=8, waves=2, metric="loss", mode="min", out="s", **place)
        print(study.run(progress=False)["loss"].max())
"""


@pytest.fixture
def script(tmp_path):
    """The folder of a script whose class is an option; its study was killed."""
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    assert run(tmp_path, "script.py", "killed").returncode != 0
    return tmp_path


def run(folder, *words):
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


def test_a_script_resumes_a_study_with_its_own_class(script):
    done = run(script, "script.py")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1


def test_elsewhere_the_class_of_a_script_is_missed_in_a_sentence(script):
    def train(config):
        return {"loss": config["x"]}

    study = caviar.Study.open(script / "s", data=train, **LOCAL)
    with pytest.raises(InputError, match=r"option __main__:Swish is not defined here; continue in the script"):
        study.run(progress=False)
    (script / "job").mkdir()
    with pytest.raises(InputError, match=r"made has Swish, which a script or notebook defines.*; move it"):
        pack(study, script / "job")
    assert str(caviar.Outcome.read(script / "s").best.config["made"]) == "__main__:Swish"


@pytest.mark.parametrize("command", [["report", "s"], ["results", "s"], ["best", "s"], ["list"], ["status", "s"]])
def test_reading_a_study_imports_nothing_that_its_journal_names(tmp_path, command):
    (tmp_path / "harmful.py").write_text("open('ran', 'w').close()\nclass Payload: pass\n", encoding="utf-8")
    space = caviar.Space(made=caviar.choice([Activation, double]), x=caviar.uniform(0, 1))
    study = study_of(tmp_path / "runs" / "s", space, recorder()[0])
    study.enqueue({"made": double, "x": 0.5})
    study.run(progress=False)
    journal = study.folder / NAME
    text = journal.read_text(encoding="utf-8").replace('"tests.space.spaces","Activation"', '"harmful","Payload"')
    journal.write_text(text, encoding="utf-8")
    assert "harmful" in text
    done = run(tmp_path, "-m", "caviar", *command)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()
