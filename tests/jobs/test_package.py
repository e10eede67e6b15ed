"""The files that travel with a job."""

import json
import sys
import threading

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.data.source import Source, SourceKind
from caviar.errors import ClusterError, InputError, StorageError
from caviar.jobs.package import describe, pack, unpack
from caviar.study.loading import target_from_source

SPACE = caviar.Space(x=caviar.uniform(0, 1))
OBJECTIVE = {"metric": "loss", "mode": "min", "space": SPACE, "trials": 6, "waves": 2}


def train(config, seed):
    return {"loss": config["x"]}


def packed(study, folder):
    folder.mkdir()
    pack(study, folder)
    return unpack(folder)


def test_a_new_study_is_the_same_after_its_journey(tmp_path):
    study = caviar.Study(train, **OBJECTIVE, out=tmp_path / "study", workers=0, trial_timeout=60.0, timeout=600.0)
    study.enqueue({"x": 0.25})
    package = packed(study, tmp_path / "job")
    assert not study.folder.exists()
    assert (package.placement, package.mirror) == (study.placement, None)
    remote = caviar.Study.open(tmp_path / "job", data=package.data, workers=0)
    assert remote.settings == study.settings
    columns = ["trial", "wave", "x", "loss", "seed"]
    table = remote.run(progress=False)
    pd.testing.assert_frame_equal(table[columns], study.run(progress=False)[columns])
    assert table["x"][0] == 0.25


def test_a_study_that_began_here_continues_there(tmp_path):
    count = []

    def interrupted(config, seed):
        if len(count) == 4:
            raise KeyboardInterrupt
        count.append(seed)
        return train(config, seed)

    study = caviar.Study(interrupted, **OBJECTIVE, out=tmp_path / "study", workers=0, isolation="none")
    with pytest.raises(KeyboardInterrupt):
        study.run(progress=False)
    packed(study, tmp_path / "job")
    assert (tmp_path / "job" / "journal.jsonl").read_bytes() == (tmp_path / "study" / "journal.jsonl").read_bytes()
    assert len(caviar.Study.open(tmp_path / "job", data=train, workers=0).run(progress=False)) == 6


def test_a_data_set_travels_whole(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 3))
    study = caviar.Study((x, x[:, 0] > 0), trials=2, waves=1, epochs=1, out=tmp_path / "study", workers=0)
    package = packed(study, tmp_path / "job")
    assert isinstance(package.data, caviar.Dataset)
    assert package.data.fingerprint() == study.settings.source.fingerprint


def test_the_modules_that_a_function_needs_travel_with_it(tmp_path, monkeypatch, imports):
    source, packages = tmp_path / "source", "venv/lib/python3.11/site-packages"
    imports = "def train(config, seed):\n    import companions.late\n    return {'loss': config['x']}\n"
    files = {
        "journeys.py": f"import companions\nimport installed_there\n{imports}",
        f"{packages}/installed_there.py": "",
    }
    files |= dict.fromkeys(("companions/__init__.py", "companions/late.py", "elsewhere/a.py", ".hidden/secret.py"), "")
    for path, text in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    for folder in (source, source / packages):
        monkeypatch.syspath_prepend(folder)
    from journeys import train as function

    study = caviar.Study(function, **OBJECTIVE, out=tmp_path / "study", workers=0)
    packed(study, tmp_path / "job")
    modules = {str(path.relative_to(tmp_path / "job")) for path in (tmp_path / "job").rglob("*.py")}
    assert modules == {"journeys.py", "companions/__init__.py", "companions/late.py"}
    assert describe(study, tmp_path / "job") == "sends journeys:train and 3 modules, 1 kB"
    job = Source(SourceKind.FUNCTION, str(tmp_path / "job"), function="journeys:train")
    for name in ("journeys", "companions", "companions.late"):
        sys.modules.pop(name, None)
    fingerprint = target_from_source(job).source.fingerprint
    assert fingerprint == study.settings.source.fingerprint  # so that the job warns of no change


