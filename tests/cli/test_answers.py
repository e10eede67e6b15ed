"""The commands that say what went wrong, and why the winner is better."""

import json

import pytest

import caviar
from caviar.cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    space = {"learning_rate": caviar.loguniform(1e-4, 1e-1), "hidden_units": 16, "hidden_layers": 1}
    caviar.Study("digits", space=space, trials=4, epochs=2, workers=0, out=out).run(progress=False)
    return str(out)


def test_diagnose_prints_lines_or_json(folder, capsys):
    main(["diagnose", folder])
    assert capsys.readouterr().out == "digits: no problems were found\n"
    main(["diagnose", folder, "--trial", "0", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["subject"] == "trial 0"
    assert isinstance(printed["findings"], list)


def test_explain_prints_a_sentence_or_json(folder, capsys):
    main(["explain", folder, "--seeds", "2"])
    assert "learning_rate 0.001 -> " in capsys.readouterr().out
    main(["explain", folder, "--seeds", "2", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert [change["name"] for change in printed["changes"]] == ["learning_rate"]
    assert printed["start"]["low"] <= printed["start"]["mean"] <= printed["start"]["high"]


def test_a_trial_that_is_not_there_is_one_sentence(folder, capsys):
    for command in ("diagnose", "explain"):
        with pytest.raises(SystemExit):
            main([command, folder, "--trial", "99"])
        assert capsys.readouterr().err.startswith("caviar: no trial 99 of ")
