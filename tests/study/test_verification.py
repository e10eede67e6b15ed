"""Trials that are trained again, and compared with what they had reported."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

import caviar
from caviar.cli.main import main
from caviar.errors import InputError
from caviar.study.verification import CERTIFICATE, verify

SPACE = caviar.Space(x=caviar.uniform(0, 1))


def study_of(function, out, **changes):
    settings = {"metric": "loss", "mode": "min", "trials": 8, "isolation": "none", "workers": 0, "epochs": 3}
    study = caviar.Study(function, space=SPACE, out=out, **{**settings, **changes})
    study.run(progress=False)
    return study


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    study = caviar.Study(
        "digits", trials=9, waves=3, epochs=3, early_stopping="halving", confirm=(1, 2), workers=0, out=out
    )
    study.run(progress=False)
    return study


def test_networks_are_equal_to_the_bit_and_the_study_stays_as_it_was(networks):
    before = {path: path.read_bytes() for path in networks.folder.rglob("*") if path.is_file()}
    found = verify(networks.folder, trials=3)
    assert found.equal
    assert found.trials[0].trial == networks.best.trial
    assert len({trial.trial for trial in found.trials}) == 3
    assert found.sentences[0].startswith("3 of 3 trials (")
    assert len(found.sentences) == 1
    after = {path: path.read_bytes() for path in networks.folder.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() <= {networks.folder / CERTIFICATE}
    assert all(after[path] == content for path, content in before.items())


def test_what_was_found_is_not_lost_where_the_certificate_cannot_be_written(tmp_path, caplog):
    study = study_of(lambda config: config["x"], tmp_path / "first")
    (study.folder / CERTIFICATE).mkdir()
    assert verify(study).equal
    assert "cannot write" in caplog.text
    assert CERTIFICATE in caplog.text


def test_the_certificate_says_what_was_compared_and_its_hash_is_of_what_does_not_depend_on_the_machine(
    networks, tmp_path
):
    verify(networks.folder, trials=2)
    certificate = json.loads((networks.folder / CERTIFICATE).read_text())
    settings = {"epochs": 3, "early_stopping": "halving", "confirm": (1, 2), "waves": 3}
    again = caviar.Study("digits", trials=9, workers=2, out=tmp_path / "again", **settings)
    again.run(progress=False)
    verify(again.folder, trials=1)
    other = json.loads((again.folder / CERTIFICATE).read_text())
    assert certificate["equal"]
    assert certificate["results_sha256"] == other["results_sha256"]
    assert certificate["settings"]["source"]["fingerprint"]
    assert certificate["trials"][0]["trial"] == networks.best.trial
    assert certificate["machine"]["blas"]
    assert certificate["versions"]["numpy"]


def test_a_number_that_differs_is_named_and_the_command_ends_with_1(tmp_path, monkeypatch, capsys):
    drawn = iter(range(100))

    def unseeded(config):
        yield {"loss": config["x"]}
        yield {"loss": float(next(drawn))}

    study = study_of(unseeded, tmp_path / "runs" / "first")
    found = verify(study.folder, trials=2, data=unseeded)
    assert not found.equal
    first = found.trials[0]
    assert (first.epoch, first.metric, first.before) == (2, "loss", study.best.metrics["loss"])
    assert found.sentences[0].startswith("0 of 2 trials (")
    assert (
        f"trial {first.trial} differs from epoch 2 on: loss was {first.before!r} and is {first.again!r}"
        in found.sentences
    )
    assert not json.loads((study.folder / CERTIFICATE).read_text())["equal"]
    monkeypatch.setattr("caviar.study.verification.verify", lambda *arguments, **options: found)
    with pytest.raises(SystemExit) as end:
        main(["verify", str(study.folder)])
    assert end.value.code == 1
    assert capsys.readouterr().out.splitlines() == list(found.sentences)
    with pytest.raises(SystemExit) as end:
        main(["verify", str(study.folder), "--json"])
    assert end.value.code == 1
    assert json.loads(capsys.readouterr().out)["equal"] is False


def test_a_trial_that_ends_otherwise_differs_and_one_that_reports_nan_does_not(tmp_path):
    fails = iter([False] * 8 + [True])

    def train(config):
        yield {"loss": config["x"], "other": float("nan")}
        if next(fails):
            raise ValueError("this time")

    study = study_of(train, tmp_path / "s")
    (comparison,) = verify(study.folder, trials=1, data=train).trials
    assert (comparison.equal, comparison.epoch, comparison.metric) == (False, 2, "")
    fails = iter([False])
    assert verify(study.folder, trials=1, data=train).equal


def test_other_versions_are_named_where_numbers_differ(networks):
    found = verify(networks.folder, trials=1)
    (trial,) = found.trials
    differs = type(found)(found.name, (type(trial)(0, False, 1),), found.machine, {**found.versions, "numpy": "1.26.0"})
    assert f"the study ran with numpy 1.26.0; here it is {found.versions['numpy']}" in differs.sentences


def test_a_study_is_verified_with_its_own_data(eight):
    assert verify(eight, trials=2).equal
    with pytest.raises(InputError, match=r"data is for the folder of a study; .* so leave it out"):
        verify(eight, data=eight.target)


def test_there_must_be_a_finished_trial(tmp_path):
    def fails(config):
        raise ValueError("no")

    study = caviar.Study(
        fails, space=SPACE, metric="loss", mode="min", trials=2, workers=0, out=tmp_path / "s", isolation="none"
    )
    study.run(progress=False)
    with pytest.raises(InputError, match="has finished; see the errors in its table"):
        verify(study.folder, data=fails)
    with pytest.raises(InputError, match="trials must be an integer >= 1, got 0"):
        verify(study.folder, 0, data=fails)


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    return study_of(lambda config: {"loss": config["x"]}, tmp_path_factory.mktemp("runs") / "s")


@example_settings(max_examples=12)
@given(count=st.integers(1, 12))
def test_the_winner_comes_first_and_others_evenly(eight, count):
    found = verify(eight.folder, count, data=lambda config: {"loss": config["x"]})
    numbers = [trial.trial for trial in found.trials]
    assert len(numbers) == len(set(numbers)) == min(count, 8)
    assert numbers[0] == eight.best.trial
    assert numbers[1:] == sorted(numbers[1:])
    assert found.equal


def test_the_command_prints_what_it_found(networks, capsys):
    main(["verify", str(networks.folder), "--trials", "2"])
    assert "2 of 2 trials (" in capsys.readouterr().out
    main(["verify", str(networks.folder), "--trials", "1", "--json"])
    assert json.loads(capsys.readouterr().out)["equal"] is True


WITHOUT_RAY = """
import sys
import caviar

def train(config, seed):
    return {"loss": config["x"] + seed % 7}

if __name__ == "__main__":
    space = {"x": caviar.uniform(0, 1), "y": caviar.uniform(0, 1)}
    study = caviar.Study(train, space=space, metric="loss", mode="min", trials=4, workers=1, out="s")
    study.run(progress=False)
    assert caviar.verify(study, trials=2).equal
    assert caviar.explain(study, seeds=2).trainings
    assert "ray" not in sys.modules
"""


def test_trials_outside_of_a_study_need_no_ray_either(tmp_path):
    (tmp_path / "script.py").write_text(WITHOUT_RAY, encoding="utf-8")
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, check=True)
