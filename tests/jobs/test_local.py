"""The studies on this machine, as `caviar status` and `caviar list` tell of them."""

import pytest

import caviar
from caviar.errors import InputError
from caviar.jobs.local import Here

SPACE = caviar.Space(x=caviar.uniform(0, 1))


def study(folder, train, confirm):
    settings = {"metric": "loss", "mode": "min", "trials": 8, "waves": 1, "workers": 0, "confirm": confirm}
    return caviar.Study(train, space=SPACE, out=folder, **settings)


def train(config, seed):
    return {"loss": config["x"]}


def breaks(config, seed):
    raise ValueError("no")


def test_a_study_is_finished_when_its_confirming_trials_are_too(tmp_path):
    study(tmp_path / "whole", train, (2, 3)).run(progress=False)
    status = Here(tmp_path).status("whole")
    assert (status.state, status.progress) == ("finished", "14/14 trials")
    trained = []

    def interrupted(config, seed):
        if len(trained) == 8:
            raise KeyboardInterrupt
        trained.append(seed)
        return {"loss": config["x"]}

    with pytest.raises(KeyboardInterrupt):
        study(tmp_path / "cut", interrupted, (2, 3)).run(progress=False)
    status = Here(tmp_path).status("cut")
    assert (status.state, status.progress) == ("stopped", "8/14 trials")


def test_a_study_none_of_whose_trials_finished_has_nothing_to_confirm(tmp_path):
    study(tmp_path / "failed", breaks, (2, 3)).run(progress=False, failures=float("inf"))
    status = Here(tmp_path).status("failed")
    assert (status.state, status.progress) == ("finished", "8/8 trials")


def test_all_studies_of_a_folder_the_oldest_first_and_a_name_that_is_not_there(tmp_path):
    for name in ("one", "two"):
        study(tmp_path / name, train, False).run(progress=False)
    assert [status.name for status in Here(tmp_path).studies()] == ["one", "two"]
    with pytest.raises(InputError, match="no study named 'three'"):
        Here(tmp_path).status("three")
