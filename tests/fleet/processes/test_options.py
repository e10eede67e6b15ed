"""A trial runs with the options of the Python that runs the study."""

import ast
import os
import subprocess
import sys

import pytest

CODE = """
import sys
sys.path[:] = {path!r}
import caviar

def train(config):
    import os, sys, warnings
    found = __debug__, sys.flags.dev_mode, sys.flags.utf8_mode, hash("caviar"), os.environ.get("PYTHONWARNINGS")
    print("found:", found)
    warnings.warn("too hot", UserWarning)
    return config["x"]

settings = dict(metric="loss", mode="min", space={{"x": [1, 2]}}, trials=1, confirm=False)
study = caviar.Study(train, out={out!r}, workers={workers}, isolation={isolation!r}, **settings)
print(study.run(progress=False, failures=float("inf"))["error"].tolist())
"""


def run(folder, *options, workers=0, isolation="process", **environment):
    """Run a study in a Python with options; return the errors of its trials, and what the first one has found."""
    code = CODE.format(path=sys.path, out=str(folder), workers=workers, isolation=isolation)
    command = [sys.executable, *options, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"} | environment
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    printed = (folder / "output" / "000000.txt").read_text(encoding="utf-8")
    found = next(line for line in printed.splitlines() if line.startswith("found: "))
    return ast.literal_eval(done.stdout.splitlines()[-1]), ast.literal_eval(found.removeprefix("found: ")), printed


@pytest.mark.parametrize("workers", [0, 1])
def test_a_trial_has_the_options_of_the_driver(tmp_path, workers):
    options = ("-O", "-X", "dev", "-X", "utf8", "-W", "error::UserWarning")
    errors, (debug, dev, utf8, *_), _ = run(tmp_path / "study", *options, workers=workers)
    assert (debug, dev, utf8) == (False, True, 1)
    assert errors == ["UserWarning: too hot"]


def test_a_trial_in_this_process_has_the_warnings_of_the_driver(tmp_path):
    errors, _, _ = run(tmp_path / "study", "-W", "error", isolation="none")
    assert errors == ["UserWarning: too hot"]


def test_a_trial_shows_warnings_unless_an_option_says_otherwise(tmp_path):
    errors, found, printed = run(tmp_path / "shown")
    assert errors == [""]
    assert found[:3] == (True, False, 0)
    assert "UserWarning: too hot" in printed
    _, _, printed = run(tmp_path / "ignored", PYTHONWARNINGS="ignore")
    assert "too hot" not in printed


def test_an_isolated_driver_has_trials_without_its_variables_but_with_the_same_hashes(tmp_path):
    _, (*_, expected, _), _ = run(tmp_path / "first")
    errors, (*_, found, warnings), _ = run(tmp_path / "second", "-I", PYTHONWARNINGS="error")
    assert errors == [""]
    assert found == expected
    assert warnings is None
