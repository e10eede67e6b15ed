"""A driver that is killed with -9 at any moment, and the study that continues after it."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from caviar.csv import read_csv
from caviar.records import journal
from caviar.records.events import TrialEnded
from tests.study import killed_driver

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_killed_at_twenty_random_moments_ends_with_the_undisturbed_table(ray_cluster, tmp_path):
    whole = killed_driver.drive(tmp_path / "whole", None)
    address = ray_cluster.get_runtime_context().gcs_address
    done = subprocess.run(
        [sys.executable, "-m", "tests.study.killed_driver", tmp_path / "killed", address, str(KILLS), "0"],
        cwd=ROOT, capture_output=True, text=True, timeout=580,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= KILLS - 2  # the study may end before the last of them
    table = read_csv(tmp_path / "killed" / "results.csv")
    columns = ["trial", "wave", "state", "x", "y", "loss", "seed"]
    pd.testing.assert_frame_equal(table[columns], whole[columns], check_exact=True, check_dtype=False)
    ends = Counter(e.result.trial for e in journal.read(tmp_path / "killed") if isinstance(e, TrialEnded))
    assert ends == Counter(range(len(whole)))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("of", [[], ["--function"]])
def test_drivers_that_end_in_their_first_seconds_lose_nothing(tmp_path, of):
    command = [sys.executable, "-m", "tests.study.first_seconds", tmp_path / "s", "--ends=2", "--seed=1", *of]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "the table is equal to the bit"