def test_what_is_sent_is_said_in_numbers(tmp_path):
    rows = "".join(f"{row},{row % 7},{'yes' if row % 3 else 'no'}\n" for row in range(20_000))
    (tmp_path / "my.csv").write_text(f"a,b,y\n{rows}")
    settings = {"trials": 2, "waves": 1, "epochs": 1, "workers": 0}
    study = caviar.Study(caviar.load_table(tmp_path / "my.csv", "y"), **settings, out=tmp_path / "study")
    packed(study, tmp_path / "job")
    megabytes = (tmp_path / "job" / "data.pkl").stat().st_size / 1e6
    assert describe(study, tmp_path / "job") == f"sends the data of {tmp_path / 'my.csv'}, {megabytes:.1f} MB"
    assert megabytes > 0.1


def test_a_program_travels_with_the_files_of_its_folder(tmp_path, monkeypatch):
    source = tmp_path / "source"
    for path in (
        "bin/train.sh",
        "data.pkl",
        "run.json",
        ".git/config",
        ".env",
        "venv/lib.py",
        "runs/a/journal.jsonl",
        "node_modules/a.js",
    ):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text('#!/bin/sh\necho "{\\"loss\\": $1}"\n')
    (source / "venv" / "pyvenv.cfg").touch()
    (source / "prod.env").write_text("TOKEN=3\n")
    (source / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (source / "bin" / "train.sh").chmod(0o755)
    program = caviar.program("bin/train.sh {x}", source)
    study = caviar.Study(program, **OBJECTIVE, out=source / "out", workers=0)
    package = packed(study, tmp_path / "job")
    files = {str(path.relative_to(tmp_path / "job")) for path in (tmp_path / "job").rglob("*") if path.is_file()}
    assert describe(study, tmp_path / "job") == f"sends 3 files of {source}, but no keys (id_ed25519, prod.env), 1 kB"
    assert files == {
        "data.pkl",
        "run.json",
        "journal.jsonl",
        *(f"program/{name}" for name in ("bin/train.sh", "data.pkl", "run.json")),
    }
    table = study.run(progress=False)
    (source / "bin" / "train.sh").unlink()
    monkeypatch.chdir(tmp_path / "job")  # as in the trainers
    remote = caviar.Study.open(tmp_path / "job", data=package.data, workers=0)
    pd.testing.assert_series_equal(remote.run(progress=False)["loss"], table["loss"])


def test_a_folder_that_is_too_large_to_travel_is_refused(tmp_path):
    (tmp_path / "source").mkdir()
    with (tmp_path / "source" / "data").open("wb") as file:
        file.truncate(201 << 20)
    study = caviar.Study(caviar.program("true {x}", tmp_path / "source"), **OBJECTIVE, out=tmp_path / "out", workers=0)
    with pytest.raises(InputError, match="must be at most 200 MB to travel with the program"):
        packed(study, tmp_path / "job")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that nobody can read")
def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "locked").symlink_to("/proc/self/mem")
    study = caviar.Study(caviar.program("true {x}", tmp_path / "source"), **OBJECTIVE, out=tmp_path / "out", workers=0)
    with pytest.raises(StorageError, match=r"cannot read .*/source/locked \(.*\); check its permissions"):
        packed(study, tmp_path / "job")


def test_another_version_of_python_is_refused(tmp_path):
    packed(caviar.Study(train, **OBJECTIVE, out=tmp_path / "study", workers=0), tmp_path / "job")
    path = tmp_path / "job" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"python": "2.7.18"}))
    with pytest.raises(ClusterError, match=r"must run Python 2\.7\.18"):
        unpack(tmp_path / "job")


class Holding:
    """A training function that holds something."""

    def __init__(self, something):
        self.something = something

    def __call__(self, config, seed):
        return train(config, seed)


def test_what_cannot_travel_is_refused(tmp_path):
    unpicklable, settings = Holding(threading.Lock()), {**OBJECTIVE, "workers": 0, "isolation": "none"}
    with pytest.raises(InputError, match="open handles"):
        packed(caviar.Study(unpicklable, **settings, out=tmp_path / "study"), tmp_path / "lock")
    large = Holding(bytes(201 << 20))
    with pytest.raises(InputError, match="must be at most 200 MB"):
        packed(caviar.Study(large, **OBJECTIVE, out=tmp_path / "study", workers=0), tmp_path / "large")
