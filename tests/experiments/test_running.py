"""`caviar experiments`: the files and lines that it writes."""

import sys

import click.testing
import pandas as pd
import pytest

import caviar
from caviar.cli.main import cli
from caviar.errors import InputError, StorageError
from caviar.experiments.running import EXPERIMENTS, run_and_write
from tests.insight.browser import CHROMIUM, opened


def test_a_command_writes_tables_and_a_page(tmp_path):
    arguments = ["experiments", "momentum-scale", "--size", "16", "--seeds", "2", "--out", str(tmp_path)]
    result = click.testing.CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "reverse log scale" in result.output
    table = pd.read_csv(tmp_path / "momentum-scale.csv")
    assert table["count"].sum() == 2 * 16 * 2
    assert table["source"].str.contains("deeplearning.ai").all()
    page = (tmp_path / "momentum-scale.html").read_text()
    assert "caviar experiments momentum-scale --size 16 --seeds 2" in page
    assert "<script src" not in page


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.slow
def test_a_browser_draws_each_picture_of_batch_norm(tmp_path):
    finding = caviar.experiments.covariate_shift(
        steps=20, seeds=2, accuracy=0.3, rates=[0.1, 1.0], hidden_layers=2, hidden_units=16
    )
    seen = opened(finding.write_page(tmp_path, "caviar experiments covariate-shift"))
    assert seen["errors"] == seen["console"] == []
    assert [figure["caption"] for figure in seen["figures"]] == [
        finding.picture(name).layout.meta["caption"] for name in finding.drawings
    ]


def test_without_plotly_tables_are_written_and_the_remedy_is_shown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    (written,) = run_and_write(["learning-rate-scale"], size=8, seeds=1, folder=tmp_path)
    assert any("pip install 'caviar-tune[report]'" in line for line in written.lines)
    assert [path.name for path in tmp_path.iterdir()] == ["learning-rate-scale.csv"]


@pytest.mark.parametrize(
    ("names", "arguments", "words"),
    [
        (["momentum"], {}, "unknown experiment 'momentum'; did you mean 'momentum-scale'"),
        ([], {"size": 0}, "size must be an integer >= 1, got 0"),
        ([], {"seeds": -1}, "seeds must be an integer >= 1, got -1"),
    ],
)
def test_invalid_arguments_are_errors_before_any_work_starts(tmp_path, names, arguments, words):
    with pytest.raises(InputError, match=words):
        next(run_and_write(names, folder=tmp_path / "new", **arguments))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        list(run_and_write(["momentum-scale"], size=4, seeds=1, folder=tmp_path / "file"))


def test_the_help_lists_each_experiment():
    output = click.testing.CliRunner().invoke(cli, ["experiments", "--help"]).output
    assert all(name in output for name in EXPERIMENTS)
